//! The picture of the separation: what goes into the image, what is mounted, what blocks.
//!
//! It is drawn twice, side by side for a screen and paper and one below the other for a phone; the
//! style shows one of them. All of it stands in the lists as text too.

use maud::{Markup, html};

use crate::fact::{Class, name_of};
use crate::render::text::{bytes, count, shorten};
use crate::render::words::is_found;
use crate::report::{BaseVerdict, Mount, Owner, Report, Severity};

/// A box of the picture.
struct Pane {
    title: String,
    tone: &'static str,
    rows: Vec<Row>,
}

/// A line with a smaller one below it.
struct Row {
    text: String,
    detail: String,
    link: String,
    tone: String,
}

/// Width of a box, height of a row and of a box's heading, and the gap between boxes.
const WIDTH: usize = 330;
const ROW: usize = 46;
const HEAD: usize = 40;
const GAP: usize = 24;

/// How many characters fit into a row: the smaller text is 6.7 wide.
const TEXT: usize = 35;
const DETAIL: usize = 44;

/// How many rows a box has at most; the last then counts the others.
const ROWS: usize = 8;

pub(super) fn picture(report: &Report) -> Markup {
    let panes = [inside(report), outside(report), blocking(report)];
    html! {
        figure {
            div.wide { (drawing(&panes, true)) }
            div.narrow { (drawing(&panes, false)) }
            figcaption.hint {
                "Each part links to its list. The image is read only; what is mounted lies over it."
            }
        }
    }
}

/// What goes into the image, in layers of who answers for it.
fn inside(report: &Report) -> Pane {
    let base = report
        .bases
        .iter()
        .find(|base| base.verdict < BaseVerdict::Unknown);
    let layer = |owner: Owner, who: &str, link: &str| {
        let libraries = report.libraries.iter();
        let libraries = libraries
            .filter(|l| l.owner == owner && is_found(l.status))
            .count();
        let modules = report.modules.iter();
        let modules = modules
            .filter(|m| m.owner == owner && is_found(m.status))
            .count();
        Row {
            text: format!("{}, {who}", name_of(owner)),
            detail: format!(
                "{}, {}",
                count(libraries as u64, "library", "libraries"),
                count(modules as u64, "module", "modules")
            ),
            link: link.to_owned(),
            tone: format!("o-{}", name_of(owner)),
        }
    };
    let coverage = &report.coverage;
    let mut rows = vec![
        Row {
            text: "the application's own files".to_owned(),
            detail: format!("{} in all, less what is mounted", bytes(coverage.bytes)),
            link: "#paths".to_owned(),
            tone: "o-application".to_owned(),
        },
        layer(Owner::Application, "of the developers", "#libraries"),
        layer(Owner::Middleware, "of its specialists", "#libraries"),
        layer(Owner::Core, "of operations", "#libraries"),
    ];
    rows.push(Row {
        text: "base image".to_owned(),
        detail: base.map_or_else(
            || "none is known to do".to_owned(),
            |base| format!("{}, for instance", base.image),
        ),
        link: "#bases".to_owned(),
        tone: "o-core".to_owned(),
    });
    Pane {
        title: "Into the image".to_owned(),
        tone: "image",
        rows,
    }
}

/// What is mounted, by what it is for.
fn outside(report: &Report) -> Pane {
    let classes = [
        Class::Config,
        Class::Secret,
        Class::Data,
        Class::Log,
        Class::Cache,
        Class::Runtime,
        Class::Temp,
        Class::Code,
    ];
    let mounts = &report.plan.mounts;
    let mut rows = Vec::new();
    for class in classes {
        let of: Vec<&Mount> = mounts.iter().filter(|mount| mount.class == class).collect();
        let Some(first) = of.first() else { continue };
        let size = of.iter().filter_map(|mount| mount.size_bytes);
        let size = size.fold(0_u64, u64::saturating_add);
        let more = match of.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        let room = DETAIL.saturating_sub(more.len());
        rows.push(Row {
            text: format!(
                "{}: {}, {}",
                name_of(class),
                count(of.len() as u64, "mount", "mounts"),
                bytes(size)
            ),
            detail: format!("{}{more}", shorten(&first.path.to_text(), room)),
            link: mounts
                .iter()
                .position(|mount| mount.class == class)
                .map(|at| format!("#m{at}"))
                .unwrap_or_default(),
            tone: format!("c-{}", name_of(class)),
        });
    }
    Pane {
        title: format!("Mounted from outside ({})", mounts.len()),
        tone: "mounted",
        rows,
    }
}

