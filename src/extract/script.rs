//! Every script by its first line; and how a script's operations become facts, whatever its
//! language.

use std::collections::BTreeSet;

use super::{Extractor, Input, Named, Out};
use crate::fact::{Certainty, Class, Fact, Kind, Locus, ProgramForm, RENAMES, Source, Touch, What};
use crate::knowledge::{self, places};
use crate::parse::op::{Act, Deed, Op};
use crate::path::AppPath;

pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "script",
    wants: |input| input.head.starts_with(b"#!"),
    run,
};

/// Names by which the data behind a self-extracting script is marked.
const MARKERS: &[&[u8]] = &[
    b"__ARCHIVE_BELOW__",
    b"__ARCHIVE_FOLLOWS__",
    b"__ARCHIVE__",
    b"__PAYLOAD_BELOW__",
    b"__PAYLOAD__",
    b"__TARFILE_FOLLOWS__",
    b"using Makeself",
];

/// Directories for temporary files (FHS 3.0, 3.18 and 5.15).
const SCRATCH: [&str; 2] = ["/tmp", "/var/tmp"];

/// How much of a large script's end is looked at.
const TAIL: usize = 4096;

/// The interpreter of a script by name: `sh`, `python3`; what `env` starts.
#[must_use]
pub fn interpreter_name(line: &[u8]) -> Option<&[u8]> {
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let name = |word: &'_ [u8]| {
        word.iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1)
    };
    let first = words.next()?;
    let first = &first[name(first)..];
    if first != b"env" && first != b"busybox" {
        return Some(first);
    }
    let inner = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='))?;
    Some(&inner[name(inner)..])
}

fn run(input: &Input<'_>, out: &mut Out) {
    let Some(line) = input.interpreter() else {
        return;
    };
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let Some(first) = words.next() else {
        return;
    };
    let mut interpreter = String::from_utf8_lossy(first).into_owned();
    if interpreter.ends_with("/env")
        && let Some(name) = interpreter_name(line)
    {
        interpreter.push(' ');
        interpreter.push_str(&String::from_utf8_lossy(name));
    }
    let mut traits = Vec::new();
    if is_installer(input.path) && !is_library(input.path) {
        traits.push("installer".to_owned());
    }
    if is_self_extracting(input) {
        traits.push("self-extracting".to_owned());
    }
    out.fact(
        Locus::file(input.path),
        Certainty::Observed,
        What::Program {
            form: ProgramForm::Script,
            interpreter: Some(interpreter),
            machine: None,
            traits,
        },
    );
}

/// Names that vendors give to what puts a product onto a host.
fn is_installer(path: &AppPath) -> bool {
    let name = String::from_utf8_lossy(path.name()).to_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    let begins = ["install", "uninstall", "setup", "deploy"]
        .iter()
        .any(|word| {
            stem.strip_prefix(word)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        });
    let ends = ["-install", "_install", "-installer", "_installer", "-setup"]
        .iter()
        .any(|word| stem.ends_with(word));
    begins || ends || name.ends_with(".run")
}

/// Whether an archive follows the script in the same file.
fn is_self_extracting(input: &Input<'_>) -> bool {
    if input.stat.size <= input.head.len() as u64 {
        return MARKERS.iter().any(|marker| holds(input.head, marker));
    }
    let tail = input.stat.size.saturating_sub(TAIL as u64);
    let binary = input
        .source
        .bytes_at(tail, TAIL)
        .is_ok_and(|tail| tail.contains(&0));
    binary || MARKERS.iter().any(|marker| holds(input.text(), marker))
}

fn holds(text: &[u8], marker: &[u8]) -> bool {
    memchr::memmem::find(text, marker).is_some()
}

