//! Files that a script sources and that do more than set variables: parts of the script, and code
//! like it, wherever they are and whatever they are called.

use std::collections::BTreeSet;

use super::super::live::{Voice, Voices};
use crate::fact::{Fact, Touch, What};
use crate::link::scope::Scope;
use crate::parse::op::{Act, Deed};
use crate::parse::shell;
use crate::path::AppPath;
use crate::tree::Root;

/// How much of one file is read.
const LIMIT: usize = 1 << 18;

/// The sourced files of the scope's prefixes that are parts of scripts.
pub(super) fn of_scripts(
    root: &Root,
    scope: &Scope,
    voices: &Voices,
    facts: &[Fact],
) -> BTreeSet<AppPath> {
    let sourced = facts.iter().filter_map(|fact| match &fact.what {
        What::Path {
            path,
            touch: Touch::Reads,
            by,
            ..
        } if by == "source" && voices.of(fact) == Voice::Live => Some(path),
        _ => None,
    });
    let own: BTreeSet<&AppPath> = sourced
        .filter(|path| scope.in_prefix(path).is_some() && !path.is_pattern())
        .collect();
    own.into_iter()
        .filter_map(|path| {
            let text = root.read(path.as_bytes(), LIMIT).ok()?;
            acts(&text).then(|| root.resolve(path.as_bytes()).ok())?
        })
        .map(|node| node.real)
        .collect()
}

/// Whether a text runs programs or changes files, rather than only setting variables.
fn acts(text: &[u8]) -> bool {
    let script = shell::read(text, &shell::Context::default());
    script.ops.iter().any(|op| match &op.deed {
        Deed::Run(_) => true,
        Deed::Path { act, .. } => !matches!(act, Act::Names | Act::Reads),
        Deed::Source(_) | Deed::Set { .. } | Deed::Listens { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_set_variables_and_parts_of_scripts_act() {
        assert!(!acts(
            b"PORT=80\nexport HOME_DIR=/opt/x\n. /etc/default/x\n"
        ));
        assert!(acts(b"PASSWD=/opt/x/passwd\necho a >> $PASSWD\n"));
        assert!(acts(b"mkdir -p /run/x\n"));
    }
}
