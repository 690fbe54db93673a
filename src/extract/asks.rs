//! The modules that scripts ask for by name, and the extensions that PHP's settings load: which of
//! them have native parts is seen when all is linked.

use std::collections::BTreeSet;

use super::script::{interpreter_name, is_library};
use super::{Extractor, Input, Out};
use crate::fact::{Certainty, Fact, IssueKind, Locus, ModuleKind, What};
use crate::path::AppPath;

/// Reads scripts of Python, Perl, Ruby, Lua and Tcl.
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "module",
    wants: |input| language(input).is_some(),
    run: scripts,
};

/// Reads PHP's settings.
pub(super) const PHP_SETTINGS: Extractor = Extractor {
    name: "PHP extension",
    wants: |input| {
        let folders = ["php.d", "conf.d", "mods-available"];
        let in_folder = |name: &str| {
            let folder = input.path.parent();
            folder.is_some_and(|folder| folder.name() == name.as_bytes())
        };
        input.path.name() == b"php.ini"
            || input.path.name().ends_with(b".ini") && folders.into_iter().any(in_folder)
    },
    run: settings,
};

/// The most names of one file.
const NAMES: usize = 500;

/// The name of an interpreter, and the endings of files without a first line that names one.
type Sign = (&'static [u8], &'static [&'static [u8]], ModuleKind);

fn language(input: &Input<'_>) -> Option<ModuleKind> {
    const SIGNS: [Sign; 5] = [
        (b"python", &[b".py", b".wsgi"], ModuleKind::Python),
        (b"perl", &[b".pl", b".pm", b".cgi"], ModuleKind::Perl),
        (b"ruby", &[b".rb", b".ru"], ModuleKind::Ruby),
        (b"lua", &[b".lua"], ModuleKind::Lua),
        (b"tclsh", &[b".tcl"], ModuleKind::Tcl),
    ];
    if is_library(input.path) || !input.is_text() {
        return None;
    }
    let named = input.interpreter().and_then(interpreter_name);
    let name = input.path.name();
    let is = |sign: &&Sign| match named {
        Some(interpreter) => interpreter.starts_with(sign.0),
        None => sign.1.iter().any(|ending| name.ends_with(ending)),
    };
    SIGNS.iter().find(is).map(|sign| sign.2)
}

fn scripts(input: &Input<'_>, out: &mut Out) {
    let Some(kind) = language(input) else { return };
    let mut seen = BTreeSet::new();
    let text = String::from_utf8_lossy(input.text());
    for (number, line) in (1u32..).zip(text.lines()) {
        let names = match kind {
            ModuleKind::Python => python(line),
            ModuleKind::Perl => perl(line).into_iter().collect(),
            ModuleKind::Lua => lua(line).into_iter().collect(),
            ModuleKind::Tcl => tcl(line).into_iter().collect(),
            _ => ruby(line).into_iter().collect(),
        };
        for name in names {
            if seen.len() < NAMES && seen.insert(name) {
                let name = name.to_owned();
                let at = Locus::line(input.path, number);
                out.fact(at, Certainty::Inferred, What::Asks { kind, name });
            }
        }
    }
    if seen.len() == NAMES {
        let message = format!("asks for more than {NAMES} modules: the others were left out");
        out.issue(Locus::file(input.path), IssueKind::LimitReached, message);
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The top-level names of `import a.b, c as d` and `from a.b import c`; none of a relative one.
fn python(line: &str) -> Vec<&str> {
    let line = line.trim_start();
    let top = |name: &'_ str| -> Option<usize> {
        let end = name.find(['.', ' ', '#', ';', '(']).unwrap_or(name.len());
        is_word(name.get(..end)?).then_some(end)
    };
    if let Some(rest) = line.strip_prefix("import ") {
        let names = rest.split(',').map(str::trim_start);
        return names.filter_map(|name| name.get(..top(name)?)).collect();
    }
    let from = line.strip_prefix("from ").map(str::trim_start);
    let from = from.filter(|rest| rest.contains(" import"));
    from.and_then(|name| name.get(..top(name)?))
        .into_iter()
        .collect()
}

/// `use DBD::mysql;`, `require DBI;`: names of modules begin with a capital letter; those in lower
/// case are pragmas.
fn perl(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line
        .strip_prefix("use ")
        .or_else(|| line.strip_prefix("require "))?;
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(rest.len());
    let name = rest.get(..end)?.trim_end_matches(':');
    name.starts_with(|c: char| c.is_ascii_uppercase())
        .then_some(name)
}

/// `require 'mysql2'`, `gem "pg"`.
fn ruby(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line
        .strip_prefix("require ")
        .or_else(|| line.strip_prefix("gem "))?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = rest.get(1..)?.split_once(quote)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-/".contains(&b);
    (!name.is_empty() && !name.starts_with('/') && name.bytes().all(plain)).then_some(name)
}

/// `local x = require "socket.http"`, `require('lfs')`.
fn lua(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("require")?;
    let is_apart = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.');
    if !before.chars().next_back().is_none_or(is_apart) || before.contains("--") {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t', '(']);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = rest.get(1..)?.split_once(quote)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// `package require -exact sqlite3 3.40` (package(3tcl)).
fn tcl(line: &str) -> Option<&str> {
    let mut words = line.split_ascii_whitespace();
    let mut words = words
        .by_ref()
        .skip_while(|word| *word != "package" && *word != "{package");
    let (_, require) = (words.next()?, words.next()?);
    let name = words.find(|word| !word.starts_with('-'))?;
    let name = name.trim_end_matches([';', ']', '}']);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-:.".contains(&b);
    (require == "require" && !name.is_empty() && name.bytes().all(plain)).then_some(name)
}

fn settings(input: &Input<'_>, out: &mut Out) {
    out.facts.extend(php_extensions(input.path, input.text()));
}

/// The extensions that a file of PHP's settings loads (`extension`, `zend_extension`).
#[must_use]
pub fn php_extensions(path: &AppPath, text: &[u8]) -> Vec<Fact> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(text);
    for (number, line) in (1u32..).zip(text.lines()) {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if matches!(key.trim(), "extension" | "zend_extension") {
            let value = value.split(';').next().unwrap_or_default();
            let value = value.trim().trim_matches('"');
            let name = value.rsplit('/').next().unwrap_or(value);
            if !name.is_empty() {
                let what = What::Asks {
                    kind: ModuleKind::Php,
                    name: name.trim_end_matches(".so").to_owned(),
                };
                found.push(Fact {
                    at: Locus::line(path, number),
                    what,
                    certainty: Certainty::Declared,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::extract;
    use crate::fact::Stat;

    fn asks(path: &str, text: &str) -> Vec<String> {
        let (path, stat) = (AppPath::new(path), Stat::regular(text.len() as u64, 0o755));
        let bytes = text.as_bytes().to_vec();
        let out = extract(&Input::new(&path, &stat, &bytes, &bytes));
        let show = |fact: &Fact| match &fact.what {
            What::Asks { kind, name } => Some(format!("{kind:?} {name}")),
            _ => None,
        };
        out.facts.iter().filter_map(show).collect()
    }

    #[test]
    fn python_names_the_top_of_each_module() {
        let text = "import os.path, psycopg2 as db\nfrom lxml.etree import parse\n\
                    from . import own\nfrom .own import x\nimportant = 1\n# import no\n";
        let expected = ["Python os", "Python psycopg2", "Python lxml"];
        assert_eq!(asks("/opt/x/run.py", text), expected);
        assert!(asks("/opt/x/lib/python3/site-packages/y.py", text).is_empty());
    }

    #[test]
    fn perl_and_ruby_name_modules_but_not_pragmas_and_own_files() {
        let text = "#!/usr/bin/perl\nuse strict;\nuse DBI;\n  require DBD::mysql;\nuse 5.010;\n";
        assert_eq!(asks("/opt/x/run", text), ["Perl DBI", "Perl DBD::mysql"]);
        let text = "require 'mysql2'\nrequire_relative 'own'\ngem \"pg\"\nrequire x\n";
        assert_eq!(asks("/opt/x/run.rb", text), ["Ruby mysql2", "Ruby pg"]);
    }

    #[test]
    fn the_settings_of_php_name_extensions() {
        let text = "; extension=no\nextension=pdo_mysql\nzend_extension = /usr/lib/opcache.so\n";
        let expected = ["Php pdo_mysql", "Php opcache"];
        assert_eq!(asks("/etc/php/8.2/fpm/conf.d/20-x.ini", text), expected);
    }
}