/// The facts of one script, each once.
pub(super) struct Facts<'a> {
    pub(super) path: &'a AppPath,
    /// The member of it that is read, where it is an archive.
    member: Option<&'a str>,
    pub(super) source: Source,
    seen: BTreeSet<Fact>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(path: &'a AppPath, source: Source) -> Self {
        Self {
            path,
            member: None,
            source,
            seen: BTreeSet::new(),
        }
    }

    /// Those of a member of an archive.
    #[cfg(feature = "scripting")]
    pub(super) fn of_member(self, member: Option<&'a str>) -> Self {
        Self { member, ..self }
    }

    fn at(&self, line: u32) -> Locus {
        let at = match line {
            0 => Locus::file(self.path),
            line => Locus::line(self.path, line),
        };
        match self.member {
            Some(member) => at.in_member(member),
            None => at,
        }
    }

    /// Hands over what was collected.
    pub(super) fn finish(self, out: &mut Out) {
        out.facts.extend(self.seen);
    }

    pub(super) fn add(&mut self, line: u32, certainty: Certainty, what: What) {
        self.seen.insert(Fact {
            at: self.at(line),
            what,
            certainty,
        });
    }

    /// Adds what `op` does to a path, if it says enough of the path. Under an arm that undoes,
    /// only a removal is told.
    pub(super) fn path(&mut self, op: &Op) {
        let (act, path, by) = match &op.deed {
            Deed::Path { act, path } => (*act, path, op.by.as_str()),
            Deed::Source(path) => (Act::Reads, path, "source"),
            Deed::Run(_) | Deed::Set { .. } | Deed::Listens { .. } => return,
        };
        if op.undoes() && act != Act::Removes {
            return;
        }
        let (touch, kind) = touch_of(act);
        let (path, class) = match known_path(path) {
            Some(path) => (path, None),
            None if touch.is_write() => match scratch(path) {
                Some(dir) => (dir, Some(Class::Temp)),
                None => return self.replaces(op),
            },
            None => return,
        };
        let found = Named {
            touch,
            source: self.source,
            by,
            kind,
            class,
        };
        self.named(op.line, certainty_of(op), path, found);
    }

    /// What puts a file in the place of another one whose name is not known.
    fn replaces(&mut self, op: &Op) {
        if knowledge::is_rename(&op.by) {
            let symbol = RENAMES.to_owned();
            self.add(op.line, certainty_of(op), What::Imports { symbol });
        }
    }

    /// As [`Self::path`], if `op` makes a temporary file where such files go.
    #[cfg(feature = "scripting")]
    pub(super) fn scratch(&mut self, op: &Op) {
        if let Deed::Path { path, .. } = &op.deed
            && known_path(path).is_none()
        {
            self.path(op);
        }
    }

    /// A path that a variable, key or option of some name is given.
    pub(super) fn names(&mut self, op: &Op, by: &str, path: AppPath) {
        let found = Named {
            touch: Touch::Names,
            source: self.source,
            by,
            kind: None,
            class: None,
        };
        self.named(op.line, certainty_of(op), path, found);
    }

    /// A path that a setting of the program is given, whose name tells what it is for.
    #[cfg(feature = "scripting")]
    pub(super) fn set(&mut self, op: &Op, name: &str, path: AppPath) {
        let found = Named {
            source: self.source,
            ..super::argument::named_by(name, &path)
        };
        self.named(op.line, certainty_of(op), path, found);
    }

    pub(super) fn named(
        &mut self,
        line: u32,
        certainty: Certainty,
        path: AppPath,
        found: Named<'_>,
    ) {
        let mut out = Out::default();
        out.path(self.at(line), certainty, path, found);
        self.seen.extend(out.facts);
    }
}

/// A script that was not understood up to here gives guesses.
pub(super) fn certainty_of(op: &Op) -> Certainty {
    if op.sure {
        Certainty::Inferred
    } else {
        Certainty::Guessed
    }
}

fn touch_of(act: Act) -> (Touch, Option<Kind>) {
    match act {
        Act::Names => (Touch::Names, None),
        Act::Reads => (Touch::Reads, None),
        Act::Removes => (Touch::Removes, None),
        Act::Grants => (Touch::Grants, None),
        Act::Creates => (Touch::Creates, None),
        Act::MakesDir => (Touch::Creates, Some(Kind::Dir)),
        Act::Writes => (Touch::Writes, None),
        Act::WritesBelow => (Touch::Writes, Some(Kind::Dir)),
    }
}

/// A folded word as a path of the application: absolute, of at least two components, the first
/// two of them known, and on a real filesystem.
pub(super) fn known_path(word: &[u8]) -> Option<AppPath> {
    if word.len() > 1024
        || word
            .iter()
            .any(|byte| matches!(byte, b'\n' | b'\t' | b'"' | b'|'))
    {
        return None;
    }
    let path = AppPath::absolute(word)?;
    let known = |part: &[u8]| !part.contains(&b'*') && !part.contains(&b'?');
    let fits = {
        let mut components = path.components();
        let (first, second) = (components.next()?, components.next()?);
        let pseudo = [&b"dev"[..], b"proc", b"sys"].contains(&first) && second != b"shm";
        known(first) && known(second) && !pseudo
    };
    fits.then_some(path)
}

