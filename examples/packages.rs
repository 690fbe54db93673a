//! Lists what the package databases of a root say.
//!
//! `packages ROOT` has all packages and how many files each has, `packages ROOT --files` all their
//! files in a form that rpm can be asked for, `packages ROOT NAME…` the facts, files and scripts
//! of the application that the packages are part of.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program to look with"
)]

use std::path::Path;
use std::time::Instant;

use seaworthy::link::packages::{OwnedFile, Packages};
use seaworthy::tree::Root;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let root = args.next().unwrap_or_else(|| "/".into());
    let names: Vec<String> = args.collect();
    let root = Root::open(Path::new(&root))?;
    let start = Instant::now();
    let (packages, issues) = Packages::read(&root);
    eprintln!(
        "{} packages in {:?}",
        packages.iter().count(),
        start.elapsed()
    );
    for issue in issues {
        eprintln!("{}: {:?}: {}", issue.at.file, issue.kind, issue.message);
    }
    if names == ["--files"] {
        for package in packages.iter() {
            for file in packages.files(&package.name, &root) {
                println!("{}", as_rpm(&package.name, &file));
            }
        }
        return Ok(());
    }
    if names.is_empty() {
        for package in packages.iter() {
            let files = packages.files(&package.name, &root);
            let sums = files.iter().filter(|file| file.digest.is_some()).count();
            let config = files.iter().filter(|file| file.conffile).count();
            println!(
                "{}|{}|{}|{}|{}|{}|{sums}|{config}",
                package.name,
                package.version,
                package.arch,
                package.source,
                packages.licence(&package.name, &root).unwrap_or_default(),
                files.len(),
            );
        }
        return Ok(());
    }
    let start = Instant::now();
    let scope = packages.scope(&names, &root);
    let (facts, issues) = packages.facts(&scope, &root);
    eprintln!(
        "scope {scope:?}, {} facts in {:?}",
        facts.len(),
        start.elapsed()
    );
    for fact in facts {
        println!("{}", serde_json::to_string(&fact)?);
    }
    for issue in issues {
        eprintln!("{}: {:?}: {}", issue.at.file, issue.kind, issue.message);
    }
    for name in scope {
        for file in packages.files(&name, &root) {
            println!("{}", line(&packages, &file, &root));
        }
        for script in packages.scripts(&name, &root) {
            println!(
                "{name} {:?} {:?} {} bytes",
                script.stage,
                script.interpreter,
                script.text.len()
            );
        }
    }
    Ok(())
}

fn line(packages: &Packages, file: &OwnedFile, root: &Root) -> String {
    let owner = packages
        .owner(&file.path)
        .map(|package| package.name.as_str());
    let state = packages.check(file, root);
    let flag = |set, name| if set { name } else { "" };
    format!(
        "{} {:?} {state:?} {owner:?}{}{}{}",
        file.path,
        file.kind,
        flag(file.conffile, " conffile"),
        flag(file.ghost, " ghost"),
        flag(file.optional, " optional"),
    )
}

/// Package, path, permissions, owner, group, sum, `c` for configuration and `g` for a ghost.
fn as_rpm(package: &str, file: &OwnedFile) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let sum: String = file
        .digest
        .iter()
        .flat_map(|digest| digest.as_bytes())
        .map(|b| format!("{b:02x}"))
        .collect();
    let config = if file.conffile { "c" } else { "" };
    let ghost = if file.ghost { "g" } else { "" };
    format!(
        "{package}|{}|{:o}|{}|{}|{sum}|{config}{ghost}",
        file.path,
        file.mode.unwrap_or_default(),
        text(&file.user),
        text(&file.group),
    )
}
