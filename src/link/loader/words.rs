//! A start as people read it: a tree of who asks for what, or a list in load order.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::listing::{Listing, Row};
use super::outcome::{Outcome, Verdict};
use super::profile::Family;
use crate::fact::{LibraryStatus, name_of};
use crate::path::escape;

/// How a start is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// In load order instead of under the object that asks first.
    pub flat: bool,
    /// With the reason for each library.
    pub why: bool,
}

impl Outcome {
    /// The outcome in words, ending with a new line.
    #[must_use]
    pub fn words(&self, shape: Shape) -> String {
        let listing = self.listing();
        let mut out = format!("{}: {}\n", listing.file, self.headline());
        for problem in &listing.problems {
            let _ = writeln!(out, "  {problem}");
        }
        if shape.flat {
            for row in &listing.libraries {
                let _ = writeln!(out, "  {} => {}", row.name, place(row));
                reasons(&mut out, "      ", row, shape);
            }
        } else {
            tree(&mut out, &listing, shape);
        }
        let bad = |row: &&Row| row.status != LibraryStatus::Resolved;
        if !shape.why && listing.libraries.iter().any(|row| bad(&row)) {
            out.push_str("  --why tells what would help\n");
        }
        out
    }

    fn headline(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Starts => "starts",
            Verdict::Missing => "does not start, a library is not found",
            Verdict::Aborts => "does not start, the loader stops",
            Verdict::NoInterpreter => "does not start, its loader is not there",
            Verdict::Static => "static, needs no loader",
            Verdict::Unreadable => "not looked at",
        };
        let Some(loader) = &self.loader else {
            return verdict.to_owned();
        };
        let family = match loader.family {
            Family::Glibc => "glibc",
            Family::Musl => "musl",
            Family::Unknown => "unknown",
        };
        let path = escape(&loader.path);
        let secure = if self.secure {
            ", in secure mode: the environment counts little"
        } else {
            ""
        };
        match loader.version {
            Some((major, minor)) => {
                format!("{verdict} (loader {path}, {family} {major}.{minor}{secure})")
            }
            None => format!("{verdict} (loader {path}, {family}{secure})"),
        }
    }
}

/// The path of what is found, or what became of the rest.
fn place(row: &Row) -> String {
    let path = row.path.as_deref().unwrap_or("?");
    match row.status {
        LibraryStatus::Resolved => path.to_owned(),
        LibraryStatus::Missing => "not found".to_owned(),
        LibraryStatus::Unreachable => "not found where the loader looks".to_owned(),
        LibraryStatus::NotCached => "configured, but not in the loader's cache".to_owned(),
        LibraryStatus::StaleCache => "gone, but still in the loader's cache".to_owned(),
        LibraryStatus::Aborts => format!("{path}, at which the loader stops"),
        LibraryStatus::Unreadable => "cannot be read".to_owned(),
        LibraryStatus::ByHost => "left to the program that opens this plugin".to_owned(),
        LibraryStatus::ByEnvironment => "depends on the environment".to_owned(),
        LibraryStatus::Packed => format!("{path}, inside an archive"),
        LibraryStatus::BuiltIn => "part of what opens it".to_owned(),
    }
}

/// The lines below a library: how it was found and what it hides, or what would help.
fn reasons(out: &mut String, indent: &str, row: &Row, shape: Shape) {
    if !shape.why {
        return;
    }
    let phase = row.phase.map(|phase| format!("{}: ", name_of(phase)));
    let how = [phase.unwrap_or_default(), row.how.clone()].concat();
    let _ = writeln!(out, "{indent}{}", how.trim_end_matches([':', ' ']));
    let behind = row.real_path.as_ref().map(ToString::to_string);
    if let Some(behind) = behind.filter(|behind| row.path.as_ref() != Some(behind)) {
        let _ = writeln!(out, "{indent}the file is {behind}");
    }
    for hidden in &row.shadows {
        let _ = writeln!(out, "{indent}hides {hidden}");
    }
    for other in row.elsewhere.iter().skip(1) {
        let _ = writeln!(out, "{indent}also in {other}");
    }
    if row.optional {
        let _ = writeln!(out, "{indent}the program starts without it");
    }
}

/// How deep the tree is drawn: what a longer chain asks for stands below each other.
const DEPTH: usize = 40;

/// A branch that is to be written: a library under one of those that ask for it.
struct Branch {
    row: usize,
    depth: usize,
    /// What stands before it on each of its lines.
    indent: String,
    last: bool,
    /// Whether it stands elsewhere with what it needs.
    again: bool,
}

/// Each library under the object that asks first; where it is asked for again it is marked. A
/// hostile file may ask in a chain of any length: a stack stands in for recursion.
fn tree(out: &mut String, listing: &Listing, shape: Shape) {
    let rows = &listing.libraries;
    let children = children(rows);
    let mut written = vec![false; rows.len()];
    let mut todo = branches(&children, None, 0, "");
    // Objects that ask for each other and for which nobody else asked could stand nowhere else.
    let mut next = 0;
    loop {
        let Some(branch) = todo.pop() else {
            let (Some(row), Some(written)) = (rows.get(next), written.get_mut(next)) else {
                break;
            };
            if !std::mem::replace(written, true) {
                let _ = writeln!(out, "└── {} => {}", row.name, place(row));
                reasons(out, "        ", row, shape);
            }
            next += 1;
            continue;
        };
        let (Some(row), Some(written)) = (rows.get(branch.row), written.get_mut(branch.row)) else {
            continue;
        };
        let (arm, rest) = if branch.last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        let indent = &branch.indent;
        if branch.again || *written {
            let _ = writeln!(out, "{indent}{arm}{} (again)", row.name);
            continue;
        }
        *written = true;
        let _ = writeln!(out, "{indent}{arm}{} => {}", row.name, place(row));
        let rest = if branch.depth < DEPTH { rest } else { "" };
        let inner = format!("{indent}{rest}");
        let below = branches(&children, Some(branch.row), branch.depth + 1, &inner);
        let bar = if below.is_empty() { "    " } else { "│   " };
        reasons(out, &format!("{inner}{bar}"), row, shape);
        todo.extend(below);
    }
}

/// The libraries that an object asks for, with whether another has asked first.
type Children = BTreeMap<Option<usize>, Vec<(usize, bool)>>;

/// What stands below the row `of`, the last first.
fn branches(children: &Children, of: Option<usize>, depth: usize, indent: &str) -> Vec<Branch> {
    let below = children.get(&of).map_or(&[][..], Vec::as_slice);
    let branch = |(at, &(row, again)): (usize, &(usize, bool))| Branch {
        row,
        depth,
        indent: indent.to_owned(),
        last: at + 1 == below.len(),
        again,
    };
    below.iter().enumerate().map(branch).rev().collect()
}

/// What each object asks for; the program's stand under nothing.
fn children(rows: &[Row]) -> Children {
    let mut by_path: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(path) = &row.path {
            by_path.entry(path).or_insert(at);
        }
    }
    let mut children = Children::new();
    for (at, row) in rows.iter().enumerate() {
        // What is preloaded is asked for by nobody: it stands under the program.
        let first = row.needed_by.first();
        let owner = first.and_then(|first| by_path.get(first.as_str()).copied());
        children.entry(owner).or_default().push((at, false));
        for by in row.needed_by.iter().skip(1) {
            let owner = by_path.get(by.as_str()).copied();
            children.entry(owner).or_default().push((at, true));
        }
    }
    children
}
