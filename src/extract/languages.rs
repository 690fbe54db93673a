//! JavaScript, TypeScript, Python, Perl, PHP and Ruby: what an application's own programs read, write, start and call.
//!
//! Only the application's own files are asked: a library (`site-packages`, `vendor`, the trees of
//! a language below `lib` and `share`) has paths of whoever uses it. Only where temporary files go
//! when nothing is said is the same for all, and a library is asked for that.

use std::borrow::Cow;

use super::script::{
    Facts, certainty_of, interpreter_name, is_documentation, is_library, known_path,
};
use super::{Extractor, Input, Named, Out, shell};
use crate::fact::{IssueKind, Locus, Touch, What};
use crate::knowledge;
use crate::parse::op::{Act, Deed, Op, Script};
use crate::parse::script::{Language, MAX_TEXT, Process, excerpt, read};
use crate::path::AppPath;

pub(super) const JAVASCRIPT: Extractor = Extractor {
    name: "javascript",
    wants: |input| wants(input, Language::JavaScript),
    run: |input, out| run(input, Language::JavaScript, None, out),
};

pub(super) const TYPESCRIPT: Extractor = Extractor {
    name: "typescript",
    wants: |input| wants(input, Language::TypeScript),
    run: |input, out| run(input, Language::TypeScript, None, out),
};

pub(super) const PYTHON: Extractor = Extractor {
    name: "python",
    wants: |input| wants(input, Language::Python),
    run: |input, out| run(input, Language::Python, None, out),
};

pub(super) const PERL: Extractor = Extractor {
    name: "perl",
    wants: |input| wants(input, Language::Perl),
    run: |input, out| run(input, Language::Perl, None, out),
};

pub(super) const PHP: Extractor = Extractor {
    name: "php",
    wants: |input| wants(input, Language::Php),
    run: |input, out| run(input, Language::Php, None, out),
};

pub(super) const RUBY: Extractor = Extractor {
    name: "ruby",
    wants: |input| wants(input, Language::Ruby),
    run: |input, out| run(input, Language::Ruby, None, out),
};

/// Names of interpreters, and endings of files.
fn signs(language: Language) -> (&'static [u8], &'static [&'static [u8]]) {
    match language {
        Language::JavaScript => (b"node", &[b".js", b".cjs", b".mjs"]),
        Language::Python => (b"python", &[b".py", b".wsgi", b".tac"]),
        Language::Perl => (b"perl", &[b".pl", b".pm", b".cgi", b".fcgi"]),
        Language::Php => (b"php", &[b".php", b".inc", b".phtml", b".php5", b".module"]),
        Language::Ruby => (b"ruby", &[b".rb", b".ru", b".rake"]),
        Language::TypeScript => (b"ts-node", &[b".ts", b".mts", b".cts"]),
    }
}

/// What stands in a script that Node.js runs, and in none that a browser does: its modules for files
/// and paths by name, and the variables for its own place.
const OF_NODE: [&[u8]; 12] = [
    b"require('fs",
    b"require(\"fs",
    b"from 'fs",
    b"from \"fs",
    b"require('path')",
    b"require(\"path\")",
    b"from 'path'",
    b"from \"path\"",
    b"'node:",
    b"\"node:",
    b"__dirname",
    b"__filename",
];

/// What stands in a library that makes temporary files.
const SCRATCH: [&[u8]; 4] = [b"tempfile", b"tmpdir", b"Tempfile", b"File::Temp"];

/// What stands in a function that makes a temporary file: a name of Python's `tempfile`, or a
/// directory of such files (FHS 3.0, 3.18 and 5.15).
const SCRATCH_CALLS: [&[u8]; 6] = [
    b"tempfile",
    b"TemporaryFile",
    b"TemporaryDirectory",
    b"temp(",
    b"tempdir",
    b"/tmp",
];

fn makes_scratch(input: &Input<'_>) -> bool {
    let is_test = |part: &[u8]| matches!(part, b"test" | b"tests");
    !is_documentation(input.path)
        && !input.path.components().any(is_test)
        && has_any(input.head, &SCRATCH)
}

fn has_any(text: &[u8], words: &[&[u8]]) -> bool {
    let mut words = words.iter();
    words.any(|word| memchr::memmem::find(text, word).is_some())
}

fn wants(input: &Input<'_>, language: Language) -> bool {
    let (interpreter, endings) = signs(language);
    // `python3.11`, `perl5` are the same language.
    let named = input.interpreter().map(|line| {
        interpreter_name(line).is_some_and(|name| {
            name.strip_prefix(interpreter).is_some_and(|rest| {
                rest.iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b'.')
            })
        })
    });
    let name = input.path.name();
    let named = named.map(|named| named || language == Language::JavaScript && is_nodejs(input));
    let is_script = named.unwrap_or_else(|| {
        let ending = endings.iter().any(|ending| name.ends_with(ending));
        // `.inc` and `.module` are other things too.
        ending && (language != Language::Php || memchr::memmem::find(input.head, b"<?").is_some())
    });
    is_script
        && input.is_text()
        && (!is_library(input.path) || language != Language::JavaScript && makes_scratch(input))
}

