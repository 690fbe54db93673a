//! Rules of the user: every file of a directory whose name ends in `.toml`.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

use seaworthy::rule::Rules;

/// The largest file of rules.
const LIMIT: u64 = 1 << 20;

/// Name and text of each file, in order of the names; each is a rule that stands beside the
/// program's own.
#[expect(
    clippy::disallowed_methods,
    reason = "a directory that the user named, not the audited disk; sorted below"
)]
pub(crate) fn read(dir: &Path) -> Result<Vec<(String, String)>> {
    let failed = || format!("cannot read the rules in {}", dir.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(failed)? {
        let file = entry.with_context(failed)?.path();
        if file.extension().is_some_and(|ending| ending == "toml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let mut rules = Vec::new();
    for file in files {
        let failed = || format!("cannot read the rule {}", file.display());
        let open = std::fs::File::open(&file).with_context(failed)?;
        let mut text = String::new();
        let read = open.take(LIMIT + 1).read_to_string(&mut text);
        if read.with_context(failed)? as u64 > LIMIT {
            bail!("{} is larger than {LIMIT} bytes", file.display());
        }
        rules.push((file.display().to_string(), text));
    }
    if rules.is_empty() {
        bail!("no rule in {}: a rule is a file NAME.toml", dir.display());
    }
    Ok(rules)
}

/// The program's rules and those of `dir`.
pub(crate) fn load(dir: Option<&Path>) -> Result<Rules> {
    let own = dir.map(read).transpose()?.unwrap_or_default();
    Ok(seaworthy::rules(&own)?)
}
