//! How programs are started: those that only prepare a start, those that start what another word
//! names, and what keeps a program in front.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::table;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    helpers: BTreeSet<String>,
    launchers: BTreeSet<String>,
    base: BTreeSet<String>,
    front: Vec<Front>,
    loads: Vec<Loads>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loads {
    programs: Vec<String>,
    by: By,
    #[serde(default)]
    usual: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum By {
    Module,
    File,
    Command,
    Manifest,
    Usual,
}

/// How a program names the application that it loads and runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names<'a> {
    /// By a word that is the name of a module of Python: `package.module:object`.
    Module,
    /// By a word that is the path of a file: a program, or a table of programs.
    File,
    /// By the command behind its own words.
    Command,
    /// By a line of the manifest in the working directory (`scripts` of package.json).
    Manifest,
    /// By a word that is a path, or else by this name in the working directory.
    Usual(&'a str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    programs: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
    #[serde(default)]
    drop_value: Vec<String>,
    #[serde(default)]
    swap: Vec<(String, String)>,
    #[serde(default)]
    inside: Vec<(String, String)>,
    #[serde(default)]
    first: Vec<String>,
    #[serde(default)]
    last: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    program: Vec<String>,
    #[serde(default)]
    only: bool,
    #[serde(default)]
    told: bool,
}

struct Knowledge {
    helpers: BTreeSet<String>,
    launchers: BTreeSet<String>,
    base: BTreeSet<String>,
    front: BTreeMap<String, usize>,
    entries: Vec<Front>,
    loads: Vec<Loads>,
}

static STARTS: LazyLock<Knowledge> = LazyLock::new(|| {
    let table: Table = table("starts");
    let names = |(at, entry): (usize, &Front)| -> Vec<(String, usize)> {
        let names = entry.programs.iter();
        names.map(|name| (name.clone(), at)).collect()
    };
    Knowledge {
        helpers: table.helpers,
        launchers: table.launchers,
        base: table.base,
        front: table.front.iter().enumerate().flat_map(names).collect(),
        entries: table.front,
        loads: table.loads,
    }
});

/// Whether a program of this name only prepares a start.
#[must_use]
pub fn is_helper(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| STARTS.helpers.contains(name))
}

/// How a program of this name names the application that it loads, if it is one that does.
#[must_use]
pub fn loads(name: &[u8]) -> Option<Names<'static>> {
    let name = std::str::from_utf8(name).ok()?;
    let named = |loads: &&Loads| loads.programs.iter().any(|program| program == name);
    let found = STARTS.loads.iter().find(named)?;
    Some(match found.by {
        By::Module => Names::Module,
        By::File => Names::File,
        By::Command => Names::Command,
        By::Manifest => Names::Manifest,
        By::Usual => Names::Usual(&found.usual),
    })
}

/// Whether a program of this name starts what another word of its command names.
#[must_use]
pub fn is_launcher(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| STARTS.launchers.contains(name))
}

/// Whether a source package of this name is part of the system itself.
#[must_use]
pub fn is_base(source: &str) -> bool {
    STARTS.base.contains(source)
}

/// Whether a program of this name stays in front for a service manager that it reports to, and leaves
/// elsewhere (sd_notify(3)).
#[must_use]
pub fn is_told(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let entry = STARTS.front.get(name).map(|at| &STARTS.entries[*at]);
    entry.is_some_and(|entry| entry.told)
}

