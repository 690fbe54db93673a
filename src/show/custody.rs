//! The custody of an image for a person at a terminal: the verdict, each layer in a row, everything
//! that is wrong, and on demand the chain as a picture.

use std::fmt::Write as _;

use serde::Serialize;

use super::custody_picture::picture;
use super::harmless;
use crate::render::Style;
use crate::render::custody::{self as words, Chain, Link, name, sentence};
use crate::render::text::{bytes, columns, count, shorten};
use crate::report::{Custody, CustodyVerdict};

/// How many problems and remarks are told unless all are asked for.
const SHOWN: usize = 20;

/// How long a sentence may be unless all is asked for: a name in an archive may have any length.
const LONGEST: usize = 600;

/// The widest that a name may be in the table of layers.
const NAME: usize = 24;

/// Numbers from which on a table tells no digits; the JSON form does.
const MANY: u64 = 1_000_000_000;

/// The form of the JSON document; a member may be added, none changes its meaning.
const SCHEMA: u32 = 1;

/// The custody of an image for other programs: what `custody` is in a report
/// (schema/report-1.json), and the number of the form.
#[must_use]
pub fn custody_json(custody: &Custody) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        #[serde(flatten)]
        custody: &'a Custody,
    }
    let document = Document {
        schema: SCHEMA,
        custody,
    };
    // Every key is a string and every number finite: nothing here can fail to be written.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// The custody of an image in words, within the width; with `chain` a picture of it too. A name from
/// outside can neither move the cursor nor pass for a command of a CI system.
#[must_use]
pub fn custody_terminal(custody: &Custody, style: &Style, chain: bool) -> String {
    let mut page = Page {
        style,
        text: String::new(),
    };
    let found = Chain::of(custody);
    page.head(custody);
    page.layers(&found);
    if chain {
        page.section("The chain, from the bottom up");
        page.text.push_str(&picture(&found, style));
    }
    page.problems(custody);
    page.signed(custody);
    page.remarks(custody);
    page.text
}

struct Page<'a> {
    style: &'a Style,
    text: String,
}

/// What a word is told with, on a terminal.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Bold,
    Dim,
    Good,
    Bad,
}

