//! The direction of data, held by a table: a module may use only the modules of its own row, and
//! a row names only rows before it. What is absent here is the architecture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Module, and the modules it may use. `lib` and the binary may use all.
const LAYERS: &[(&str, &[&str])] = &[
    ("path", &[]),
    ("fact", &["path"]),
    ("report", &["path", "fact"]),
    ("knowledge", &["path", "fact", "report"]),
    ("parse", &["path"]),
    ("tree", &["path", "fact", "parse"]),
    ("layout", &["path", "fact", "parse", "tree"]),
    ("extract", &["path", "fact", "knowledge", "parse"]),
    (
        "link",
        &[
            "path",
            "fact",
            "report",
            "knowledge",
            "parse",
            "tree",
            "extract",
        ],
    ),
    ("rule", &["path", "fact", "report"]),
    ("plan", &["path", "fact", "report", "knowledge"]),
    ("assess", &["path", "fact", "report"]),
    ("render", &["path", "fact", "report"]),
    ("policy", &["path", "fact", "report"]),
    ("custody", &["path", "fact", "report", "policy", "layout"]),
    ("diff", &["path", "fact", "report"]),
    (
        "show",
        &["path", "fact", "report", "policy", "diff", "render"],
    ),
    ("manifest", &["path", "fact", "report"]),
    ("copy", &["path", "fact", "parse", "tree", "manifest"]),
    (
        "image",
        &[
            "path",
            "fact",
            "report",
            "knowledge",
            "parse",
            "tree",
            "layout",
            "link",
            "policy",
            "custody",
            "manifest",
        ],
    ),
    ("explain", &["path", "fact", "report", "rule"]),
];

/// The map of the library, and the binary's own files: arguments in, exit code out. So is the
/// folder `command`.
const BINARY: &[&str] = &["lib.rs", "main.rs", "cli.rs", "output.rs"];

/// What makes the directories of an image layout, and what fills the volumes of a new host: both are
/// what this program hands over and no audited disk. They read through `tree`, too.
const WRITES: &[&str] = &["layout/store.rs", "copy/place.rs"];

#[test]
fn rows_name_only_earlier_rows() {
    let mut seen = BTreeSet::new();
    for (module, uses) in LAYERS {
        for used in *uses {
            assert!(
                seen.contains(used),
                "{module} uses {used}, which does not come before it"
            );
        }
        assert!(seen.insert(*module), "{module} has two rows");
    }
}

#[test]
fn modules_use_only_what_their_row_allows() {
    let allowed: BTreeMap<_, BTreeSet<_>> = LAYERS
        .iter()
        .map(|(module, uses)| (*module, uses.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (module, file, text) in sources() {
        let Some(allowed) = allowed.get(module.as_str()) else {
            wrong.push(format!("{file}: module {module} has no row"));
            continue;
        };
        for (number, used) in uses(&text) {
            if used != module && !allowed.contains(used.as_str()) {
                wrong.push(format!("{file}:{number}: {module} may not use {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_tree_opens_files_of_the_disk() {
    let openers = ["std::fs", "rustix::fs", "walkdir", "std::process::Command"];
    for (module, file, text) in sources() {
        let is_test = file.split(['/', '.']).any(|part| part == "tests");
        if module == "tree" || is_test || WRITES.contains(&file.as_str()) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for opener in openers {
            assert!(!code.contains(opener), "{file} uses {opener}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (_, file, text) in sources() {
        assert!(
            text.starts_with("//! "),
            "{file} opens with no sentence on what it is for"
        );
    }
}

/// Module, file and text of every source file but `lib.rs`, and those of the binary.
fn sources() -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(&src).sort_by_file_name() {
        let entry = entry.unwrap();
        let below = entry
            .path()
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if !below.ends_with(".rs")
            || BINARY.contains(&below.as_str())
            || below.starts_with("command/")
        {
            continue;
        }
        let module = below.split(['/', '.']).next().unwrap().to_owned();
        found.push((
            module,
            below,
            std::fs::read_to_string(entry.path()).unwrap(),
        ));
    }
    assert!(found.len() > 3, "the sources were not found");
    found
}

/// The modules of this crate that a text names, with the line; `use crate::{a, b}` included.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest
                .strip_prefix('{')
                .map_or(rest, |list| list.split('}').next().unwrap());
            let many = rest.starts_with('{');
            for name in names.split(',').take(if many { usize::MAX } else { 1 }) {
                let name: String = name
                    .trim()
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                found.push((number + 1, name));
            }
        }
    }
    found
}
