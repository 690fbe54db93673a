//! Scripts read again with the variables that the files they source set, and from the directory they
//! are started in: what was `$DIR/x` or `x` then has a name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use rayon::prelude::*;

use super::gather::Seen;
use super::scope::Scope;
use crate::extract::{HEAD, Input, Out, TEXT_LIMIT, shell};
use crate::fact::{Fact, Source, What};
use crate::parse::shell::{Uses, variables};
use crate::path::AppPath;
use crate::tree::Root;

/// How many scripts are read again.
const MAX_SCRIPTS: usize = 2000;

/// How much of a sourced file is read; such files hold assignments.
const SOURCED_LIMIT: usize = 1 << 20;

/// How many files deep scripts that are sourced source others.
const MAX_DEPTH: usize = 4;

/// How many files one script sources, with what they source.
const MAX_SOURCED: usize = 64;

/// Values of variables, by name.
type Variables = BTreeMap<String, Vec<u8>>;

/// The files that a script sources, each with its line.
type Sources = BTreeSet<(Option<u32>, AppPath)>;

/// Adds what the scripts of `seen` do with the variables of the files that they source, and what the
/// sourced files of the scope do that are scripts though nothing else says so of them.
pub(super) fn again(root: &Root, scope: &Scope, seen: &mut Seen) {
    let mut done: BTreeSet<AppPath> = BTreeSet::new();
    let settings: BTreeSet<AppPath> = seen.facts.iter().filter_map(settings).collect();
    // What the variables of a sourced file are worth where it is sourced.
    let mut known: BTreeMap<AppPath, Variables> = BTreeMap::new();
    let placed = placed(root, scope, &seen.facts);
    // What was found to be sourced in all rounds.
    let mut found: BTreeMap<AppPath, Sources> = BTreeMap::new();
    let mut new = 0;
    for _ in 0..MAX_DEPTH {
        let mut more = sources(&seen.facts[new..]);
        if new == 0 {
            for script in placed.keys() {
                more.entry(script.clone()).or_default();
            }
        }
        for (script, sourced) in &more {
            found
                .entry(script.clone())
                .or_default()
                .extend(sourced.iter().cloned());
        }
        // A script has the variables of what its parts source, too: it is read again when more of that is known.
        let scripts: Vec<(&AppPath, Vec<&AppPath>)> = (found.keys())
            .map(|script| (script, whole(root, script, &found)))
            .filter(|(script, files)| {
                more.contains_key(*script) || files.iter().any(|file| more.contains_key(*file))
            })
            .collect();
        let mut parts: BTreeMap<AppPath, &AppPath> = BTreeMap::new();
        for (script, sourced) in &more {
            for (_, file) in sourced {
                let node = root.resolve(file.as_bytes());
                let node = node.ok().filter(|node| scope.contains(&node.real));
                if let Some(node) = node
                    && (!settings.contains(&node.real) || acts(root, &node.real))
                    && done.insert(node.real.clone())
                {
                    parts.insert(node.real, script);
                }
            }
        }
        let again = || -> Vec<Out> {
            let scripts = scripts.par_iter().with_max_len(1);
            let read = scripts.filter_map(|(script, files)| {
                read_with(root, script, files.iter().copied(), placed.get(*script))
            });
            read.collect()
        };
        let above: BTreeMap<&AppPath, OnceLock<Variables>> = parts
            .values()
            .map(|script| (*script, OnceLock::new()))
            .collect();
        let first = || -> Vec<(AppPath, Variables, Out)> {
            let read = parts.par_iter().filter_map(|(part, script)| {
                let variables = || {
                    let text = root.read(script.as_bytes(), TEXT_LIMIT).unwrap_or_default();
                    let none = Variables::new();
                    // What it sets below its functions counts there, whoever calls them.
                    variables(&text, known.get(*script).unwrap_or(&none), &[&text])
                };
                let above = above.get(script);
                read_part(root, part, || {
                    above.map_or_else(&variables, |above| above.get_or_init(&variables).clone())
                })
            });
            read.collect()
        };
        let (out, parts) = rayon::join(again, first);
        seen.facts.extend(out.into_iter().flat_map(|out| out.facts));
        new = seen.facts.len();
        for (part, above, out) in parts {
            seen.facts.extend(out.facts);
            known.insert(part, above);
        }
        if new == seen.facts.len() {
            break;
        }
    }
}