/// The directory of temporary files in which a path lies whose name is made up at run time.
fn scratch(path: &[u8]) -> Option<AppPath> {
    let path = AppPath::absolute(path)?;
    let dir = SCRATCH
        .iter()
        .map(AppPath::new)
        .find(|dir| path.is_within(dir))?;
    let name = path.below(&dir)?.to_vec();
    (name.is_empty() || name.contains(&b'*')).then_some(dir)
}

/// Trees of code that came with a language or with another package, where only the tree's own
/// maker could say which path an application uses: their path facts would be noise.
#[must_use]
pub fn is_library(path: &AppPath) -> bool {
    const TREES: &[&[u8]] = &[
        b"site-packages",
        b"dist-packages",
        b"node_modules",
        b"bower_components",
        b"vendor",
        b"vendors",
        b"3rdparty",
        b"3rdParty",
        b"third_party",
        b"third-party",
        b"thirdparty",
        b"gems",
        b"perl5",
        b"pear",
        b"__pycache__",
        b"tests",
        b"test",
    ];
    let standard = |name: &[u8]| {
        [&b"python"[..], b"perl", b"ruby", b"php"]
            .iter()
            .any(|language| {
                name.strip_prefix(*language)
                    .is_some_and(|rest| rest.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
            })
    };
    let mut before: &[u8] = b"";
    let mut dirs = places::telling(path).rev().skip(1);
    dirs.any(|part| {
        let below = std::mem::replace(&mut before, part);
        TREES.contains(&part)
            || [&b"lib"[..], b"lib64", b"share"].contains(&part) && standard(below)
    }) || is_documentation(path)
}

/// Documentation and examples, which nothing runs.
pub(super) fn is_documentation(path: &AppPath) -> bool {
    let parts: Vec<&[u8]> = path.components().take(3).collect();
    matches!(
        parts.as_slice(),
        [
            b"usr",
            b"share",
            b"doc" | b"man" | b"info" | b"aclocal" | b"bash-completion"
        ]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_is_looked_through() {
        for (line, want) in [
            ("/bin/sh -e", "sh"),
            ("/usr/bin/env -S A=b python3 -u", "python3"),
            ("/usr/bin/env perl", "perl"),
        ] {
            assert_eq!(interpreter_name(line.as_bytes()), Some(want.as_bytes()));
        }
    }

    #[test]
    fn a_list_of_symbols_for_a_linker_is_no_script() {
        use crate::extract::testing::run;
        assert!(run(&EXTRACTOR, "/usr/lib/app/app.exp", "#! .\n* made\nsymbol\n").is_empty());
        let found = run(&EXTRACTOR, "/usr/lib/app/app", "#! ./sh\n");
        assert!(found[0].contains("./sh"), "{found:?}");
    }

    #[test]
    fn a_path_needs_two_known_components() {
        for (word, known) in [
            ("/var/lib/x", true),
            ("/var/*", false),
            ("/var/lib/*", true),
            ("/*/lib/x", false),
            ("var/lib", false),
            ("/tmp", false),
            ("/dev/null", false),
            ("/dev/shm/x", true),
        ] {
            assert_eq!(known_path(word.as_bytes()).is_some(), known, "{word}");
        }
    }

    #[test]
    fn code_of_languages_is_told_from_the_applications() {
        for (path, library) in [
            ("/opt/x/venv/lib/python3.11/site-packages/y/z.py", true),
            ("/usr/lib/python3/y.py", true),
            ("/usr/share/perl/5.36/File/Temp.pm", true),
            ("/opt/x/node_modules/y/z.js", true),
            ("/usr/share/doc/x/examples/y.sh", true),
            ("/opt/x/lib/y.py", false),
            ("/usr/share/x/y.php", false),
        ] {
            assert_eq!(is_library(&AppPath::new(path)), library, "{path}");
        }
    }

    #[test]
    fn installers_are_known_by_name() {
        for (path, installer) in [
            ("/opt/x/install.sh", true),
            ("/opt/x/product-1.2-installer", false),
            ("/opt/x/product-installer.sh", true),
            ("/opt/x/x.run", true),
            ("/opt/x/installed.sh", false),
        ] {
            assert_eq!(is_installer(&AppPath::new(path)), installer, "{path}");
        }
    }
}
