"use strict";
// The browser's part of tests/runtime/html.sh: html.cjs BROWSER DIR
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const [browserPath, dir] = process.argv.slice(2);
const pages = fs.readdirSync(path.join(dir, "pages")).filter((name) => name.endsWith(".html")).sort();
let passed = 0;
let failed = 0;
const check = (ok, what) => {
  if (ok) passed += 1;
  else { failed += 1; console.log(`FAILED ${what}`); }
};

const isLarge = (name) => name === "many.html" || name === "all.html";
const SIZES = { phone: { width: 375, height: 812 }, desktop: { width: 1280, height: 900 } };

async function open(browser, name, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const told = [];
  const asked = [];
  page.on("console", (message) => told.push(message.text()));
  page.on("pageerror", (error) => told.push(String(error)));
  page.on("dialog", (dialog) => { told.push("dialog"); dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith("data:")) asked.push(request.url()); });
  const url = pathToFileURL(path.join(dir, "pages", name)).href;
  await page.goto(url);
  return { context, page, told, asked, url };
}

const shown = (page, list) => page.locator(`${list} details.row:not([hidden])`).count();
const settle = (page) => page.waitForTimeout(250);

async function filters(name, page) {
  const list = "#finding-list";
  const all = await shown(page, list);
  if (all === 0) return;
  const search = page.locator('form[data-list="finding-list"] input[type=search]');
  await search.fill("no such words anywhere");
  await settle(page);
  check(await shown(page, list) === 0, `${name}: a search for nonsense shows nothing`);
  const word = await page.locator(`${list} details.row`).first().evaluate((row) => row.id);
  const text = await page.locator(`#${word} .what`).textContent();
  await search.fill(text.trim().slice(0, 60));
  await settle(page);
  const hits = await shown(page, list);
  check(hits >= 1 && hits <= all && !(await page.locator(`#${word}`).getAttribute("hidden")), `${name}: a search finds its row`);
  await search.fill("");
  for (const level of ["blocker", "risk"]) await page.locator(`input[name=severity][value=${level}]`).uncheck();
  await settle(page);
  const notes = await page.locator(`${list} details.row[data-severity=note]`).count();
  check(await shown(page, list) === notes, `${name}: the severity filter keeps the notes alone`);
  const output = await page.locator('form[data-list="finding-list"] output').textContent();
  check(output === `${notes} of ${all} shown`, `${name}: the count says so: ${output}`);
  // A link opens its row though the filter hides it.
  await page.evaluate(() => { location.hash = "#f0"; });
  await settle(page);
  check(await page.locator("#f0").evaluate((row) => row.open && !row.hidden), `${name}: a link opens its row`);
  check(await shown(page, list) === all, `${name}: the link takes the filter away`);
}

// Keyboard alone: from the top to the first row, and open it.
async function keyboard(name, page) {
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.className) === "skip", `${name}: the first stop skips ahead`);
  const row = page.locator("#grades details.row summary").first();
  await row.focus();
  await page.keyboard.press("Enter");
  check(await page.locator("#grades details.row").first().evaluate((d) => d.open), `${name}: a key opens a row`);
  await page.keyboard.press("Enter");
}

// Contrast of text against what lies behind it (WCAG 2.2, 1.4.3), headings in order, names for controls.
const audit = () => {
  const faults = [];
  const parse = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const element of document.querySelectorAll("body *:not(script)")) {
    if (!element.checkVisibility() || ![...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(parse(colour).slice(0, 3)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const key = `${element.tagName}.${element.getAttribute("class")} ${colour}`;
    if (ratio < 4.5 && !seen.has(key)) { seen.add(key); faults.push(`contrast ${ratio.toFixed(2)} of ${key}`); }
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push(`heading ${heading.textContent} skips a level`);
    level = next;
  }
  for (const control of document.querySelectorAll("input, select")) if (!control.labels.length) faults.push(`no label for ${control.outerHTML}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id stands twice");
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`wider than the screen: ${document.documentElement.scrollWidth}`);
  for (const link of document.querySelectorAll('a[href^="#"]')) if (link.getAttribute("href") !== "#" && !document.getElementById(link.getAttribute("href").slice(1))) faults.push(`link to nothing: ${link.getAttribute("href")}`);
  return faults;
};

async function look(browser, name) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      const { context, page, told, asked, url } = await open(browser, name, { viewport, colorScheme });
      const at = `${name} ${size} ${colorScheme}`;
      const faults = isLarge(name) ? [] : await page.evaluate(audit);
      check(faults.length === 0, `${at}: ${faults.slice(0, 8).join("; ")}`);
      await page.screenshot({ path: path.join(dir, "pictures", `${name.replace(".html", "")}-${size}-${colorScheme}.png`), fullPage: !isLarge(name) });
      if (size === "desktop" && colorScheme === "light") {
        await keyboard(name, page);
        await filters(name, page);
        if (!isLarge(name)) await page.pdf({ path: path.join(dir, "pictures", `${name.replace(".html", "")}.pdf`), format: "A4", printBackground: true });
      }
      check(told.length === 0, `${at}: the console says ${told.slice(0, 3).join("; ")}`);
      check(asked.every((one) => one.split("#")[0] === url), `${at}: asks for ${asked.join(" ")}`);
      check(await page.evaluate(() => window.ran === undefined), `${at}: a name was run`);
      await context.close();
    }
  }
}

async function load(browser, name, most) {
  const times = [];
  for (let run = 0; run < 5; run += 1) {
    const context = await browser.newContext({ viewport: SIZES.desktop });
    const page = await context.newPage();
    await page.goto(pathToFileURL(path.join(dir, "pages", name)).href);
    times.push(await page.evaluate(async () => {
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const paint = performance.getEntriesByName("first-contentful-paint")[0];
      return { paint: Math.round(paint ? paint.startTime : 0), settled: Math.round(performance.now()) };
    }));
    await context.close();
  }
  times.sort((a, b) => a.settled - b.settled);
  const size = fs.statSync(path.join(dir, "pages", name)).size;
  console.log(`${name} (${(size / 1e6).toFixed(1)} MB) opens: ${JSON.stringify(times)} ms`);
  check(times[2].settled < most, `${name}: opens within ${most} ms (${times[2].settled} ms)`);
}

async function search(browser) {
  const { context, page } = await open(browser, "many.html", { viewport: SIZES.desktop });
  const took = await page.evaluate(async () => {
    const input = document.querySelector('form[data-list="finding-list"] input[type=search]');
    const start = performance.now();
    input.value = "libpng12 4999";
    input.form.requestSubmit();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return Math.round(performance.now() - start);
  });
  console.log(`search in 5,000 findings: ${took} ms`);
  check(took < 1000, `many.html: a search ends within a second (${took} ms)`);
  await context.close();
}

// Without scripts, as a CI's file server may serve it, all of it is there and nothing is hidden.
async function plain(browser) {
  const { context, page } = await open(browser, "cadview-suite.html", { viewport: SIZES.desktop, javaScriptEnabled: false });
  await page.locator("#f0 summary").click();
  check(await page.locator("#f0 .facts").isVisible(), "without scripts a row opens");
  check(!(await page.locator("form.filter").first().isVisible()), "without scripts no dead filter shows");
  await context.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  await load(browser, "many.html", 1000);
  await load(browser, "all.html", 3000);
  await search(browser);
  for (const name of pages) await look(browser, name);
  await plain(browser);
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
})();
