//! pm2's list of applications: JSON, YAML, or JavaScript that exports it; and the list of what ran when the
//! host's own was last kept (`pm2 save`).

use std::collections::BTreeMap;

use super::super::config::{self, Setting};
use super::expression::Reader;
use super::tokens::{Kind, Language, Token, tokens};
use super::value::{Scope, Value};
use super::{Command, Managed, Text, words};

/// In what a file is written that may be such a list, from its name and first bytes.
pub(super) fn form(name: &[u8], head: &[u8]) -> Option<Text> {
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let ends = |ends: &[&[u8]]| ends.iter().any(|end| name.ends_with(end));
    if name == b"dump.pm2" {
        return Some(Text::Script);
    }
    let begins = |words: &[&[u8]]| words.iter().any(|word| name.starts_with(word));
    let is_named = begins(&[
        b"ecosystem",
        b"pm2",
        b"process.",
        b"processes.",
        b"process-",
    ]);
    let written = if ends(&[b".config.js", b".config.cjs", b".config.mjs"])
        || is_named && ends(&[b".json", b".js", b".cjs"])
    {
        Text::Script
    } else if is_named && ends(&[b".yml", b".yaml"]) {
        Text::Yaml
    } else {
        return None;
    };
    let is_list = has(b"script") && (has(b"apps") || is_named);
    is_list.then_some(written)
}

/// The applications.
pub(super) fn read(written: Text, text: &[u8], path: &[u8]) -> Vec<Managed> {
    let apps = match written {
        Text::Script => scripted(text, path),
        Text::Yaml => listed(text),
    };
    apps.into_iter()
        .filter_map(|(line, app)| application(line, &app))
        .collect()
}

/// The tables of a list that a script exports, each with its line.
fn scripted(text: &[u8], path: &[u8]) -> Vec<(u32, Value)> {
    let tokens = tokens(text, Language::JavaScript);
    let mut scope = Scope {
        file: path.to_vec(),
        ..Scope::default()
    };
    let mut exported = None;
    let mut at = 0;
    while at < tokens.len() {
        let value = |at: usize, scope: &Scope| {
            let mut reader = Reader::new(&tokens[at..], scope);
            (reader.expression(), at + reader.at.max(1))
        };
        let word = |at: usize| tokens.get(at).and_then(Token::word);
        let is = |at: usize, sign: &str| tokens.get(at).is_some_and(|token| token.is(sign));
        match word(at) {
            Some("const" | "let" | "var") if is(at + 2, "=") => {
                let name = word(at + 1).unwrap_or_default().to_owned();
                let (found, next) = value(at + 3, &scope);
                scope.set(&name, found);
                at = next;
            }
            Some("module") if is(at + 1, ".") && is(at + 3, "=") => {
                let (found, next) = value(at + 4, &scope);
                exported = Some(found);
                at = next;
            }
            Some("exports") if is(at + 1, ".") && is(at + 3, "=") => {
                let name = word(at + 2).unwrap_or_default().to_owned();
                let (found, next) = value(at + 4, &scope);
                exported = Some(Value::Table(vec![(name, found)]));
                at = next;
            }
            Some("export") if word(at + 1) == Some("default") => {
                let (found, next) = value(at + 2, &scope);
                exported = Some(found);
                at = next;
            }
            None if exported.is_none() && at == 0 && (is(at, "{") || is(at, "[")) => {
                let (found, next) = value(at, &scope);
                exported = Some(found);
                at = next;
            }
            _ => at += 1,
        }
    }
    let lines = lines(&tokens);
    let apps = match exported {
        Some(Value::List(apps)) => apps,
        Some(table) => match table.get("apps").or_else(|| table.get("pm2")) {
            Some(Value::List(apps)) => apps.clone(),
            Some(app @ Value::Table(_)) => vec![app.clone()],
            _ if table.get("script").is_some() => vec![table],
            _ => Vec::new(),
        },
        None => Vec::new(),
    };
    let line = |at: usize| lines.get(at).copied().unwrap_or(1);
    apps.into_iter()
        .enumerate()
        .map(|(at, app)| (line(at), app))
        .collect()
}

