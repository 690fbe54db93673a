//! The graph of libraries: programs at the left, then the libraries by who answers for them.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::fact::name_of;
use crate::path::AppPath;
use crate::render::text::shorten;
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

/// A file that needs a library, or a library.
#[derive(Clone)]
struct Node {
    text: String,
    full: String,
    link: String,
    lost: bool,
    /// How many lines come to it or go from it.
    weight: usize,
}

#[derive(Default)]
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
                "developers, middleware, operations. Red is not found."
                @if hidden > 0 {
                    " The " (NODES) " with the most lines of each column are drawn, "
                    (hidden) " more are in the list."
                }
            }
        }
    }
}

/// The columns that have nodes, each with the busiest node first, and the lines between them.
fn laid(libraries: &[Library]) -> (Vec<Column>, Vec<Line>) {
    let mut places: BTreeMap<&AppPath, usize> = BTreeMap::new();
    for (at, library) in libraries.iter().enumerate() {
        for path in library.path.iter().chain(&library.real_path) {
            places.entry(path).or_insert(at);
        }
    }
    let mut programs: BTreeMap<&AppPath, usize> = BTreeMap::new();
    let mut weight = vec![0_usize; libraries.len()];
    let mut edges: Vec<(Result<usize, &AppPath>, usize)> = Vec::new();
    for (to, library) in libraries.iter().enumerate() {
        for file in &library.needed_by {
            weight[to] += 1;
            match places.get(file) {
                Some(&from) => {
                    weight[from] += 1;
                    edges.push((Ok(from), to));
                }
                None => {
                    *programs.entry(file).or_default() += 1;
                    edges.push((Err(file), to));
                }
            }
        }
    }
    let mut columns = vec![Column {
        title: "programs",
        tone: "program",
        nodes: Vec::new(),
    }];
    let mut spots: BTreeMap<Result<usize, &AppPath>, (usize, usize)> = BTreeMap::new();
    let mut order: Vec<_> = programs.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    for (file, weight) in order {
        spots.insert(Err(file), (0, columns[0].nodes.len()));
        columns[0].nodes.push(program(file, weight));
    }
    for (owner, title, tone) in [
        (
            Owner::Application,
            "application (developers)",
            "o-application",
        ),
        (Owner::Middleware, "middleware", "o-middleware"),
        (Owner::Core, "core (operations)", "o-core"),
    ] {
        let mut of: Vec<usize> = (0..libraries.len())
            .filter(|&at| libraries[at].owner == owner)
            .collect();
        of.sort_by_key(|&at| (is_found(libraries[at].status), usize::MAX - weight[at], at));
        if of.is_empty() {
            continue;
        }
        let mut column = Column {
            title,
            tone,
            nodes: Vec::new(),
        };
        for at in of {
            spots.insert(Ok(at), (columns.len(), column.nodes.len()));
            column.nodes.push(library(&libraries[at], at, weight[at]));
        }
        columns.push(column);
    }
    let seen = |spot: &(usize, usize)| spot.1 < NODES;
    let lines = edges
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
                        title { (node.full) " (" (node.weight) " lines)" }
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