/// Whether a file that is read as settings does more than settings can, for the script that sources it.
fn acts(root: &Root, file: &AppPath) -> bool {
    let Ok(node) = root.lookup(file.as_bytes()) else {
        return false;
    };
    let text = root
        .read(file.as_bytes(), SOURCED_LIMIT)
        .unwrap_or_default();
    let input = Input::new(file, &node.stat, &text[..text.len().min(HEAD)], &text);
    shell::is_part(&input) && shell::acts(&text)
}

/// The directories that programs of the scope are started in, where the unit or supervisor's table that
/// starts them has one.
fn placed(root: &Root, scope: &Scope, facts: &[Fact]) -> BTreeMap<AppPath, AppPath> {
    let mut dirs: BTreeMap<&AppPath, BTreeSet<&AppPath>> = BTreeMap::new();
    for fact in facts {
        if let What::Path {
            path,
            source: Source::Unit | Source::Config,
            by,
            ..
        } = &fact.what
            && matches!(by.as_str(), "WorkingDirectory" | "directory")
            && !path.is_pattern()
        {
            dirs.entry(&fact.at.file).or_default().insert(path);
        }
    }
    let mut placed = BTreeMap::new();
    for fact in facts {
        if let What::Starts { program, args, .. } = &fact.what
            && let Some(dirs) = dirs.get(&fact.at.file)
            && dirs.len() == 1
            && let Some(dir) = dirs.first()
        {
            // An interpreter comes before its script.
            let script = args.iter().find(|arg| !arg.starts_with('-'));
            let script = script.map(|script| dir.join(script));
            let real = |path: &AppPath| root.resolve(path.as_bytes()).ok().map(|node| node.real);
            let mut programs = std::iter::once(program).chain(&script).filter_map(real);
            if let Some(real) = programs.find(|real| scope.contains(real)) {
                placed.insert(real, (*dir).clone());
            }
        }
    }
    placed
}

/// The file of a fact that is read as settings.
fn settings(fact: &Fact) -> Option<AppPath> {
    let source = match &fact.what {
        What::Path { source, .. } => source,
        What::Setting { .. } => return Some(fact.at.file.clone()),
        _ => return None,
    };
    matches!(source, Source::Config | Source::Environment).then(|| fact.at.file.clone())
}

/// The scripts of `facts`, with the files that they source.
fn sources(facts: &[Fact]) -> BTreeMap<AppPath, Sources> {
    let mut scripts: BTreeMap<AppPath, Sources> = BTreeMap::new();
    for fact in facts {
        if let What::Path {
            path, by, source, ..
        } = &fact.what
            && by == "source"
            && matches!(source, Source::Init | Source::Script)
            && scripts.len() < MAX_SCRIPTS
        {
            let sourced = scripts.entry(fact.at.file.clone()).or_default();
            sourced.insert((fact.at.line, path.clone()));
        }
    }
    scripts
}

/// The files that a script sources, in the order in which what they set counts: each behind those that it sources
/// itself, but for those below its last assignment, which come after it.
fn whole<'a>(
    root: &Root,
    script: &AppPath,
    found: &'a BTreeMap<AppPath, Sources>,
) -> Vec<&'a AppPath> {
    let mut files = Vec::new();
    add(root, script, found, 0, &mut BTreeSet::new(), &mut files);
    files.retain(|file| *file != script);
    files
}