/// The command that keeps a program in front, by the options that its manual has for that; nothing
/// when none is known. The program may stand behind an interpreter.
#[must_use]
pub fn in_front(command: &[String]) -> Option<Vec<String>> {
    let name = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    let first = name(command.first()?);
    let is_run = super::places::is_interpreter(first.as_bytes());
    // `perl -T /usr/sbin/x`
    let script = || {
        command
            .iter()
            .skip(1)
            .position(|word| !word.starts_with('-'))
    };
    let at = match STARTS.front.contains_key(&first) {
        true => 0,
        false if is_run => script()? + 1,
        false => return None,
    };
    let entry = &STARTS.entries[*STARTS.front.get(&name(command.get(at)?))?];
    let mut front = command.get(..=at)?.to_vec();
    if let Some((program, words)) = entry.program.split_first() {
        let last = front.last_mut()?;
        let dir = last.len() - name(last).len();
        last.truncate(dir);
        last.push_str(program);
        front.extend(words.iter().cloned());
    }
    if entry.only {
        return Some(front);
    }
    front.extend(entry.kept(command.get(at + 1..)?));
    let is_said = |word: &String| {
        let asks = |said: &String| word == said || word.starts_with(&format!("{said}="));
        let own = [&entry.first, &entry.last]
            .into_iter()
            .filter_map(|words| words.first());
        entry.unless.iter().chain(own).any(asks)
    };
    if !front.iter().skip(at + 1).any(is_said) {
        front.splice(at + 1..at + 1, entry.first.iter().cloned());
        front.extend(entry.last.iter().cloned());
    }
    Some(front)
}

impl Front {
    /// The arguments without those that send the program into the background.
    fn kept(&self, args: &[String]) -> Vec<String> {
        let mut kept = Vec::new();
        let mut args = args.iter();
        while let Some(word) = args.next() {
            let is = |option: &String| word == option;
            let with_value = |option: &String| word.starts_with(&format!("{option}="));
            if self.drop.iter().any(is) || self.drop_value.iter().any(with_value) {
                continue;
            }
            if self.drop_value.iter().any(is) {
                args.next();
                continue;
            }
            let swapped = self.swap.iter().find(|(from, _)| from == word);
            let mut word = swapped.map_or_else(|| word.clone(), |(_, to)| to.clone());
            for (from, to) in &self.inside {
                word = word.replace(from.as_str(), to);
            }
            if !word.is_empty() || swapped.is_none() {
                kept.push(word);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_is_kept_in_front_by_its_own_options() {
        for (given, want) in [
            (
                "/usr/sbin/nginx|-c|/x",
                "/usr/sbin/nginx|-c|/x|-g|daemon off;",
            ),
            (
                "/usr/sbin/nginx|-g|daemon on;",
                "/usr/sbin/nginx|-g|daemon off;",
            ),
            (
                "/opt/n/bin/nagios|-d|/etc/n.cfg",
                "/opt/n/bin/nagios|/etc/n.cfg",
            ),
            ("/opt/t/bin/startup.sh", "/opt/t/bin/catalina.sh|run"),
            ("/opt/t/bin/catalina.sh|start", "/opt/t/bin/catalina.sh|run"),
            (
                "/usr/bin/python3|/opt/g/bin/carbon-cache.py|start",
                "/usr/bin/python3|/opt/g/bin/carbon-cache.py|--nodaemon|start",
            ),
            (
                "/usr/bin/rsync|--daemon",
                "/usr/bin/rsync|--daemon|--no-detach",
            ),
            (
                "/usr/sbin/apachectl|start",
                "/usr/sbin/apachectl|-DFOREGROUND",
            ),
            (
                "/usr/sbin/apache2|-k|start",
                "/usr/sbin/apache2|-DFOREGROUND",
            ),
            ("/usr/sbin/sshd|-D", "/usr/sbin/sshd|-D"),
            (
                "/usr/bin/uwsgi|--daemonize|/l|--ini|x",
                "/usr/bin/uwsgi|--ini|x",
            ),
        ] {
            let given: Vec<String> = given.split('|').map(str::to_owned).collect();
            let found = in_front(&given).map(|words| words.join("|"));
            assert_eq!(found.as_deref(), Some(want));
        }
        assert_eq!(in_front(&["/opt/a/d".to_owned()]), None);
        assert_eq!(
            in_front(&["/usr/bin/perl".to_owned(), "/opt/a".to_owned()]),
            None
        );
    }

    #[test]
    fn a_program_stands_in_one_entry() {
        let all = STARTS.entries.iter().flat_map(|entry| &entry.programs);
        assert_eq!(all.count(), STARTS.front.len());
    }
}