/// `text` in a colour, where there is any.
pub(super) fn ink(style: &Style, ink: Ink, text: &str) -> String {
    let code = match ink {
        _ if !style.colour => return text.to_owned(),
        Ink::Bold => "1",
        Ink::Dim => "2",
        Ink::Good => "1;32",
        Ink::Bad => "1;31",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        let title = ink(self.style, Ink::Bold, title);
        self.text.push('\n');
        self.line(&title);
    }

    /// Words after a lead of so many columns, on as many lines as they take.
    fn block(&mut self, lead: &str, indent: usize, text: &str) {
        let width = self.style.width.saturating_sub(indent);
        let text = match self.style.all {
            true => text.to_owned(),
            false => shorten(text, LONGEST),
        };
        for (at, line) in folded(&text, width).iter().enumerate() {
            match at {
                0 => self.line(&format!("{lead}{line}")),
                _ => self.line(&format!("{:indent$}{line}", "")),
            }
        }
    }

    fn head(&mut self, custody: &Custody) {
        let style = self.style;
        let image = shorten(&harmless(&name(&custody.image)), style.width);
        self.line(&ink(style, Ink::Bold, &image));
        if !custody.digest.is_empty() {
            let digest = shorten(&harmless(&name(&custody.digest)), style.width);
            self.line(&ink(style, Ink::Dim, &digest));
        }
        let verdict = words::verdict(custody).to_uppercase();
        let tone = match custody.verdict {
            CustodyVerdict::Holds => Ink::Good,
            CustodyVerdict::Broken => Ink::Bad,
        };
        self.text.push('\n');
        let text = format!("{verdict}: {}", words::meaning(custody));
        for (at, line) in folded(&text, style.width).iter().enumerate() {
            match line.strip_prefix(&verdict).filter(|_| at == 0) {
                Some(rest) => self.line(&format!("{}{rest}", ink(style, tone, &verdict))),
                None => self.line(line),
            }
        }
    }

    fn layers(&mut self, chain: &Chain<'_>) {
        let custody = chain.custody;
        if custody.layers.is_empty() {
            self.section("Layers: none");
            return;
        }
        self.section(&format!(
            "Layers ({}, the lowest first)",
            custody.layers.len()
        ));
        let rows: Vec<Row> = chain
            .links
            .iter()
            .flat_map(|link| link.layers.clone().map(|at| Row::new(chain, link, at)))
            .collect();
        let table = Table::new(&rows, self.style.width);
        let head = ink(self.style, Ink::Dim, &table.head());
        self.line(&head);
        let mark = ink(self.style, Ink::Bad, "!");
        let indent = table.number + 4;
        let lead = format!("{:indent$}{mark} ", "");
        for row in &rows {
            for line in table.lines(row, self.style) {
                self.line(&line);
            }
            for wrong in &row.wrong {
                self.block(&lead, indent + 2, wrong);
            }
        }
        for link in chain.links.iter().filter(|link| link.layers.is_empty()) {
            let text = format!("{} handed over and has no layer here", link.role);
            self.block(&lead, indent + 2, &text);
        }
    }

    fn problems(&mut self, custody: &Custody) {
        let all = custody.problems.len();
        if all == 0 {
            return;
        }
        self.section(&format!("What is wrong ({all})"));
        let shown = if self.style.all { all } else { SHOWN };
        for problem in custody.problems.iter().take(shown) {
            let mark = ink(self.style, Ink::Bad, "•");
            let place = words::place(custody, problem);
            let kind = words::kind(problem.kind);
            self.block(&format!("  {mark} "), 4, &format!("{place} {kind}"));
            self.block("      ", 6, &sentence(&problem.message));
        }
        self.rest(all, shown);
    }

    fn signed(&mut self, custody: &Custody) {
        if !custody.signatures.is_empty() {
            self.section("Signed as a whole");
        }
        for signature in &custody.signatures {
            let (role, key) = (name(&signature.role), name(&signature.key));
            let text = format!("{role} {key} as {}", name(&signature.reference));
            self.block("  ", 4, &text);
        }
        if !custody.attested.is_empty() {
            self.section("Bound to it");
        }
        for attested in &custody.attested {
            let (kind, role) = (name(&attested.kind), name(&attested.role));
            let text = format!("{kind} by {role}: {}", sentence(&attested.says));
            self.block("  ", 4, &text);
            self.block("      ", 6, &name(&attested.digest));
        }
    }

    fn remarks(&mut self, custody: &Custody) {
        let all = custody.remarks.len();
        if all == 0 {
            return;
        }
        self.section(&format!("Worth knowing ({all})"));
        let shown = if self.style.all { all } else { SHOWN };
        for remark in custody.remarks.iter().take(shown) {
            self.block("  • ", 4, &sentence(remark));
        }
        self.rest(all, shown);
    }

    fn rest(&mut self, all: usize, shown: usize) {
        if all > shown {
            let text = format!("  … {} more; --all shows them", all - shown);
            self.line(&ink(self.style, Ink::Dim, &text));
        }
    }
}

/// The cells of a layer.
struct Row {
    number: String,
    role: String,
    size: String,
    entries: String,
    packages: String,
    stamp: String,
    received: String,
    wrong: Vec<&'static str>,
    is_good: bool,
}

impl Row {
    fn new(chain: &Chain<'_>, link: &Link, at: usize) -> Self {
        let layer = chain.custody.layers.get(at);
        let number = |of: fn(&crate::report::CustodyLayer) -> u64| layer.map_or(0, of);
        Self {
            number: at.to_string(),
            role: layer.map_or_else(String::new, |layer| harmless(&name(&layer.role))),
            size: bytes(number(|layer| layer.size)),
            entries: digits(number(|layer| layer.entries)),
            packages: digits(number(|layer| layer.packages)),
            stamp: shorten(&harmless(&link.stamp.short()), NAME),
            received: link.received.words.clone(),
            wrong: chain.wrong(link, at),
            is_good: link.stamp.is_good() && link.received.is_good,
        }
    }
}

