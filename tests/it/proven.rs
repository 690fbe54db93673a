//! What each rule was proven on: the samples and the small roots under `tests/roots`, each of which has a
//! twin that does the same the well-behaved way. `rules/proven.tsv` keeps what they show.
//!
//! A root's `scope` says what is audited, `fires` which rules must fire there and not in its twin
//! (`NAME-tame`), and `made` what git does not keep: native programs, modes, sockets, sparse files.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use seaworthy::path::AppPath;
use seaworthy::report::Report;
use seaworthy::rule::Rules;
use seaworthy::tree::Progress;
use seaworthy::{Request, audit};

use crate::elf_fixture::{Elf, glibc_loader};
use crate::samples::{SAMPLES, copied, report};

fn roots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roots")
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The names of the roots that have a twin.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(roots()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-tame"))
        .collect();
    names.sort();
    names
}

fn report_on(name: &str) -> Report {
    audited(&roots().join(name))
}

/// The report on the root in a folder.
pub(crate) fn audited(folder: &Path) -> Report {
    let root = copied(&folder.join("root"));
    for line in lines(&folder.join("made")) {
        make(root.path(), &line);
    }
    let mut request = Request {
        root: root.path().to_owned(),
        ..Request::default()
    };
    for line in lines(&folder.join("scope")) {
        match line.split_once(' ') {
            Some(("package", package)) => request.packages.push(package.to_owned()),
            _ => request.paths.push(AppPath::new(&line)),
        }
    }
    audit(&request, &Progress::default()).unwrap()
}

/// Makes what one line of `made` names.
fn make(root: &Path, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let at = |path: &str| {
        let host = root.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(host.parent().unwrap()).unwrap();
        host
    };
    match words[..] {
        ["mode", mode, path] => {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        ["size", size, path] => {
            let file = std::fs::File::create(at(path)).unwrap();
            file.set_len(size.parse().unwrap()).unwrap();
        }
        ["newer", path] => {
            let file = std::fs::File::options()
                .append(true)
                .open(at(path))
                .unwrap();
            let later = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
            file.set_modified(later).unwrap();
        }
        ["socket", path] => {
            std::os::unix::net::UnixListener::bind(at(path)).unwrap();
        }
        ["loader", path] => {
            let bytes = glibc_loader("2.36", &["/lib/", "/usr/lib/"]);
            std::fs::write(at(path), bytes).unwrap();
        }
        ["module", path] => {
            let mut module = Elf::lib();
            module.kind = 1;
            std::fs::write(at(path), module.build()).unwrap();
        }
        [kind @ ("elf" | "lib"), path, ..] => {
            let mut elf = match kind {
                "elf" => Elf::program(),
                _ => Elf::lib(),
            };
            for word in &words[2..] {
                let (key, value) = word.split_once('=').unwrap();
                let list: Vec<&str> = value.split(',').collect();
                elf = match key {
                    "needed" => elf.needed(&list),
                    "imports" => elf.imports(&list),
                    "interp" => elf.interp(value),
                    "runpath" => elf.runpath(value),
                    "rpath" => elf.rpath(value),
                    "tail" => elf.tail(format!("\0{value}\0").as_bytes()),
                    "defines" => elf.defines(&list),
                    "soname" => elf.soname(value),
                    "version" => {
                        let (file, version) = value.split_once(':').unwrap();
                        elf.needs_version(file, version, false)
                    }
                    _ => panic!("{line}"),
                };
            }
            let host = at(path);
            std::fs::write(&host, elf.build()).unwrap();
            std::fs::set_permissions(&host, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        _ => panic!("{line}"),
    }
}

fn fired(report: &Report) -> BTreeSet<String> {
    report
        .findings
        .iter()
        .map(|finding| finding.rule.clone())
        .collect()
}

#[test]
fn what_a_root_is_made_for_fires_there_and_not_in_its_twin() {
    let mut wrong = Vec::new();
    for name in names() {
        let fires = fired(&report_on(&name));
        let tame = fired(&report_on(&format!("{name}-tame")));
        for rule in lines(&roots().join(&name).join("fires")) {
            if !fires.contains(&rule) {
                wrong.push(format!("{rule} does not fire in {name}"));
            }
            if tame.contains(&rule) {
                wrong.push(format!("{rule} fires in {name}-tame"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is kept in `rules/proven.tsv`: a rule, where it fires, and where it is silent.
#[test]
fn every_rule_is_proven_on_files() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for sample in SAMPLES {
        seen.insert(sample.name.to_owned(), fired(&report(sample)));
    }
    for name in names() {
        let twin = format!("{name}-tame");
        seen.insert(name.clone(), fired(&report_on(&name)));
        seen.insert(twin.clone(), fired(&report_on(&twin)));
    }
    let (rules, faults) = Rules::load([]);
    assert!(faults.is_empty(), "{faults:#?}");
    let mut table = String::new();
    for rule in rules.iter() {
        let id = rule.id();
        let told = names()
            .into_iter()
            .find(|name| lines(&roots().join(name).join("fires")).contains(&id.to_owned()));
        let fires = told.clone().or_else(|| {
            seen.iter()
                .find(|(_, fired)| fired.contains(id))
                .map(|(name, _)| name.clone())
        });
        let silent = told.map(|name| format!("{name}-tame")).or_else(|| {
            seen.iter()
                .find(|(_, fired)| !fired.contains(id))
                .map(|(name, _)| name.clone())
        });
        if let Some((fires, silent)) = fires.zip(silent) {
            table.push_str(&format!("{id}\t{fires}\t{silent}\n"));
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/proven.tsv");
    if std::env::var_os("SEAWORTHY_BLESS").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(kept, table, "SEAWORTHY_BLESS=1 rewrites rules/proven.tsv");
    let unproven = seaworthy::rule::unproven(&rules);
    assert!(unproven.is_empty(), "{unproven:?}");
}
