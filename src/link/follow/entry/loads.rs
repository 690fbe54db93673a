//! Applications that a server, a launcher or a process manager of their language loads.

use std::collections::BTreeSet;

use super::{Command, Entry, Finder, LIMIT};
use crate::extract::{HEAD, language_of, managers};
use crate::fact::{Certainty, Fact, Locus, Source, Touch, What};
use crate::knowledge::starts::Names;
use crate::link::reach;
use crate::parse::manager;
use crate::parse::script::Language;
use crate::path::AppPath;

impl Finder<'_> {
    /// An application that a server or manager of its language loads.
    pub(super) fn loaded(
        &self,
        loads: Names<'_>,
        command: &Command,
        steps: usize,
        found: &mut BTreeSet<Entry>,
    ) {
        let args = command.argv.get(1..).unwrap_or_default();
        let program = command
            .argv
            .first()
            .and_then(|word| self.path(word, command.dir.as_ref()));
        let dir = command.dir.as_ref();
        match loads {
            Names::Module => {
                for (at, word) in args.iter().enumerate() {
                    if word.starts_with(b"-") {
                        continue;
                    }
                    let rest = args.get(at + 1..).unwrap_or_default();
                    let mut own = BTreeSet::new();
                    if self.module(word, program.as_ref(), rest, command, &mut own) {
                        found.extend(own.into_iter().map(served));
                        return;
                    }
                }
            }
            Names::File => {
                for (at, word) in args.iter().enumerate() {
                    let Some(path) = self.path(word, dir) else {
                        continue;
                    };
                    let Some(real) = self.real(&path) else {
                        continue;
                    };
                    let rest = args.get(at + 1..).unwrap_or_default();
                    if self.managed(&real, command, steps, found) {
                        return;
                    }
                    if let Some(language) = language_of(&real, b"") {
                        self.entry(language, &path, real, rest, command, found);
                        return;
                    }
                }
            }
            Names::Command => {
                let words = args.iter().skip_while(|word| {
                    word.starts_with(b"-") || matches!(word.as_slice(), b"exec" | b"run" | b"start")
                });
                let mut next = command.clone();
                next.argv = words.cloned().collect();
                self.follow(next, steps, found);
            }
            Names::Manifest => {
                let Some(dir) = dir else { return };
                let manifest = self.root.read(dir.child(b"package.json").as_bytes(), LIMIT);
                let manifest = manifest.unwrap_or_default();
                let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(&manifest) else {
                    return;
                };
                let mut names = args.iter().filter(|word| !word.starts_with(b"-"));
                let script =
                    match names.find(|word| !matches!(word.as_slice(), b"run" | b"run-script")) {
                        Some(name) => String::from_utf8_lossy(name).into_owned(),
                        None => "start".to_owned(),
                    };
                let line = manifest.get("scripts").and_then(|all| all.get(script));
                if let Some(line) = line.and_then(|line| line.as_str()) {
                    let mut next = command.clone();
                    let bin = dir.join(b"node_modules/.bin");
                    let path = next.env.get("PATH").cloned().unwrap_or_default();
                    let path = [bin.as_bytes(), b":", &path].concat();
                    next.env.insert("PATH".to_owned(), path);
                    self.given(line, dir);
                    self.called(line.as_bytes(), None, &[], &next, steps, found);
                }
            }
            Names::Usual(name) => {
                let named = args.iter().filter_map(|word| self.path(word, dir));
                let usual = dir.map(|dir| dir.join(name));
                let mut all = named.chain(usual).filter_map(|path| self.real(&path));
                if let Some(real) = all.find(|real| language_of(real, b"").is_some()) {
                    let language = language_of(&real, b"").unwrap_or(Language::Ruby);
                    let mut own = BTreeSet::new();
                    self.entry(language, &real.clone(), real, &[], command, &mut own);
                    found.extend(own.into_iter().map(served));
                }
            }
        }
    }

    /// The files that a line of package.json gives its program, from the directory of that file.
    fn given(&self, line: &str, dir: &AppPath) {
        let words = line.split_ascii_whitespace().skip(1);
        for word in words.filter(|word| !word.starts_with('-')) {
            let word = word.trim_matches(|c| c == '"' || c == '\'');
            let path = self.path(word.as_bytes(), Some(dir));
            let Some(real) = path.and_then(|path| self.real(&path)) else {
                continue;
            };
            if language_of(&real, b"").is_none() {
                self.kept.borrow_mut().push(Fact {
                    at: Locus::file(&dir.child(b"package.json")),
                    what: What::Path {
                        path: real,
                        touch: Touch::Names,
                        source: Source::Argument,
                        by: "argument".to_owned(),
                        kind: None,
                        class: None,
                    },
                    certainty: Certainty::Inferred,
                });
            }
        }
    }

    /// The programs of a process manager's own file.
    fn managed(
        &self,
        file: &AppPath,
        command: &Command,
        steps: usize,
        found: &mut BTreeSet<Entry>,
    ) -> bool {
        let text = self.root.read(file.as_bytes(), LIMIT).unwrap_or_default();
        let Some(form) = manager::form(file.as_bytes(), &text[..text.len().min(HEAD)]) else {
            return false;
        };
        let all = manager::read(form, &text, file.as_bytes());
        for one in &all {
            let mut env = command.env.clone();
            env.extend(one.env.iter().cloned());
            let user = one
                .user
                .clone()
                .and_then(|user| String::from_utf8(user).ok());
            let next = Command {
                at: command.at.clone(),
                said: command.said.clone(),
                argv: match &one.command {
                    manager::Command::Words(words) => words.clone(),
                    manager::Command::Shell(line) => {
                        vec![b"sh".to_vec(), b"-c".to_vec(), line.clone()]
                    }
                },
                dir: Some(managers::directory(one, form, file)),
                user: user.or_else(|| command.user.clone()),
                env,
            };
            self.follow(next, steps, found);
        }
        !all.is_empty()
    }

    /// A module of Python by its name, with the object in it behind a colon.
    pub(super) fn module(
        &self,
        name: &[u8],
        program: Option<&AppPath>,
        args: &[Vec<u8>],
        command: &Command,
        found: &mut BTreeSet<Entry>,
    ) -> bool {
        let name = name.split(|byte| *byte == b':').next().unwrap_or(name);
        let name = name.strip_suffix(b".py").unwrap_or(name);
        let is_name =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/');
        if name.is_empty() || !name.iter().all(is_name) {
            return false;
        }
        let parts: Vec<&[u8]> = name
            .split(|byte| matches!(byte, b'.' | b'/'))
            .filter(|part| !part.is_empty())
            .collect();
        let site: Vec<AppPath> = program
            .map(|program| self.site(program))
            .unwrap_or_default();
        let dirs = command.dir.iter().chain(&site);
        for dir in dirs {
            let path = parts
                .iter()
                .fold(dir.clone(), |path, part| path.child(part));
            let files = [
                AppPath::new([path.as_bytes(), b".py"].concat()),
                path.child(b"__main__.py"),
                path.child(b"__init__.py"),
            ];
            let real = files.iter().find_map(|file| self.real(file));
            let Some(real) = real.filter(|real| self.scope.contains(real)) else {
                continue;
            };
            let mut own = BTreeSet::new();
            self.entry(
                Language::Python,
                &real.clone(),
                real,
                args,
                command,
                &mut own,
            );
            for mut entry in own {
                entry.search.push(dir.clone());
                entry.search.extend(site.iter().cloned());
                entry.packages.extend(parts.first().map(|top| top.to_vec()));
                found.insert(entry);
            }
            return true;
        }
        false
    }

    /// The directories of packages of a virtual environment that a program lies in.
    pub(super) fn site(&self, program: &AppPath) -> Vec<AppPath> {
        let Some(prefix) = program.parent().and_then(|bin| bin.parent()) else {
            return Vec::new();
        };
        let pattern = prefix.join(b"lib/python*/site-packages");
        reach::expand(self.root, &pattern, false)
            .into_iter()
            .filter(|dir| self.scope.contains(dir))
            .collect()
    }
}

/// A program that a server loads.
fn served(entry: Entry) -> Entry {
    Entry {
        served: true,
        ..entry
    }
}
