//! The root that a command reads beside a report.

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
