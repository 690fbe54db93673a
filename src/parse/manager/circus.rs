//! Sections of circus: a `[watcher:NAME]` is a program, `[env]` and `[env:NAME,…]` are variables.

use std::collections::BTreeMap;

use super::super::line::text;
use super::super::mask::mask;
use super::super::supervisor::{Section, parse};
use super::{Command, MAX_PROGRAMS, Managed, signal, words};

/// The programs of the table.
pub(super) fn read(file: &[u8], path: &[u8]) -> Vec<Managed> {
    let sections = parse(file);
    let watchers = sections.iter().filter(|section| section.kind == "watcher");
    let watchers = watchers.take(MAX_PROGRAMS);
    watchers
        .filter_map(|watcher| {
            let value = |key: &str| watcher.get(key).map(|entry| entry.value.clone());
            let env = variables(&sections, &watcher.name);
            let here = path.iter().rposition(|byte| *byte == b'/');
            let here = &path[..here.unwrap_or(0)];
            let put = |text: Vec<u8>| expanded(&text, &env, &watcher.name, here);
            let entry = watcher.get("cmd")?;
            let mut line = put(entry.value.clone());
            if let Some(args) = value("args") {
                line.push(b' ');
                line.extend(put(args));
            }
            let is_shell = value("shell").is_some_and(|value| is_yes(&value));
            let command = match is_shell {
                true => Command::Shell(line),
                false => Command::Words(words(&line)),
            };
            let mut one = Managed::new(entry.line, watcher.name.clone(), command);
            one.directory = value("working_dir").map(put);
            one.user = value("uid");
            one.group = value("gid");
            one.count = value("numprocesses").and_then(|number| text(&number).parse().ok());
            one.umask = value("umask").as_deref().and_then(mask);
            one.stop_signal = value("stop_signal").as_deref().and_then(signal);
            one.stop_time = value("graceful_timeout").map(|time| text(&time));
            for key in ["stdout_stream.filename", "stderr_stream.filename"] {
                one.files.extend(value(key).map(|file| (key, put(file))));
            }
            one.env = env.into_iter().collect();
            one.leaves = Some(false);
            Some(one)
        })
        .collect()
}

fn is_yes(value: &[u8]) -> bool {
    let value = value.trim_ascii().to_ascii_lowercase();
    [&b"1"[..], b"true", b"yes", b"on"].contains(&value.as_slice())
}

/// The variables that a watcher is given: of all, then of its own.
fn variables(sections: &[Section], name: &str) -> BTreeMap<String, Vec<u8>> {
    let is_meant = |section: &&Section| {
        let mut names = section.name.split(',').map(str::trim);
        section.kind == "env"
            && (section.name.is_empty() || names.any(|own| own == name || own == "*"))
    };
    let mut found = BTreeMap::new();
    for section in sections.iter().filter(is_meant) {
        for entry in &section.entries {
            found.insert(entry.key.to_ascii_uppercase(), entry.value.clone());
        }
    }
    found
}

/// `$(circus.env.NAME)`, `$(circus.wid)`, `$NAME` of the watcher's own variables; a hole for what only a run
/// tells.
fn expanded(value: &[u8], env: &BTreeMap<String, Vec<u8>>, name: &str, here: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let (word, after) = match rest.first() {
            Some(b'(' | b'{') => {
                let close = rest.iter().position(|byte| matches!(byte, b')' | b'}'));
                let close = close.unwrap_or(rest.len() - 1);
                (
                    &rest[1..close.max(1)],
                    rest.get(close + 1..).unwrap_or_default(),
                )
            }
            _ => {
                let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let end = rest.iter().position(|byte| !fits(byte));
                rest.split_at(end.unwrap_or(rest.len()))
            }
        };
        let word = text(word).to_ascii_uppercase();
        let word = word.strip_prefix("CIRCUS.").unwrap_or(&word);
        match word.strip_prefix("ENV.").unwrap_or(word) {
            "NAME" => out.extend_from_slice(name.as_bytes()),
            "HERE" => out.extend_from_slice(here),
            other => match env.get(other) {
                Some(known) => out.extend_from_slice(known),
                None => out.push(b'*'),
            },
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}
