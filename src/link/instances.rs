//! Instances of unit templates (systemd.unit(5)): those that something wants, and those that a
//! generator of the system would make for the settings that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::live::UNIT_DIRS;
use crate::extract::{Out, unit};
use crate::fact::Fact;
use crate::parse::unit::{Unit, UnitName};
use crate::path::AppPath;
use crate::tree::Root;

/// Where generators put the units that they make (systemd.generator(7)).
pub(super) const GENERATED: &str = "/run/systemd/generator";

/// How much of a template is read.
const LIMIT: usize = 256 << 10;

/// How many instances of one template are followed.
const MAX_INSTANCES: usize = 64;

/// Keys by which a template says what each of its instances has.
const OWN: [&str; 6] = [
    "AssertPathExists",
    "AssertFileNotEmpty",
    "AssertPathIsDirectory",
    "ConditionPathExists",
    "ConditionFileNotEmpty",
    "ConditionPathIsDirectory",
];

/// The facts of each instance, by the file that makes it: the link that wants it, or the one that a
/// generator makes.
pub(super) fn facts(root: &Root) -> BTreeMap<AppPath, Vec<Fact>> {
    let templates = templates(root);
    if templates.is_empty() {
        return BTreeMap::new();
    }
    let mut wanted = wanted(root);
    // A generator makes the instances that a unit of the template's name holds together.
    let lists = UNIT_DIRS.iter().filter_map(|dir| root.list(dir).ok());
    let units: BTreeSet<Vec<u8>> = lists.flatten().map(|(name, _)| name).collect();
    let known: BTreeSet<String> = wanted.keys().map(|name| template_of(name)).collect();
    for (name, file) in &templates {
        let umbrella = format!("{}.service", name.split('@').next().unwrap_or(name));
        let is_held = units.contains(umbrella.as_bytes());
        if is_held && !known.contains(name) && name.ends_with(".service") {
            for instance in implied(root, file, name) {
                let target = AppPath::new(GENERATED).child(b"multi-user.target.wants");
                wanted.insert(instance.clone(), target.child(instance.as_bytes()));
            }
        }
    }
    let mut found = BTreeMap::new();
    for (name, link) in wanted {
        let Some(file) = templates.get(&template_of(&name)) else {
            continue;
        };
        let Some(name) = UnitName::parse(name.as_bytes()) else {
            continue;
        };
        let Some(unit) = parsed(root, file) else {
            continue;
        };
        let mut out = Out::default();
        unit::facts(&unit, &name, std::slice::from_ref(&link), &mut out);
        if !out.facts.is_empty() {
            found.insert(link, out.facts);
        }
    }
    found
}

/// Whether a unit of this name holds instances together: there is one, or a template that has one.
pub(super) fn has_any(root: &Root, stem: &[u8]) -> bool {
    let head = [stem, b"@"].concat();
    let is_instance = |name: &[u8]| {
        let unit = UnitName::parse(name);
        name.starts_with(&head) && unit.is_some_and(|unit| unit.instance.is_some())
    };
    let lists = UNIT_DIRS.iter().filter_map(|dir| root.list(dir).ok());
    let is_there = lists.flatten().any(|(name, _)| is_instance(&name));
    let is_wanted = || wanted(root).keys().any(|name| is_instance(name.as_bytes()));
    let is_implied = || {
        let template = format!("{}@.service", String::from_utf8_lossy(stem));
        let file = templates(root).remove(&template);
        file.is_some_and(|file| !implied(root, &file, &template).is_empty())
    };
    is_there || is_wanted() || is_implied()
}

/// `app@.service` of `app@main.service`.
pub(super) fn template_of(name: &str) -> String {
    let stem = name.split('@').next().unwrap_or(name);
    let kind = name.rsplit('.').next().unwrap_or_default();
    format!("{stem}@.{kind}")
}

