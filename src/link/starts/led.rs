//! Who starts what a manager of processes has in its table: a program that a manager starts is started
//! once, by the manager, where the system starts that one.

use std::collections::{BTreeMap, BTreeSet};

use super::managed::table;
use crate::fact::{Certainty, Fact, Locus, STARTED_BY, Source, StartKind, What};
use crate::knowledge::managers::{MANAGERS, SCANNERS, SUPERVISORD};
use crate::knowledge::starts;
use crate::path::AppPath;

/// How many scripts may stand between a start of the system's and the manager.
const DEPTH: usize = 4;

/// What a manager keeps running, by the file that says so.
struct Table<'a> {
    file: &'a AppPath,
    managers: &'static [&'static str],
    /// Whether it has a form of its own: one such in the application's tree, which nobody reads, is for those
    /// who develop it.
    is_own: bool,
}

/// What scripts say, by the script.
type Scripts<'a> = BTreeMap<&'a AppPath, Vec<&'a Fact>>;

/// Says of tables who starts by them: a start of the system's own that starts the manager, whose programs they
/// then are; or nobody, where the system itself starts the application and no manager.
pub(in crate::link) fn rank(facts: &mut Vec<Fact>) {
    let tables = tables(facts);
    if tables.is_empty() {
        return;
    }
    let files: BTreeSet<&AppPath> = tables.iter().map(|table| table.file).collect();
    let is_other = |fact: &&Fact| is_service(fact) && !files.contains(&fact.at.file);
    let others: Vec<&Fact> = facts.iter().filter(is_other).collect();
    let scripts = scripts(facts);
    let mut said: Vec<(AppPath, &str, String)> = Vec::new();
    for table in &tables {
        if let Some(name) = leader(table, &others, &scripts) {
            said.push((table.file.clone(), STARTED_BY, name));
        }
    }
    let is_led = said.iter().any(|(file, ..)| is_own(&tables, file));
    if !is_led && !others.is_empty() {
        let unread = tables.iter().filter(|table| {
            let is_in_tree = table.file.components().next() != Some(b"etc");
            table.is_own && is_in_tree && table.file.name() != b"dump.pm2"
        });
        said.extend(unread.map(|table| (table.file.clone(), "Enabled", "no".to_owned())));
    }
    facts.extend(said.into_iter().map(|(file, key, value)| Fact {
        at: Locus::file(&file),
        what: What::Directive {
            key: key.to_owned(),
            value,
        },
        certainty: Certainty::Inferred,
    }));
}

fn is_own(tables: &[Table<'_>], file: &AppPath) -> bool {
    tables
        .iter()
        .any(|table| table.is_own && table.file == file)
}

/// Every file that says what a manager starts.
fn tables(facts: &[Fact]) -> Vec<Table<'_>> {
    let own: BTreeSet<&AppPath> = facts.iter().filter_map(table).collect();
    let mut found: BTreeMap<&AppPath, Table<'_>> = BTreeMap::new();
    for fact in facts {
        let file = &fact.at.file;
        let is_own = own.contains(file);
        let is_supervised =
            matches!(&fact.what, What::Starts { how, .. } if *how == StartKind::Supervisor);
        if !is_own && !is_supervised {
            continue;
        }
        let managers: &[&str] = if is_own {
            &MANAGERS
        } else if file.name() == b"run" {
            &SCANNERS
        } else {
            &SUPERVISORD
        };
        found.entry(file).or_insert(Table {
            file,
            managers,
            is_own,
        });
    }
    found.into_values().collect()
}

/// Whether a fact is the start of a service.
fn is_service(fact: &Fact) -> bool {
    matches!(&fact.what, What::Starts { how, name, program, .. }
        if matches!(how, StartKind::Unit | StartKind::Init | StartKind::Socket | StartKind::Supervisor)
            && !name.contains(" Exec")
            && !starts::is_helper(program.name()))
}

/// What scripts start, and the paths that they name, by the script.
fn scripts(facts: &[Fact]) -> Scripts<'_> {
    let mut found = Scripts::new();
    for fact in facts {
        let tells = match &fact.what {
            What::Starts { how, .. } => *how == StartKind::Script,
            What::Path { source, .. } => *source == Source::Script,
            _ => false,
        };
        if tells {
            found.entry(&fact.at.file).or_default().push(fact);
        }
    }
    found
}

/// The start of the system's by which a table is read: one that names it has the word over one that only
/// starts such a manager.
fn leader(table: &Table<'_>, others: &[&Fact], scripts: &Scripts<'_>) -> Option<String> {
    let find = |is_it: &dyn Fn(&str) -> bool| {
        let mut others = others.iter();
        others.find_map(|fact| match &fact.what {
            What::Starts { name, .. } => says(fact, is_it, scripts, DEPTH).then(|| name.clone()),
            _ => None,
        })
    };
    let names_table = |word: &str| {
        let path = AppPath::new(word);
        let is_around =
            table.managers == SCANNERS.as_slice() && path.depth() > 1 && table.file.is_below(&path);
        word.starts_with('/') && (path == *table.file || is_around)
    };
    let names_manager = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        table.managers.contains(&name)
    };
    find(&names_table).or_else(|| find(&names_manager))
}

/// Whether a word of a start's command, or of what the scripts behind it start, is what is looked for.
fn says(fact: &Fact, is_it: &dyn Fn(&str) -> bool, scripts: &Scripts<'_>, depth: usize) -> bool {
    let (program, args) = match &fact.what {
        What::Starts { program, args, .. } => (program, args),
        What::Path { path, .. } => return is_it(&path.to_text()),
        _ => return false,
    };
    let text = program.to_text();
    let words = args.iter().flat_map(|arg| arg.split_ascii_whitespace());
    if words.chain([text.as_ref()]).any(is_it) {
        return true;
    }
    let behind = scripts.get(program).filter(|_| depth > 0);
    let mut behind = behind.into_iter().flatten();
    behind.any(|fact| says(fact, is_it, scripts, depth - 1))
}
