//! Branches that a script takes only when it is called by a name that it does not have here:
//! `if [ "${0##*/}" = appctl ]`. What `$0` stands for in such a branch is not known.

use super::syntax::{Body, Change, List, Part, Word};
use super::walk::Walk;

/// Whether a condition holds for the script's own name; nothing when it asks about anything else.
pub(super) fn holds(walk: &mut Walk<'_>, condition: &List) -> Option<bool> {
    walk.script?;
    let [item] = condition.0.as_slice() else {
        return None;
    };
    let [command] = item.first.commands.as_slice() else {
        return None;
    };
    let Body::Simple { assigns, words } = &command.body else {
        return None;
    };
    if !item.rest.is_empty() || !assigns.is_empty() {
        return None;
    }
    let (left, operator, right) = match words.as_slice() {
        [test, left, operator, right] if test.plain() == Some(b"test") => (left, operator, right),
        [open, left, operator, right, _] if matches!(open.plain(), Some(b"[" | b"[[")) => {
            (left, operator, right)
        }
        _ => return None,
    };
    let asks = [left, right].map(asks_name);
    if asks.contains(&None) || !asks.contains(&Some(true)) {
        return None;
    }
    let is_same = walk.one(left) == walk.one(right);
    let holds = match operator.plain()? {
        b"=" | b"==" => is_same,
        b"!=" => !is_same,
        _ => return None,
    };
    Some(holds != item.first.negated)
}

/// Whether a word has `$0` in it; nothing when it has more than that and text without patterns.
fn asks_name(word: &Word) -> Option<bool> {
    let is_name = |part: &Part| matches!(part, Part::Variable { .. });
    let is_known = |part: &Part| match part {
        Part::Plain(text) => !text.iter().any(|byte| b"*?[".contains(byte)),
        Part::Quoted(_) => true,
        Part::Variable { name, change, .. } => {
            let is_kept = matches!(
                change,
                Change::None | Change::CutEnd { .. } | Change::CutStart { .. }
            );
            name == "0" && is_kept
        }
        Part::Output { .. } | Part::Unknown => false,
    };
    let is_plain = word.array.is_none() && word.parts.iter().all(is_known);
    is_plain.then(|| word.parts.iter().any(is_name))
}
