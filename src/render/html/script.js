"use strict";
(() => {
  const all = (within, what) => Array.from(within.querySelectorAll(what));

  // Filter and search: a row shows when every choice allows it and its text has every word.
  for (const form of all(document, "form.filter")) {
    const list = document.getElementById(form.dataset.list);
    const rows = all(list, "details.row");
    const chunks = all(list, ".chunk");
    const texts = new Map();
    const text = (row) => {
      if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
      return texts.get(row);
    };
    const apply = () => {
      const data = new FormData(form);
      const words = form.querySelector("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
      const severities = data.getAll("severity");
      const dimension = data.get("dimension");
      let shown = 0;
      for (const row of rows) {
        const { severity, weak } = row.dataset;
        const fits = (!severity || severities.includes(severity))
          && (weak === undefined || data.has("weak"))
          && (!dimension || row.dataset.dimension === dimension)
          && words.every((word) => text(row).includes(word));
        row.hidden = !fits;
        if (fits) shown += 1;
      }
      for (const chunk of chunks) {
        const left = chunk.querySelectorAll(":scope > details:not([hidden])").length;
        chunk.hidden = left === 0;
        // What is out of sight keeps about the height that it will have.
        if (chunk.matches(".lazy")) chunk.style.containIntrinsicBlockSize = `auto ${left * 44}px`;
      }
      form.querySelector("output").textContent = `${shown} of ${rows.length} shown`;
    };
    let waiting = 0;
    const soon = () => { clearTimeout(waiting); waiting = setTimeout(apply, 80); };
    form.addEventListener("input", soon);
    form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
    form.reset();
    form.hidden = false;
    form.querySelector("output").textContent = `${rows.length} of ${rows.length} shown`;
    form.addEventListener("show-all", () => { form.reset(); apply(); });
  }

  // A link to a row opens it, also when a filter had hidden it.
  const open = () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row || !row.matches("details.row")) return;
    if (row.hidden) {
      for (const form of all(document, "form.filter")) {
        if (row.closest(`#${form.dataset.list}`)) form.dispatchEvent(new Event("show-all"));
      }
    }
    row.open = true;
    row.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  // In the graph of libraries the lines of a node stand out.
  for (const node of all(document, "svg.graph a[data-node]")) {
    const mark = (on) => {
      for (const line of all(document, `svg.graph .line.${node.dataset.node}`)) line.classList.toggle("on", on);
    };
    for (const [name, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
      node.addEventListener(name, () => mark(on));
    }
  }

  // Paper has no clicks: what matters is opened, unless it would fill a book.
  let opened = [];
  addEventListener("beforeprint", () => {
    const rows = all(document, "#grades .row, #custody .row, #mounts .row, .finding.blocker, .finding.risk, #coverage .row");
    opened = rows.length > 300 ? [] : rows.filter((row) => !row.open);
    for (const row of opened) row.open = true;
  });
  addEventListener("afterprint", () => { for (const row of opened) row.open = false; });
})();