/// The language that a program is written in, by its first line or its name.
#[must_use]
pub fn language_of(path: &AppPath, head: &[u8]) -> Option<Language> {
    let line = head.strip_prefix(b"#!").map(|rest| {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        &rest[..end]
    });
    let by_line = line
        .and_then(interpreter_name)
        .and_then(language_of_interpreter);
    let ends = |language: &Language| {
        let (_, endings) = signs(*language);
        endings.iter().any(|ending| path.name().ends_with(ending))
    };
    by_line.or_else(|| Language::ALL.into_iter().find(ends))
}

/// The language that an interpreter of some name runs.
#[must_use]
pub fn language_of_interpreter(name: &[u8]) -> Option<Language> {
    let is_named = |language: &Language| {
        let (interpreter, _) = signs(*language);
        let rest = name.strip_prefix(interpreter);
        rest.is_some_and(|rest| {
            rest.iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b'.')
        })
    };
    match name {
        b"nodejs" | b"bun" => Some(Language::JavaScript),
        b"tsx" | b"deno" => Some(Language::TypeScript),
        b"pypy" | b"pypy3" | b"jython" => Some(Language::Python),
        b"jruby" => Some(Language::Ruby),
        _ => Language::ALL.into_iter().find(is_named),
    }
}

/// The endings that files of a language have.
#[must_use]
pub fn endings(language: Language) -> &'static [&'static [u8]] {
    signs(language).1
}

/// Whether a text is a program that a system runs, and no script that only a browser does.
#[must_use]
pub fn runs_outside_browsers(language: Language, text: &[u8]) -> bool {
    let may_be_browsers = matches!(language, Language::JavaScript | Language::TypeScript);
    !may_be_browsers || has_any(text, &OF_NODE)
}

/// What a file of a program does, which was read with the rest of it.
pub fn of_program(path: &AppPath, member: Option<&str>, script: &Script, out: &mut Out) {
    let mut facts = Facts::new(path, shell::source_of(path)).of_member(member);
    for op in &script.ops {
        one(op, path, &mut facts);
    }
    facts.finish(out);
}

/// Whether the interpreter has Debian's name of Node.js.
fn is_nodejs(input: &Input<'_>) -> bool {
    let interpreter = input.interpreter().and_then(interpreter_name);
    interpreter == Some(b"nodejs")
}

fn run(input: &Input<'_>, language: Language, dir: Option<&AppPath>, out: &mut Out) {
    let text = input.text();
    if input.interpreter().is_none() && !runs_outside_browsers(language, text) {
        return;
    }
    // A text that is cut is told of, whatever is in it.
    if text.len() < MAX_TEXT && dir.is_none() && !language.may_tell(text) {
        return;
    }
    let library = is_library(input.path);
    // Nothing but temporary files is asked of a library.
    let text = if library && language == Language::Python {
        let calls = |part: &[u8]| has_any(part, &SCRATCH_CALLS);
        Cow::Owned(excerpt(text, calls))
    } else {
        Cow::Borrowed(text)
    };
    let process = Process {
        dir: dir.map(AppPath::as_bytes),
        ..Process::default()
    };
    let script = read(&text, language, Some(input.path.as_bytes()), &process);
    let mut facts = Facts::new(input.path, shell::source_of(input.path));
    for op in &script.ops {
        if library {
            facts.scratch(op);
        } else if !matches!(op.deed, Deed::Listens { .. }) {
            // Which ports are opened shows where a program is followed, and by the calls alone.
            one(op, input.path, &mut facts);
        }
    }
    facts.finish(out);
    if library {
        return;
    }
    for fault in &script.faults {
        out.issue(
            Locus::line(input.path, fault.line),
            IssueKind::Malformed,
            format!("{}; the rest was read", fault.what),
        );
    }
    if script.cut {
        let message = if text.len() > MAX_TEXT {
            format!("only the first {} KiB were read", MAX_TEXT >> 10)
        } else {
            "the text takes more work to read than its length should".to_owned()
        };
        out.issue(Locus::file(input.path), IssueKind::LimitReached, message);
    }
}

