//! The tables of god and of eye, which are programs in Ruby.

use super::super::mask::mask;
use super::blocks::{Deed, Node, parse, run};
use super::value::{Scope, Value};
use super::{Command, MAX_PROGRAMS, Managed, signal, words};

/// What a table sets for one program, by key; a later value replaces an earlier one.
#[derive(Clone, Debug, Default)]
struct Keys {
    values: Vec<(String, Value)>,
}

impl Keys {
    fn set(&mut self, key: &str, value: Value) {
        self.values.retain(|(known, _)| known != key);
        self.values.push((key.to_owned(), value));
    }

    fn get(&self, key: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<Vec<u8>> {
        let value = self.get(key)?;
        (!matches!(value, Value::List(_) | Value::Table(_))).then(|| value.text())
    }

    fn env(&self) -> Vec<(String, Vec<u8>)> {
        match self.get("env") {
            Some(Value::Table(table)) => {
                let known = table
                    .iter()
                    .map(|(name, value)| (name.clone(), value.text()));
                known.collect()
            }
            _ => Vec::new(),
        }
    }
}

fn scope(path: &[u8]) -> Scope {
    Scope {
        file: path.to_vec(),
        ..Scope::default()
    }
}

/// `God.watch do |w| w.start = … end`. god itself stays behind a program without a file for its process id, and
/// takes it into the background; with one, the program goes there by itself.
pub(super) fn god(text: &[u8], path: &[u8]) -> Vec<Managed> {
    let nodes = parse(text);
    let mut found = Vec::new();
    run(&nodes, &mut scope(path), &mut |deed, scope| {
        let Deed::Call { name, node, .. } = deed else {
            return;
        };
        if name != "God.watch" || found.len() >= MAX_PROGRAMS {
            return;
        }
        let (Some(body), Some(own)) = (&node.body, node.parameters.first()) else {
            return;
        };
        let mut keys = Keys::default();
        run(body, scope, &mut |deed, _| {
            if let Deed::Set { object, key, value } = deed
                && object == own
            {
                keys.set(key, value);
            }
        });
        found.extend(watched(&keys, node));
    });
    found
}

fn watched(keys: &Keys, node: &Node) -> Option<Managed> {
    let start = keys.text("start")?;
    let name = keys.text("name").unwrap_or_default();
    let name = String::from_utf8_lossy(&name).into_owned();
    let mut one = Managed::new(node.line, name, Command::Shell(start));
    one.directory = keys.text("dir");
    one.user = keys.text("uid");
    one.group = keys.text("gid");
    one.umask = keys.text("umask").as_deref().and_then(mask);
    one.stop_signal = keys.text("stop_signal").as_deref().and_then(signal);
    one.stop_time = keys
        .text("stop_timeout")
        .map(|time| String::from_utf8_lossy(&time).into_owned());
    one.env = keys.env();
    one.leaves = Some(keys.get("pid_file").is_some());
    for key in ["pid_file", "log", "err_log"] {
        one.files.extend(keys.text(key).map(|file| (key, file)));
    }
    Some(one)
}

/// `Eye.application 'a' do … process :b do … end end`: what stands around a program holds for it, too.
pub(super) fn eye(text: &[u8], path: &[u8]) -> Vec<Managed> {
    let nodes = parse(text);
    let mut found = Vec::new();
    run(&nodes, &mut scope(path), &mut |deed, scope| {
        if let Deed::Call { name, node, args } = deed
            && matches!(name.as_str(), "Eye.application" | "Eye.app")
            && let Some(body) = &node.body
        {
            let application = args.first().map(Value::text).unwrap_or_default();
            within(
                body,
                scope,
                &Keys::default(),
                (&application, node),
                &mut found,
            );
        }
    });
    found
}

/// Reads what stands within an application, a group or a process.
fn within(
    body: &[Node],
    scope: &mut Scope,
    above: &Keys,
    (name, at): (&[u8], &Node),
    found: &mut Vec<Managed>,
) {
    let mut keys = above.clone();
    run(body, scope, &mut |deed, scope| {
        let Deed::Call { name, args, node } = deed else {
            return;
        };
        match (&node.body, name.as_str()) {
            (Some(body), "group" | "process") => {
                let own = args.first().map(Value::text).unwrap_or_default();
                within(body, scope, &keys, (&own, node), found);
            }
            (Some(_), _) => {}
            (None, "env") => {
                let mut all = keys.env();
                if let Some(Value::Table(table)) = args.first() {
                    all.extend(
                        table
                            .iter()
                            .map(|(name, value)| (name.clone(), value.text())),
                    );
                }
                let table = all
                    .into_iter()
                    .map(|(name, value)| (name, Value::Text(value)));
                keys.set("env", Value::Table(table.collect()));
            }
            (None, key) => {
                if let Some(value) = args.first() {
                    keys.set(key, value.clone());
                }
            }
        }
    });
    // What an application says of the start holds for none of its processes.
    let is_own = above.get("start_command").is_none() && found.len() < MAX_PROGRAMS;
    if let Some(start) = keys.text("start_command").filter(|_| is_own) {
        found.push(process(&keys, start, name, at));
    }
}

fn process(keys: &Keys, start: Vec<u8>, name: &[u8], at: &Node) -> Managed {
    let name = String::from_utf8_lossy(name).into_owned();
    let mut one = Managed::new(at.line, name, Command::Words(words(&start)));
    one.directory = keys.text("working_dir");
    one.user = keys.text("uid");
    one.group = keys.text("gid");
    one.umask = keys.text("umask").as_deref().and_then(mask);
    one.env = keys.env();
    let is_kept = keys.text("daemonize").is_some_and(|value| value == b"true");
    one.leaves = Some(!is_kept);
    if let Some(Value::List(steps)) = keys.get("stop_signals") {
        let mut steps = steps.iter().map(Value::text);
        one.stop_signal = steps.next().as_deref().and_then(signal);
        one.stop_time = steps
            .next()
            .map(|time| String::from_utf8_lossy(&time).into_owned());
    }
    for key in ["pid_file", "stdall", "stdout", "stderr"] {
        one.files.extend(keys.text(key).map(|file| (key, file)));
    }
    one
}
