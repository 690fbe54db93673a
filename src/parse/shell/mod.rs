//! Shell scripts: bytes into operations with folded words.
//!
//! A script is read, never run. All its branches are visited; a variable has the values that its
//! assignments may have given it; what cannot be told is a hole, and shows as `*`.

mod arms;
mod builtin;
mod called;
mod dollar;
mod expand;
mod files;
mod grammar;
mod lexer;
mod note;
mod other_name;
mod special;
mod start;
mod starters;
mod syntax;
mod system;
mod taken;
mod truth;
mod uses;
mod walk;

pub use called::{Call, Called, Started, World, call};
pub use uses::Uses;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::op::Script;
use super::value::{ACTION, SPLIT, folded};
use super::variables::Env;
use lexer::Reader;
use walk::Walk;

/// What is known before a script is read.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// The script's own path: `$0`, and what is found from it.
    pub script: Option<&'a [u8]>,
    /// Variables of files that it sources, or of its environment, by name. The script's own
    /// assignments come over them, as those of a file that is sourced first would.
    pub vars: BTreeMap<String, Vec<u8>>,
    /// The directory it is started in, where that is known.
    pub cwd: Option<&'a [u8]>,
}

/// Variables that installers use for a root other than `/`, and that are empty when a package is
/// installed where it belongs (dpkg-maintscript(1), GNU coding standards).
const EMPTY: &[&str] = &["DPKG_ROOT", "DESTDIR"];

/// The longest text that is read; what is behind it is data that a script carries with it.
pub const MAX_SCRIPT: usize = 1 << 20;

/// Reads a script.
///
/// Total: a fault costs its line, nesting and work are bounded, and what is behind a NUL byte or
/// [`MAX_SCRIPT`] is not script.
#[must_use]
pub fn read(text: &[u8], context: &Context<'_>) -> Script {
    read_calling(text, context, |_| true)
}

/// As [`read`], where of the functions that nothing in the script calls those count that `called`
/// says.
fn read_calling(text: &[u8], context: &Context<'_>, called: impl Fn(&str) -> bool) -> Script {
    let script = cleaned(text);
    let mut reader = Reader::new(&script, 1, 0);
    let list = reader.script();
    let mut walk = Walk::new(context.script, first_env(context));
    walk.cwd = context.cwd.map(<[u8]>::to_vec);
    walk.whole(&list, std::mem::take(&mut reader.documents), called);
    let vars = walk
        .env
        .iter()
        .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .map(|(name, values)| {
            (
                name.to_owned(),
                values.iter().map(|value| folded(value)).collect(),
            )
        })
        .collect();
    Script {
        ops: walk.ops.into_iter().collect(),
        vars,
        faults: reader.faults,
        cut: walk.cut || script.len() == MAX_SCRIPT,
    }
}

/// The part of a text that is script, without the bytes that stand for something here.
fn cleaned(text: &[u8]) -> Cow<'_, [u8]> {
    let end = memchr::memchr(0, text)
        .unwrap_or(text.len())
        .min(MAX_SCRIPT);
    let special = |byte: &u8| *byte < 6;
    let script = text.get(..end).unwrap_or_default();
    if !script.iter().any(special) {
        return Cow::Borrowed(script);
    }
    let plain = |byte: &u8| if special(byte) { b' ' } else { *byte };
    Cow::Owned(script.iter().map(plain).collect())
}

fn first_env(context: &Context<'_>) -> Env {
    let mut env = Env::new();
    for name in EMPTY {
        env.insert(name, vec![Vec::new()]);
    }
    for (name, value) in &context.vars {
        let value: Vec<u8> = value
            .iter()
            .map(|b| if *b < 6 { b' ' } else { *b })
            .collect();
        env.insert(name, vec![value]);
    }
    env.insert("1", vec![vec![ACTION]]);
    env.insert("@", vec![vec![ACTION, SPLIT, super::value::HOLE]]);
    env
}

/// The variables that a file of assignments sets (`/etc/default/NAME`, `/etc/sysconfig/NAME`,
/// `setenv.sh`), each with one value: the last where it has several. What is unknown in a value
/// is `*`. Of its functions those count that it calls, and those whose names stand in one of the
/// `callers`: the script that sources it, and what that sources besides.
#[must_use]
pub fn variables(
    text: &[u8],
    known: &BTreeMap<String, Vec<u8>>,
    callers: &[&[u8]],
) -> BTreeMap<String, Vec<u8>> {
    let context = Context {
        vars: known.clone(),
        ..Context::default()
    };
    let last = |(name, mut values): (String, Vec<Vec<u8>>)| values.pop().map(|value| (name, value));
    let called = |name: &str| {
        let name = memchr::memmem::Finder::new(name);
        callers.iter().any(|text| name.find(text).is_some())
    };
    read_calling(text, &context, called)
        .vars
        .into_iter()
        .filter_map(last)
        .collect()
}

#[cfg(test)]
mod tests;
