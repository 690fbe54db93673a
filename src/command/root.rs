//! The root that a command reads beside a report.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use seaworthy::path::AppPath;
use seaworthy::tree::Root;

use crate::cli::ScopeArgs;

/// Opens the root of a scope; with a saved report, the one that is named beside it.
pub(crate) fn open(scope: &ScopeArgs, is_saved: bool) -> Result<Root> {
    let top = scope.root.as_deref().unwrap_or(Path::new("/"));
    let opened = match &scope.prefix {
        Some(_) if !is_saved => {
            let request = scope.request()?;
            let prefix = request.prefix.unwrap_or_else(AppPath::root);
            Root::graft(&request.root, &prefix)
        }
        _ => Root::open(top),
    };
    opened.with_context(|| format!("cannot open the root {}", top.display()))
}

/// The arguments that name a scope again, as a shell reads them; with a saved report, that and the root.
pub(crate) fn arguments(scope: &ScopeArgs, report: Option<&Path>) -> String {
    let mut words = String::new();
    let mut add = |key: &str, value: &OsStr| {
        if !key.is_empty() {
            words += &format!(" {key}");
        }
        words += &format!(" {}", quoted(value.as_bytes()));
    };
    if let Some(file) = report {
        add("--report", file.as_os_str());
        if scope.root.is_none() {
            add("--root", OsStr::new("DIR"));
        }
    }
    let options = [
        ("--root", &scope.root),
        ("--prefix", &scope.prefix),
        ("--rules", &scope.rules),
    ];
    for (key, value) in options {
        value.iter().for_each(|value| add(key, value.as_os_str()));
    }
    for (key, values) in [("--package", &scope.package), ("--unit", &scope.unit)] {
        values.iter().for_each(|value| add(key, OsStr::new(value)));
    }
    scope
        .exclude
        .iter()
        .for_each(|path| add("--exclude", path.as_os_str()));
    if scope.all_filesystems {
        words += " --all-filesystems";
    }
    scope
        .paths
        .iter()
        .for_each(|path| words += &format!(" {}", quoted(path.as_os_str().as_bytes())));
    words
}

/// A word as a shell reads it; bytes that would move a reader's cursor are written out.
pub(crate) fn quoted(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(byte);
    let text = seaworthy::path::escape(word);
    if !word.is_empty() && word.iter().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
