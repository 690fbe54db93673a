//! Collects the rules and the knowledge tables into the binary, so that adding one is adding a
//! file.
//!
//! A program that starts reads each of them, and TOML costs more to read than all else it does
//! before it looks at a file. So they are turned into JSON here, and rules go without what only
//! `rules test` asks for, their examples. A rule's text stands beside it for those who ask.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let out = Path::new(&out);
    let mut rules = String::from("const RULES: &[(&str, &str, &str)] = &[\n");
    each(&Path::new(&here).join("rules"), |stem, path, mut table| {
        table.remove("example");
        let json = serde_json::to_string(&table)?;
        writeln!(rules, "({stem:?}, include_str!({path:?}), {json:?}),").map_err(io::Error::other)
    })?;
    fs::write(out.join("rules.rs"), rules + "];\n")?;
    let mut tables = String::from("const KNOWLEDGE: &[(&str, &str)] = &[\n");
    each(
        &Path::new(&here).join("rules/knowledge"),
        |stem, _, table| {
            let json = serde_json::to_string(&table)?;
            writeln!(tables, "({stem:?}, {json:?}),").map_err(io::Error::other)
        },
    )?;
    fs::write(out.join("knowledge.rs"), tables + "];\n")
}

/// A TOML file's content. It holds no dates, which JSON does not have.
type Table = serde_json::Map<String, serde_json::Value>;

/// Gives `take` every TOML file of a folder in order of name: its name, its path, its content.
#[expect(
    clippy::disallowed_methods,
    reason = "a file of this repository, and none that is audited"
)]
fn each(
    folder: &Path,
    mut take: impl FnMut(&str, &Path, Table) -> io::Result<()>,
) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in walkdir::WalkDir::new(folder)
        .max_depth(1)
        .sort_by_file_name()
    {
        let entry = entry?;
        let path = entry.path();
        let Some((stem, "toml")) = entry.file_name().to_str().and_then(|n| n.rsplit_once('.'))
        else {
            continue;
        };
        println!("cargo::rerun-if-changed={}", path.display());
        let table = toml::from_str(&fs::read_to_string(path)?)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        take(stem, path, table)?;
    }
    Ok(())
}