/// The lines of the keys that name programs, in order.
fn lines(tokens: &[Token]) -> Vec<u32> {
    let is_key = |pair: &&[Token]| {
        let name = match &pair[0].kind {
            Kind::Word(word) => word.as_bytes().to_vec(),
            Kind::Text(pieces) => match pieces.as_slice() {
                [super::tokens::Piece::Plain(plain)] => plain.clone(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        matches!(name.as_slice(), b"script" | b"pm_exec_path") && pair[1].is(":")
    };
    tokens
        .windows(2)
        .filter(is_key)
        .map(|pair| pair[0].line)
        .collect()
}

/// The applications of a list in YAML.
fn listed(text: &[u8]) -> Vec<(u32, Value)> {
    let settings = config::parse(config::Form::Yaml, text).settings;
    let parts = |setting: &Setting| -> Vec<String> {
        let parts = setting.key.iter().filter(|part| *part != "apps");
        parts.cloned().collect()
    };
    // Sections are numbered as they open: what is within an application comes before the next one.
    let is_script = |setting: &&Setting| parts(setting) == ["script"];
    let mut found: BTreeMap<u32, (u32, Vec<(String, Value)>)> = settings
        .iter()
        .filter(is_script)
        .map(|setting| (setting.block, (setting.line, Vec::new())))
        .collect();
    for setting in settings.iter().filter(|setting| !setting.commented) {
        let Some((_, (_, table))) = found.range_mut(..=setting.block).next_back() else {
            continue;
        };
        let value = Value::Text(config::to_bytes(&setting.value));
        match parts(setting).as_slice() {
            [name] => match table.iter_mut().find(|(known, _)| known == name) {
                Some((_, Value::List(list))) => list.push(value),
                Some((_, known)) => *known = Value::List(vec![known.clone(), value]),
                None => table.push((name.clone(), value)),
            },
            [outer, name] => match table.iter_mut().find(|(known, _)| known == outer) {
                Some((_, Value::Table(inner))) => inner.push((name.clone(), value)),
                _ => table.push((outer.clone(), Value::Table(vec![(name.clone(), value)]))),
            },
            _ => {}
        }
    }
    found
        .into_values()
        .map(|(line, table)| (line, Value::Table(table)))
        .collect()
}

/// What runs a script whose name ends so (pm2's own table of interpreters).
const INTERPRETERS: [(&str, &str); 10] = [
    (".js", "node"),
    (".cjs", "node"),
    (".mjs", "node"),
    (".sh", "bash"),
    (".py", "python3"),
    (".rb", "ruby"),
    (".pl", "perl"),
    (".php", "php"),
    (".coffee", "coffee"),
    (".ts", "ts-node"),
];

fn application(line: u32, app: &Value) -> Option<Managed> {
    let text = |keys: &[&str]| {
        let value = keys.iter().find_map(|key| app.get(key))?;
        (!matches!(value, Value::List(_) | Value::Table(_))).then(|| value.text())
    };
    let list = |keys: &[&str]| -> Vec<Vec<u8>> {
        match keys.iter().find_map(|key| app.get(key)) {
            Some(Value::List(list)) => list.iter().map(Value::text).collect(),
            Some(value) => words(&value.text()),
            None => Vec::new(),
        }
    };
    let script = text(&["pm_exec_path", "script"])?;
    let mut script = words(&script);
    if script.is_empty() {
        return None;
    }
    let interpreter = text(&["exec_interpreter", "interpreter", "exec_command"]);
    let ending = String::from_utf8_lossy(&script[0]).into_owned();
    let usual = INTERPRETERS.iter().find(|(end, _)| ending.ends_with(end));
    // What lies in the tree is named by its path; a bare word is a command.
    let mut command: Vec<Vec<u8>> = match interpreter {
        Some(none) if none == b"none" => Vec::new(),
        Some(named) => words(&named),
        None => usual
            .map(|(_, by)| by.as_bytes().to_vec())
            .into_iter()
            .collect(),
    };
    if !command.is_empty() {
        command.extend(list(&["node_args", "interpreter_args", "interpreterArgs"]));
    }
    let is_file = !command.is_empty() || usual.is_some();
    if is_file && !script[0].contains(&b'/') {
        script[0] = [b"./", &script[0][..]].concat();
    }
    command.append(&mut script);
    command.extend(list(&["args"]));
    let name = text(&["name"]).map(|name| String::from_utf8_lossy(&name).into_owned());
    let name = name.unwrap_or_else(|| {
        let stem = ending.rsplit('/').next().unwrap_or(&ending);
        stem.split('.').next().unwrap_or(stem).to_owned()
    });
    let mut one = Managed::new(line, name, Command::Words(command));
    one.directory = text(&["pm_cwd", "cwd"]);
    one.user = text(&["username", "user", "uid"]);
    one.group = text(&["gid"]);
    one.umask = None;
    let number = |text: Vec<u8>| String::from_utf8(text).ok()?.parse::<u32>().ok();
    one.count = text(&["instances"])
        .and_then(number)
        .filter(|count| *count > 0);
    // pm2 ends a program with SIGINT.
    one.stop_signal = Some("SIGINT".to_owned());
    let millis = text(&["kill_timeout"]).and_then(number);
    one.stop_time = millis.map(|millis| millis.div_ceil(1000).max(1).to_string());
    if let (Some(Value::Table(env)), None) = (app.get("env"), app.get("pm_exec_path")) {
        one.env = env
            .iter()
            .map(|(name, value)| (name.clone(), value.text()))
            .collect();
    }
    one.leaves = Some(false);
    const FILES: [(&str, &[&str]); 4] = [
        ("out_file", &["out_file", "output", "pm_out_log_path"]),
        (
            "error_file",
            &["error_file", "err_file", "error", "pm_err_log_path"],
        ),
        ("log_file", &["log_file"]),
        ("pid_file", &["pid_file", "pid", "pm_pid_path"]),
    ];
    for (key, keys) in FILES {
        one.files.extend(text(keys).map(|file| (key, file)));
    }
    Some(one)
}
