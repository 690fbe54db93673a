//! What finding and resolving every program below a directory costs, beside the least that any
//! tool must do; driven by `benches/loader.sh`.
//!
//! `loader_cost heads DIR` walks and reads the first 4 KiB of every file, `loader_cost resolve
//! DIR` does that and starts in mind every dynamic program and library among them, `loader_cost
//! plain DIR` is the first with `walkdir` and the standard library, on one thread; `loader_cost
//! list DIR` names what is resolved, one path per line.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program to measure with, on directories of the machine it runs on"
)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use rayon::prelude::*;
use seaworthy::link::loader::{Loader, Request};
use seaworthy::parse::read::ReadAt as _;
use seaworthy::path::AppPath;
use seaworthy::tree::{Limits, Progress, Root, Visit, walk};

/// As much as the product reads of every file.
const HEAD: usize = 4096;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, dir] = &args[..] else {
        bail!("usage: loader_cost heads|plain|resolve|list DIR");
    };
    let root = Root::open(Path::new("/"))?;
    let start = std::path::absolute(dir)?;
    let start = AppPath::new(start.to_str().context("a plain path")?);
    match mode.as_str() {
        "heads" => heads(&root, &start),
        "plain" => plain(dir),
        "resolve" => resolve(&root, &start),
        "list" => list(&root, &start)?,
        _ => bail!("no mode {mode}"),
    }
    Ok(())
}

fn heads(root: &Root, start: &AppPath) {
    let visit = |visit: &Visit<'_>| {
        let file = visit.open().ok()?;
        let mut head = [0; HEAD];
        let size = usize::try_from(file.len()).map_or(HEAD, |size| size.min(HEAD));
        file.read_at(0, &mut head[..size]).ok()
    };
    let limits = Limits {
        opens: |_| true,
        ..Limits::default()
    };
    let progress = Progress::default();
    let found = walk(
        root,
        std::slice::from_ref(start),
        &limits,
        &progress,
        &visit,
    );
    let bytes: usize = found.made.iter().map(|(_, read)| read).sum();
    println!("{} entries, {bytes} bytes read", found.entries.len());
}

fn plain(dir: &str) {
    let mut buffer = [0; HEAD];
    let (mut entries, mut bytes) = (0, 0);
    for entry in walkdir::WalkDir::new(dir).into_iter().flatten() {
        entries += 1;
        if entry.file_type().is_file()
            && let Ok(mut file) = std::fs::File::open(entry.path())
        {
            bytes += file.read(&mut buffer).unwrap_or(0);
        }
    }
    println!("{entries} entries, {bytes} bytes read");
}

fn resolve(root: &Root, start: &AppPath) {
    let loader = Loader::new(root);
    let found = loader.discover(std::slice::from_ref(start), &Progress::default());
    let (entries, programs) = (found.entries, found.files);
    let verdicts: Vec<(String, usize)> = programs
        .par_iter()
        .map(|(file, start)| {
            let mut request = Request::new(file.as_bytes());
            request.start = *start;
            let outcome = loader.run(&request);
            (format!("{:?}", outcome.verdict), outcome.libraries.len())
        })
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (verdict, _) in &verdicts {
        *counts.entry(verdict).or_default() += 1;
    }
    let libraries: usize = verdicts.iter().map(|(_, libraries)| libraries).sum();
    println!(
        "{entries} entries, {} programs and libraries, {libraries} names resolved: {counts:?}",
        programs.len()
    );
}

fn list(root: &Root, start: &AppPath) -> anyhow::Result<()> {
    let loader = Loader::new(root);
    let programs = loader.discover(std::slice::from_ref(start), &Progress::default());
    let mut out = std::io::stdout().lock();
    for (file, _) in programs.files {
        out.write_all(file.as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
