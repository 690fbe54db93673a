//! The graph of libraries: programs at the left, then the libraries by who answers for them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::fact::name_of;
use crate::path::AppPath;
use crate::render::text::{count, shorten};
use crate::render::words::is_found;
use crate::report::{Library, Owner, Report};

/// How many nodes a column has; those that most files need come first, the others are counted.
const NODES: usize = 30;

/// Width of a node, the gap between columns, height of a row, and of the heading.
const WIDTH: usize = 210;
const GAP: usize = 60;
const ROW: usize = 26;
const HEAD: usize = 28;

/// How many characters fit into a node.
const LETTERS: usize = 28;

/// The columns of libraries, with heading and colour.
const OWNERS: [(Owner, &str, &str); 3] = [
    (
        Owner::Application,
        "application (developers)",
        "o-application",
    ),
    (Owner::Middleware, "middleware", "o-middleware"),
    (Owner::Core, "core (operations)", "o-core"),
];

/// A file that needs a library, or a library.
struct Node {
    text: String,
    full: String,
    link: String,
    lost: bool,
    /// How many lines come to it or go from it.
    weight: usize,
}

/// A column of the graph.
struct Column {
    title: &'static str,
    tone: &'static str,
    nodes: Vec<Node>,
}

/// From the program or library at (column, index) to the library at (column, index).
type Line = ((usize, usize), (usize, usize));

pub(super) fn graph(report: &Report) -> Markup {
    if report.libraries.is_empty() {
        return html! {};
    }
    let (columns, lines) = laid(&report.libraries);
    let hidden: usize = columns
        .iter()
        .map(|column| column.nodes.len().saturating_sub(NODES))
        .sum();
    html! {
        figure {
            div.scroll tabindex="0" role="region" aria-label="Graph of the libraries" {
                (drawing(&columns, &lines))
            }
            figcaption.hint {
                "Who needs which library, in columns of who answers for it: "
                "developers, middleware, operations. Red is not found. The report names the first "
                "files that need a library, and those have lines."
                @if hidden > 0 {
                    " The " (NODES) " with the most lines of each column are drawn, "
                    (hidden) " more are in the list."
                }
            }
        }
    }
}

/// Who needs a library: another, by its place in the list, or a program.
type From<'a> = Result<usize, &'a AppPath>;

/// Each need of a library: from whom, and the library's place in the list.
fn needs(libraries: &[Library]) -> Vec<(From<'_>, usize)> {
    let mut places: BTreeMap<&AppPath, usize> = BTreeMap::new();
    for (at, library) in libraries.iter().enumerate() {
        for path in library.path.iter().chain(&library.real_path) {
            places.entry(path).or_insert(at);
        }
    }
    let mut needs = Vec::new();
    for (to, library) in libraries.iter().enumerate() {
        for file in &library.needed_by {
            needs.push((places.get(file).copied().ok_or(file), to));
        }
    }
    needs
}

/// The columns that have nodes, each with the busiest node first, and the lines between them.
fn laid(libraries: &[Library]) -> (Vec<Column>, Vec<Line>) {
    let needs = needs(libraries);
    let mut weights: BTreeMap<From<'_>, usize> = BTreeMap::new();
    for (from, to) in &needs {
        *weights.entry(*from).or_default() += 1;
        *weights.entry(Ok(*to)).or_default() += 1;
    }
    let mut spots: BTreeMap<From<'_>, (usize, usize)> = BTreeMap::new();
    let mut programs: Vec<(&AppPath, usize)> = weights
        .iter()
        .filter_map(|(from, weight)| Some((from.err()?, *weight)))
        .collect();
    programs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut nodes = Vec::new();
    for (file, weight) in programs {
        spots.insert(Err(file), (0, nodes.len()));
        nodes.push(program(file, weight));
    }
    let mut columns = vec![Column {
        title: "programs",
        tone: "program",
        nodes,
    }];
    for (owner, title, tone) in OWNERS {
        let weight = |at: usize| weights.get(&Ok(at)).copied().unwrap_or(0);
        let mut of: Vec<usize> = (0..libraries.len())
            .filter(|&at| libraries[at].owner == owner)
            .collect();
        of.sort_by_key(|&at| (is_found(libraries[at].status), Reverse(weight(at)), at));
        if of.is_empty() {
            continue;
        }
        for (row, &at) in of.iter().enumerate() {
            spots.insert(Ok(at), (columns.len(), row));
        }
        let node = |at: usize| library(&libraries[at], at, weight(at));
        columns.push(Column {
            title,
            tone,
            nodes: of.into_iter().map(node).collect(),
        });
    }
    let seen = |spot: &(usize, usize)| spot.1 < NODES;
    let lines = needs
        .iter()
        .filter_map(|(from, to)| Some((*spots.get(from)?, *spots.get(&Ok(*to))?)))
        .filter(|(from, to)| seen(from) && seen(to));
    let lines = lines.collect();
    (columns, lines)
}