/// The files of all templates, by name; the directory that comes first has the word.
fn templates(root: &Root) -> BTreeMap<String, AppPath> {
    let mut found = BTreeMap::new();
    for dir in UNIT_DIRS.iter().map(AppPath::new) {
        for (name, _) in root.list(dir.as_bytes()).unwrap_or_default() {
            let unit = UnitName::parse(&name).filter(|unit| unit.is_template);
            if let Some(unit) = unit {
                found.entry(unit.full).or_insert_with(|| dir.child(&name));
            }
        }
    }
    found
}

/// The instances that something wants or requires, each with the link that says so.
fn wanted(root: &Root) -> BTreeMap<String, AppPath> {
    let mut found = BTreeMap::new();
    for dir in UNIT_DIRS.iter().map(AppPath::new) {
        for (folder, _) in root.list(dir.as_bytes()).unwrap_or_default() {
            if !(folder.ends_with(b".wants") || folder.ends_with(b".requires")) {
                continue;
            }
            let folder = dir.child(&folder);
            for (name, _) in root.list(folder.as_bytes()).unwrap_or_default() {
                let unit = UnitName::parse(&name).filter(|unit| unit.instance.is_some());
                if let Some(unit) = unit {
                    found
                        .entry(unit.full)
                        .or_insert_with(|| folder.child(&name));
                }
            }
        }
    }
    found
}

fn parsed(root: &Root, file: &AppPath) -> Option<Unit> {
    let text = root.read(file.as_bytes(), LIMIT).ok()?;
    Some(Unit::parse(&text))
}

/// The instances for which everything is there that their template asks of each.
fn implied(root: &Root, file: &AppPath, name: &str) -> Vec<String> {
    let Some(unit) = parsed(root, file) else {
        return Vec::new();
    };
    // A job that something else starts is no service of each.
    let kind = unit
        .last("Service", "Type")
        .map(|kind| kind.value.as_slice());
    if kind == Some(b"oneshot") {
        return Vec::new();
    }
    let mut all: Option<BTreeSet<String>> = None;
    for assignment in OWN.iter().flat_map(|key| unit.list("Unit", key)) {
        let value = String::from_utf8_lossy(&assignment.value).into_owned();
        let Some(found) = matching(root, value.trim_start_matches('|')) else {
            continue;
        };
        all = Some(match all {
            Some(all) => all.intersection(&found).cloned().collect(),
            None => found,
        });
    }
    let (stem, kind) = name.split_once('@').unwrap_or((name, ""));
    let all = all.unwrap_or_default().into_iter().take(MAX_INSTANCES);
    all.map(|instance| format!("{stem}@{instance}{kind}"))
        .collect()
}

/// The instances for which a path with `%i` or `%I` is there; nothing when it has neither.
fn matching(root: &Root, pattern: &str) -> Option<BTreeSet<String>> {
    let mark = ["%i", "%I"]
        .into_iter()
        .find(|mark| pattern.contains(mark))?;
    let (before, after) = pattern.split_once(mark)?;
    // A component of its own, or part of one.
    let (dir, head) = before.rsplit_once('/')?;
    let (tail, below) = match after.split_once('/') {
        Some((tail, below)) => (tail, Some(below)),
        None => (after, None),
    };
    let mut found = BTreeSet::new();
    let list = |dir: &str| root.list(dir).unwrap_or_default();
    let mut add = |instance: &str, path: String| {
        let path = match below {
            Some(below) => format!("{path}{tail}/{}", below.replace(mark, instance)),
            None => format!("{path}{tail}"),
        };
        if root.resolve(&path).is_ok() && !instance.is_empty() {
            found.insert(instance.to_owned());
        }
    };
    for (name, _) in list(dir) {
        let Ok(name) = String::from_utf8(name) else {
            continue;
        };
        let own = name
            .strip_prefix(head)
            .and_then(|name| name.strip_suffix(tail));
        if let Some(own) = own {
            add(own, format!("{dir}/{head}{own}"));
        }
        // `%I` is unescaped: what has a slash in the path has a dash in the name.
        if mark == "%I" && head.is_empty() {
            for (below, _) in list(&format!("{dir}/{name}")) {
                if let Ok(below) = String::from_utf8(below) {
                    add(&format!("{name}-{below}"), format!("{dir}/{name}/{below}"));
                }
            }
        }
    }
    Some(found)
}
