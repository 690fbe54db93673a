//! systemd units: what is started, as whom, and which paths the unit declares.
//!
//! [`facts`] reads one unit, alone or with its drop-ins merged. A drop-in that is read by itself
//! gives what it says alone. What the keys mean is in systemd.unit(5), systemd.service(5),
//! systemd.exec(5), systemd.kill(5), systemd.resource-control(5), systemd.socket(5).

mod activation;
mod exec;
mod paths;
mod relation;
mod run;

pub use activation::activates;

use crate::fact::{Certainty, Class, IssueKind, Kind, Locus, Source, Touch, What};
use crate::knowledge;
use crate::parse::unit::{Assignment, Manager, Specifiers, Unit, UnitName, words};
use crate::path::AppPath;

use super::argument::template;
use super::{Extractor, Input, Named, Out, place};

/// Reads systemd units and drop-ins, wherever they lie: products ship them inside their tree.
pub const EXTRACTOR: Extractor = Extractor {
    name: "unit",
    wants,
    run,
};

/// The sections that take the keys of systemd.exec(5).
const EXEC_SECTIONS: [&str; 4] = ["Service", "Socket", "Mount", "Swap"];

fn wants(input: &Input<'_>) -> bool {
    const OPENINGS: [&[u8]; 9] = [
        b"[Unit]",
        b"[Service]",
        b"[Socket]",
        b"[Timer]",
        b"[Path]",
        b"[Mount]",
        b"[Automount]",
        b"[Install]",
        b"[D-BUS Service]",
    ];
    let opens = |opening: &&[u8]| memchr::memmem::find(input.head, opening).is_some();
    UnitName::of_file(input.path).is_some() && input.is_text() && OPENINGS.iter().any(opens)
}

fn run(input: &Input<'_>, out: &mut Out) {
    let Some(name) = UnitName::of_file(input.path) else {
        return;
    };
    let unit = Unit::parse(place::text(input, place::EXPANDING_LIMIT, out));
    for &line in &unit.odd {
        let at = Locus::line(input.path, line);
        out.issue(
            at,
            IssueKind::Malformed,
            "neither a section nor an assignment; systemd ignores it too",
        );
    }
    facts(&unit, &name, std::slice::from_ref(input.path), out);
}

/// Adds the facts of `unit`. `files` are the unit's file and those of its merged drop-ins, in the
/// order of merging: [`Assignment::layer`] counts them.
pub fn facts(unit: &Unit, name: &UnitName, files: &[AppPath], out: &mut Out) {
    let Some(file) = files.first() else {
        return;
    };
    let manager = if knowledge::is_unit_of_users(file) {
        Manager::User
    } else {
        Manager::System
    };
    let context = Context {
        unit,
        name,
        files,
        specifiers: Specifiers {
            name,
            file,
            manager,
        },
    };
    relation::facts(&context, out);
    for section in EXEC_SECTIONS {
        if unit.has(section) {
            exec::facts(&context, section, out);
            run::facts(&context, section, out);
            paths::facts(&context, section, out);
        }
    }
    paths::conditions(&context, out);
    activation::facts(&context, out);
}

/// A unit while it is read.
struct Context<'a> {
    unit: &'a Unit,
    name: &'a UnitName,
    files: &'a [AppPath],
    specifiers: Specifiers<'a>,
}

impl Context<'_> {
    /// The place of an assignment.
    fn at(&self, assignment: &Assignment) -> Locus {
        let file = self.files.get(assignment.layer).unwrap_or(&self.files[0]);
        Locus::line(file, assignment.line)
    }

    /// The value with specifiers put in.
    fn value(&self, assignment: &Assignment) -> Vec<u8> {
        self.specifiers.expand(&assignment.value)
    }

    /// The value as text.
    fn text(&self, assignment: &Assignment) -> String {
        super::withhold::word(&self.value(assignment))
    }

    /// The value's words, unquoted first as systemd does, then with specifiers put in.
    fn words(&self, assignment: &Assignment) -> Vec<Vec<u8>> {
        words(&assignment.value)
            .iter()
            .map(|word| self.specifiers.expand(word))
            .collect()
    }

    /// The words of a list key with their places.
    fn list(&self, section: &str, key: &str) -> Vec<(Locus, Vec<u8>)> {
        self.unit
            .list(section, key)
            .into_iter()
            .flat_map(|assignment| {
                let at = self.at(assignment);
                self.words(assignment)
                    .into_iter()
                    .map(move |word| (at.clone(), word))
            })
            .collect()
    }

    /// A single-valued key as text, with its place.
    fn last(&self, section: &str, key: &str) -> Option<(Locus, String)> {
        let assignment = self.unit.last(section, key)?;
        Some((self.at(assignment), self.text(assignment)))
    }

    /// Adds a declared path, when `word` is one.
    fn path(&self, word: &[u8], at: Locus, by: &str, touch: Touch, out: &mut Out) {
        self.classed(word, at, (by, touch, None, None), out);
    }

    /// As [`Context::path`], with kind and class.
    fn classed(
        &self,
        word: &[u8],
        at: Locus,
        (by, touch, kind, class): (&str, Touch, Option<Kind>, Option<Class>),
        out: &mut Out,
    ) {
        if let Some(path) = template(word).filter(|path| !super::argument::is_everywhere(path)) {
            let named = Named {
                touch,
                source: Source::Unit,
                by,
                kind,
                class,
            };
            out.path(at, Certainty::Declared, path, named);
        }
    }

    /// Adds a directive, when the key is there.
    fn directive(&self, section: &str, key: &str, out: &mut Out) {
        if let Some((at, value)) = self.last(section, key) {
            directive(at, key, value, out);
        }
    }
}

fn directive(at: Locus, key: &str, value: String, out: &mut Out) {
    let what = What::Directive {
        key: key.to_owned(),
        value,
    };
    out.fact(at, Certainty::Declared, what);
}

#[cfg(test)]
mod tests;
