//! Hidden names in somebody's home that a script names behind a variable or `~`: whose home it is
//! shows when all is linked. Their paths begin with `/{home}`.

use std::collections::BTreeSet;

use super::script::is_library;
use super::{Extractor, Input, Named, Out};
use crate::fact::{Certainty, Locus, Source, Touch};
use crate::path::AppPath;

/// Reads scripts.
pub(super) const EXTRACTOR: Extractor = Extractor {
    name: "home",
    wants: |input| {
        let is_script = input.interpreter().is_some()
            || [&b".pl"[..], b".pm", b".py", b".rb", b".sh"]
                .iter()
                .any(|ending| input.path.name().ends_with(ending));
        is_script && input.is_text() && !is_library(input.path)
    },
    run,
};

/// The most names of one script.
const NAMES: usize = 20;

fn run(input: &Input<'_>, out: &mut Out) {
    let text = input.text();
    let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
    for at in memchr::memmem::find_iter(text, b"/.") {
        if let Some(name) = hidden(text, at)
            && seen.len() < NAMES
        {
            seen.insert(name);
        }
    }
    for name in seen {
        let named = Named {
            touch: Touch::Names,
            source: Source::Script,
            by: "a hidden name",
            kind: None,
            class: None,
        };
        let path = AppPath::new([b"/{home}/", name].concat());
        out.path(Locus::file(input.path), Certainty::Guessed, path, named);
    }
}

/// The hidden name after the slash at `at`: behind a quote, `~` or a variable, and of letters,
/// digits and `-_`.
fn hidden(text: &[u8], at: usize) -> Option<&[u8]> {
    let before = at.checked_sub(1).and_then(|at| text.get(at))?;
    let behind_name = || {
        let start = text.get(..at)?;
        let plain = |b: &u8| !(b.is_ascii_alphanumeric() || *b == b'_');
        let from = start.iter().rposition(plain)?;
        (start.get(from) == Some(&b'$')).then_some(())
    };
    if !(b"~'\"}".contains(before) || behind_name().is_some()) {
        return None;
    }
    let rest = text.get(at + 1..)?;
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
    let end = 1 + rest.get(1..)?.iter().position(|b| !is_part(b))?;
    (end > 3).then(|| rest.get(..end)).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::extract;
    use super::*;
    use crate::fact::{Stat, What};

    #[test]
    fn a_hidden_name_stands_behind_a_home() {
        let text = "#!/usr/bin/perl\nmy $d = $home . '/.appd/prefs';\nopen F, \"$HOME/.appd\";\n\
                    ls ~/.other; ${H}/.third-x; a/./b; ../.git; x/.no; '/.x'\n";
        let (path, stat) = (AppPath::new("/usr/sbin/appd"), Stat::regular(1, 0o755));
        let bytes = text.as_bytes().to_vec();
        let out = extract(&Input::new(&path, &stat, &bytes, &bytes));
        let name = |fact: &crate::fact::Fact| match &fact.what {
            What::Path { path, .. } => path.to_text().strip_prefix("/{home}").map(str::to_owned),
            _ => None,
        };
        let found: BTreeSet<String> = out.facts.iter().filter_map(name).collect();
        let expected = ["/.appd", "/.other", "/.third-x"].map(str::to_owned);
        assert_eq!(found, BTreeSet::from(expected));
    }
}