fn program(file: &AppPath, weight: usize) -> Node {
    Node {
        text: shorten(&file.to_text(), LETTERS),
        full: file.to_string(),
        link: "#libraries".to_owned(),
        lost: false,
        weight,
    }
}

fn library(library: &Library, at: usize, weight: usize) -> Node {
    let lost = !is_found(library.status);
    let full = match &library.path {
        Some(path) => format!("{}: {path}", library.name),
        None => format!("{}: {}", library.name, name_of(library.status)),
    };
    Node {
        text: shorten(&library.name, LETTERS),
        full,
        link: format!("#l{at}"),
        lost,
        weight,
    }
}

fn drawing(columns: &[Column], lines: &[Line]) -> Markup {
    let shown = |column: &Column| column.nodes.len().min(NODES);
    let rows = columns.iter().map(shown).max().unwrap_or(0);
    let width = columns.len() * (WIDTH + GAP) - GAP;
    let height = HEAD + rows * ROW + 4;
    html! {
        svg.graph viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height)
            role="group" aria-label="Programs and the libraries they need" {
            @for ((fc, fi), (tc, ti)) in lines {
                path.line.(format!("n{fc}-{fi}")).(format!("n{tc}-{ti}")) d=(curve((*fc, *fi), (*tc, *ti))) {}
            }
            @for (number, column) in columns.iter().enumerate() {
                text.title x=(number * (WIDTH + GAP)) y="18" { (column.title) }
                @for (at, node) in column.nodes.iter().take(NODES).enumerate() {
                    a href=(node.link) data-node=(format!("n{number}-{at}")) {
                        title { (node.full) " (" (count(node.weight as u64, "line", "lines")) ")" }
                        rect.back x=(number * (WIDTH + GAP)) y=(HEAD + at * ROW) width=(WIDTH)
                            height=(ROW - 4) rx="3" {}
                        rect.part.(if node.lost { "bad" } else { column.tone })
                            x=(number * (WIDTH + GAP)) y=(HEAD + at * ROW) width=(WIDTH)
                            height=(ROW - 4) rx="3" {}
                        text.label x=(number * (WIDTH + GAP) + 7) y=(HEAD + at * ROW + 15) {
                            (node.text)
                        }
                    }
                }
            }
        }
    }
}

/// A curve from the right side of a node to the left side of another; within a column, or back, it
/// leaves and comes in at the right.
fn curve(from: (usize, usize), to: (usize, usize)) -> String {
    let middle = |row: usize| HEAD + row * ROW + (ROW - 4) / 2;
    let left = |column: usize| column * (WIDTH + GAP);
    let (x, y) = (left(from.0) + WIDTH, middle(from.1));
    let to_y = middle(to.1);
    if to.0 > from.0 {
        let to_x = left(to.0);
        let bend = (to_x - x) / 2;
        format!(
            "M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}",
            x + bend,
            to_x - bend
        )
    } else {
        let to_x = left(to.0) + WIDTH;
        let bend = x.max(to_x) + GAP / 2;
        format!("M{x} {y}C{bend} {y} {bend} {to_y} {to_x} {to_y}")
    }
}