fn one(op: &Op, file: &AppPath, facts: &mut Facts<'_>) {
    match &op.deed {
        Deed::Path { act, path } => {
            // What a program includes of its own code says nothing of what it keeps.
            let code = *act == Act::Reads && (op.by == "include" || op.by == "require");
            // A check or listing of the file's own directory, likewise.
            let own = known_path(path).is_some_and(|path| Some(path) == file.parent());
            if !(code || own && matches!(act, Act::Names | Act::Reads)) {
                facts.path(op);
            }
        }
        Deed::Set { name, value, .. } => {
            if let Some(path) = known_path(value)
                && Some(&path) != file.parent().as_ref()
                && has_known_top(&path)
            {
                facts.set(op, name, path);
            }
        }
        Deed::Run(run) => {
            shell::call(op, run, facts);
            // The program, or what an interpreter is given.
            for path in run.argv.iter().take(2).filter_map(|word| known_path(word)) {
                let found = Named {
                    touch: Touch::Runs,
                    source: facts.source,
                    by: "run",
                    kind: None,
                    class: None,
                };
                facts.named(op.line, certainty_of(op), path, found);
            }
        }
        Deed::Source(_) => {}
        Deed::Listens {
            transport,
            port,
            address,
        } => {
            let what = What::Listens {
                transport: (*transport).to_owned(),
                port: Some(*port),
                address: String::from_utf8_lossy(address).into_owned(),
                protocol: knowledge::protocol(transport, *port).map(str::to_owned),
            };
            facts.add(op.line, certainty_of(op), what);
        }
    }
}

/// Whether a path lies below a directory of the filesystem hierarchy: in these languages a string
/// that begins with `/` may as well be the path of a URL.
fn has_known_top(path: &AppPath) -> bool {
    const TOPS: &[&[u8]] = &[
        b"bin", b"boot", b"etc", b"export", b"home", b"lib", b"media", b"mnt", b"opt", b"root",
        b"run", b"sbin", b"srv", b"tmp", b"u01", b"usr", b"var",
    ];
    path.components()
        .next()
        .is_some_and(|top| TOPS.contains(&top))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::extract;
    use crate::fact::{Fact, Source, Stat, Touch, What};

    fn facts(path: &str, text: &str) -> Vec<Fact> {
        let path = AppPath::new(path);
        let stat = Stat::regular(text.len() as u64, 0o755);
        extract(&Input::new(
            &path,
            &stat,
            text.as_bytes(),
            &text.as_bytes().to_vec(),
        ))
        .facts
    }

    fn paths(path: &str, text: &str) -> Vec<String> {
        let show = |fact: Fact| match fact.what {
            What::Path {
                path, touch, by, ..
            } => Some(format!("{touch:?} {path} {by}")),
            _ => None,
        };
        facts(path, text).into_iter().filter_map(show).collect()
    }

    #[test]
    fn an_applications_program_tells_its_paths_and_a_library_does_not() {
        let text = "open('/var/lib/x/y', 'w')\nSTATIC = '/static/css'\nDATA = '/srv/x/data'\n";
        assert_eq!(
            paths("/opt/x/y.py", text),
            ["Writes /var/lib/x/y open", "Names /srv/x/data DATA"]
        );
        assert!(paths("/opt/x/lib/python3/site-packages/y.py", text).is_empty());
    }

    #[test]
    fn the_first_line_decides_over_the_ending() {
        let text = "#!/usr/bin/perl -w\nopen(F, '>/var/lib/x/y');\n";
        assert_eq!(paths("/opt/x/y.py", text), ["Writes /var/lib/x/y open"]);
    }

    #[test]
    fn commands_that_matter_are_told_here_too() {
        let text = "<?php shell_exec('systemctl restart x; rm -f /var/lib/x/y');";
        let facts = facts("/opt/x/y.php", text);
        assert!(facts.iter().any(|fact| matches!(&fact.what,
            What::Calls { command, .. } if command == "systemctl")));
        assert!(facts.iter().any(|fact| matches!(
            &fact.what,
            What::Path {
                touch: Touch::Removes,
                source: Source::Script,
                ..
            }
        )));
    }
}