fn add<'a>(
    root: &Root,
    script: &AppPath,
    found: &'a BTreeMap<AppPath, Sources>,
    depth: usize,
    seen: &mut BTreeSet<&'a AppPath>,
    files: &mut Vec<&'a AppPath>,
) {
    for (_, file) in found.get(script).into_iter().flatten() {
        if depth >= MAX_DEPTH || seen.len() > MAX_SOURCED || !seen.insert(file) {
            continue;
        }
        let place = files.len();
        add(root, file, found, depth + 1, seen, files);
        let own = found.get(file).into_iter().flatten();
        let lines = own.filter(|(_, part)| files[place..].contains(&part));
        let first = lines.filter_map(|(line, _)| *line).min();
        match first.is_some_and(|line| line > last_assignment(root, file)) {
            true => files.insert(place, file),
            false => files.push(file),
        }
    }
}

/// The last line of a script that sets a variable; 0 where none does.
fn last_assignment(root: &Root, file: &AppPath) -> u32 {
    let text = root
        .read(file.as_bytes(), SOURCED_LIMIT)
        .unwrap_or_default();
    let sets = |line: &[u8]| {
        let line = line.trim_ascii_start();
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        let name = line.iter().position(|byte| *byte == b'=').unwrap_or(0);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        name > 0 && line[..name].iter().all(is_part)
    };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let last = lines.iter().rposition(|line| sets(line));
    last.map_or(0, |at| u32::try_from(at + 1).unwrap_or(u32::MAX))
}

/// What a file does that a script sources, whose variables `above` tells.
fn read_part(
    root: &Root,
    part: &AppPath,
    above: impl Fn() -> Variables,
) -> Option<(AppPath, Variables, Out)> {
    let node = root.lookup(part.as_bytes()).ok()?;
    let text = root.read(part.as_bytes(), SOURCED_LIMIT).ok()?;
    let input = Input::new(part, &node.stat, &text[..text.len().min(HEAD)], &text);
    if !shell::is_part(&input) {
        return None;
    }
    let known = above();
    let mut out = Out::default();
    shell::run_with(&input, &known, None, &mut out);
    Some((part.clone(), known, out))
}

/// What a script does with the variables that the files set which it sources, and from the directory
/// `dir` that it is started in.
fn read_with<'a>(
    root: &Root,
    script: &AppPath,
    sourced: impl Iterator<Item = &'a AppPath>,
    dir: Option<&AppPath>,
) -> Option<Out> {
    let node = root.resolve(script.as_bytes()).ok()?;
    let text = root.read(script.as_bytes(), TEXT_LIMIT).ok()?;
    let sourced = sourced.filter_map(|file| root.read(file.as_bytes(), SOURCED_LIMIT).ok());
    let sourced: Vec<Vec<u8>> = sourced.collect();
    let input = Input::new(script, &node.stat, &text[..text.len().min(HEAD)], &text);
    let mut out = Out::default();
    let placed = dir.is_some() && shell::is_script(&input);
    let framed = shell::is_framed(&input);
    let uses = Uses::of(&text);
    let used: Vec<Uses<'_>> = sourced.iter().map(|text| Uses::of(text)).collect();
    let mut known = BTreeMap::new();
    for (at, file) in sourced.iter().enumerate() {
        let others = || (0..sourced.len()).filter(|other| *other != at);
        // Most of what is sourced are functions, and says nothing of the script's variables.
        if framed || uses.asks_of(file) || others().any(|other| used[other].asks_of(file)) {
            let others = others().map(|other| sourced[other].as_slice());
            let callers: Vec<&[u8]> = std::iter::once(text.as_slice()).chain(others).collect();
            known.extend(variables(file, &known, &callers));
        }
    }
    let asked = framed && !known.is_empty() || known.keys().any(|name| uses.asks(name.as_bytes()));
    if !placed && !asked {
        return None;
    }
    shell::run_with(&input, &known, dir, &mut out);
    Some(out)
}