/// A number for a column.
fn digits(number: u64) -> String {
    match number < MANY {
        true => count(number, "", "").trim_end().to_owned(),
        false => "over 10^9".to_owned(),
    }
}

/// The widths of the columns. Where they do not fit into one line, what is said of stamps stands on
/// a second one.
struct Table {
    number: usize,
    role: usize,
    size: usize,
    entries: usize,
    packages: usize,
    stamp: usize,
    received: usize,
    is_two_lines: bool,
}

impl Table {
    fn new(rows: &[Row], width: usize) -> Self {
        let widest = |title: &str, of: fn(&Row) -> &str| {
            let cells = rows.iter().map(|row| columns(of(row)));
            cells.max().unwrap_or_default().max(columns(title))
        };
        let mut table = Self {
            number: widest("", |row| &row.number),
            role: widest("role", |row| &row.role).min(NAME),
            size: widest("size", |row| &row.size),
            entries: widest("entries", |row| &row.entries),
            packages: widest("packages", |row| &row.packages),
            stamp: widest("stamped by", |row| &row.stamp),
            received: widest("what it received", |row| &row.received),
            is_two_lines: false,
        };
        let numbers = 10 + table.number + table.size + table.entries + table.packages;
        table.is_two_lines = numbers + table.role + table.stamp + table.received + 4 > width;
        table.role = table.role.min(width.saturating_sub(numbers).max(8));
        table
    }

    fn head(&self) -> String {
        let number = format!("  {:n$}", "", n = self.number);
        let (size, entries, packages) = (self.size, self.entries, self.packages);
        let numbers = format!(
            "{number}  {:<role$}  {:>size$}  {:>entries$}  {:>packages$}",
            "role",
            "size",
            "entries",
            "packages",
            role = self.role
        );
        match self.is_two_lines {
            true => numbers,
            false => format!(
                "{numbers}  {:<stamp$}  what it received",
                "stamped by",
                stamp = self.stamp
            ),
        }
    }

    fn lines(&self, row: &Row, style: &Style) -> Vec<String> {
        let tone = |text: &str| match row.is_good {
            true => text.to_owned(),
            false => ink(style, Ink::Bad, text),
        };
        let role = shorten(&row.role, self.role);
        let (number, size) = (self.number, self.size);
        let (entries, packages) = (self.entries, self.packages);
        let numbers = format!(
            "  {:>number$}  {role:<wide$}  {:>size$}  {:>entries$}  {:>packages$}",
            row.number,
            row.size,
            row.entries,
            row.packages,
            wide = self.role
        );
        if self.is_two_lines {
            let said = format!("stamped by: {}; received: {}", row.stamp, row.received);
            let said = shorten(&said, style.width.saturating_sub(number + 4));
            return vec![numbers, format!("  {:number$}  {}", "", tone(&said))];
        }
        let stamp = format!("{:<wide$}", row.stamp, wide = self.stamp);
        let said = tone(&format!("{stamp}  {}", row.received));
        vec![format!("{numbers}  {said}")]
    }
}

/// What the words grow by that a CI system would take for a command at the start of a line.
const GROWN: usize = 6;

/// `text` in lines of at most `width` columns; a word that is longer is broken. No line begins with
/// what a CI system takes for a command.
pub(super) fn folded(text: &str, width: usize) -> Vec<String> {
    let width = width.max(20);
    let text = harmless(text);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let most = match columns(&harmless(word)) <= width {
            true => width,
            false => width - GROWN,
        };
        let letters: Vec<char> = word.chars().collect();
        for part in letters.chunks(most) {
            let part: String = part.iter().collect();
            match lines.last_mut() {
                Some(line) if columns(line) + 1 + columns(&part) <= width => {
                    let _ = write!(line, " {part}");
                }
                _ => lines.push(harmless(&part)),
            }
        }
    }
    lines
}