/// What blocks: the findings, and the grades that are difficult.
fn blocking(report: &Report) -> Pane {
    let findings = report.findings.iter().enumerate();
    let mut rows: Vec<Row> = findings
        .filter(|(_, finding)| finding.severity == Severity::Blocker)
        .map(|(at, finding)| Row {
            text: finding.rule.replace('-', " "),
            detail: finding.message.clone(),
            link: format!("#f{at}"),
            tone: "bad".to_owned(),
        })
        .collect();
    let blockers = rows.len();
    let difficult = report.dimensions.iter();
    rows.extend(
        difficult
            .filter(|row| row.grade == crate::report::Grade::Difficult)
            .map(|row| Row {
                text: format!("{} is difficult", name_of(row.dimension)),
                detail: row.reason.clone(),
                link: "#grades".to_owned(),
                tone: "warn".to_owned(),
            }),
    );
    Pane {
        title: format!(
            "In the way ({})",
            count(blockers as u64, "blocker", "blockers")
        ),
        tone: if rows.is_empty() { "free" } else { "blocks" },
        rows,
    }
}

impl Pane {
    fn height(&self) -> usize {
        HEAD + self.rows.len().clamp(1, ROWS) * ROW + 10
    }
}

fn drawing(panes: &[Pane], wide: bool) -> Markup {
    let tallest = panes.iter().map(Pane::height).max().unwrap_or(HEAD);
    let mut places = Vec::new();
    let (mut x, mut y) = (1, 1);
    for pane in panes {
        let height = if wide { tallest } else { pane.height() };
        places.push((x, y, height));
        if wide {
            x += WIDTH + GAP;
        } else {
            y += height + GAP;
        }
    }
    let (width, height) = if wide {
        (x - GAP + 1, tallest + 2)
    } else {
        (WIDTH + 2, y - GAP + 1)
    };
    let title = "What goes into the image, what is mounted from outside, and what is in the way";
    html! {
        svg.picture viewBox=(format!("0 0 {width} {height}")) role="group" aria-label=(title) {
            @for (pane, (x, y, height)) in panes.iter().zip(places) {
                g transform=(format!("translate({x} {y})")) { (drawn(pane, height)) }
            }
        }
    }
}

fn drawn(pane: &Pane, height: usize) -> Markup {
    let hidden = pane.rows.len().saturating_sub(ROWS);
    // The last place is taken by the count of what has none.
    let shown = if hidden > 0 { ROWS - 1 } else { ROWS };
    html! {
        rect.pane.(pane.tone) width=(WIDTH) height=(height) rx="8" {}
        text.title x="14" y="27" { (pane.title) }
        @if pane.rows.is_empty() { text.detail x="14" y=(HEAD + 20) { "nothing" } }
        @for (at, row) in pane.rows.iter().take(shown).enumerate() {
            a href=(row.link) {
                g transform=(format!("translate(10 {})", HEAD + at * ROW)) {
                    title { (row.text) ": " (row.detail) }
                    rect.part.(row.tone) width=(WIDTH - 20) height=(ROW - 6) rx="4" {}
                    text.label x="10" y="17" { (cut(&row.text, TEXT)) }
                    text.detail x="10" y="32" { (cut(&row.detail, DETAIL)) }
                }
            }
        }
        @if hidden > 0 {
            a href="#findings" {
                text.label x="20" y=(HEAD + shown * ROW + 24) {
                    "and " (hidden + 1) " more in the lists"
                }
            }
        }
    }
}

/// A sentence in at most `width` characters: what is cut is its end.
fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some(_) => text.chars().take(width - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}
