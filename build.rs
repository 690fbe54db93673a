//! Collects the rules and the knowledge tables into the binary, so that adding one is adding a
//! file.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    for (folder, name) in [("rules", "RULES"), ("rules/knowledge", "KNOWLEDGE")] {
        let folder = Path::new(&here).join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut text = format!("const {name}: &[(&str, &str)] = &[\n");
        for entry in walkdir::WalkDir::new(&folder)
            .max_depth(1)
            .sort_by_file_name()
        {
            let entry = entry?;
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let stem = path.file_stem().unwrap_or_default();
                println!("cargo::rerun-if-changed={}", path.display());
                writeln!(text, "({stem:?}, include_str!({path:?})),").map_err(io::Error::other)?;
            }
        }
        text.push_str("];\n");
        fs::write(
            Path::new(&out).join(format!("{}.rs", name.to_lowercase())),
            text,
        )?;
    }
    Ok(())
}
