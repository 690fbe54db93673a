//! test(1), as far as it can be told, and the patterns of the shell.

use super::super::value::{HOLE, Value, is_hole, seen_from};
use super::walk::Walk;

impl Walk<'_> {
    /// test(1).
    pub(super) fn test(&self, argv: &[Value]) -> Option<bool> {
        let mut words: Vec<&[u8]> = argv.iter().skip(1).map(Vec::as_slice).collect();
        if matches!(words.last(), Some(&b"]" | &b"]]")) {
            words.pop();
        }
        self.expression(&words)
    }

    fn expression(&self, words: &[&[u8]]) -> Option<bool> {
        let part = |joints: [&[u8]; 2]| words.iter().position(|word| joints.contains(word));
        if words.len() > 3 || words.len() == 3 && words[0] == b"!" {
            if let Some(at) = part([b"-o", b"||"]).filter(|at| *at > 0) {
                let sides = [&words[..at], &words[at + 1..]].map(|side| self.expression(side));
                return match sides {
                    [Some(true), _] | [_, Some(true)] => Some(true),
                    [Some(false), Some(false)] => Some(false),
                    _ => None,
                };
            }
            if let Some(at) = part([b"-a", b"&&"]).filter(|at| *at > 0) {
                let sides = [&words[..at], &words[at + 1..]].map(|side| self.expression(side));
                return match sides {
                    [Some(false), _] | [_, Some(false)] => Some(false),
                    [Some(true), Some(true)] => Some(true),
                    _ => None,
                };
            }
        }
        match words {
            [b"!", rest @ ..] => self.expression(rest).map(|holds| !holds),
            [] => Some(false),
            [word] => (!is_open(word) || word.len() > 1).then_some(!word.is_empty()),
            [b"-z", word] => empty(word),
            [b"-n", word] => empty(word).map(|empty| !empty),
            [[b'-', test], path] => {
                let path = seen_from(self.cwd.as_deref(), path);
                let is_known = !path.contains(&HOLE) && path.starts_with(b"/");
                let world = self.world()?;
                is_known.then(|| world.holds(*test, &path)).flatten()
            }
            [left, operator, right] => compare(left, operator, right),
            _ => None,
        }
    }
}

/// Whether something of a word is not known.
fn is_open(word: &[u8]) -> bool {
    word.contains(&HOLE)
}

/// Whether a word is empty; what is known of it tells that it is not.
fn empty(word: &[u8]) -> Option<bool> {
    match is_open(word) {
        true if is_hole(word) => None,
        _ => Some(word.is_empty()),
    }
}

fn compare(left: &[u8], operator: &[u8], right: &[u8]) -> Option<bool> {
    if is_open(left) || is_open(right) {
        return None;
    }
    let number = |word: &[u8]| std::str::from_utf8(word).ok()?.trim().parse::<i64>().ok();
    let ordered = || Some(number(left)?.cmp(&number(right)?));
    match operator {
        b"=" | b"==" => Some(fits(right, left)),
        b"!=" => Some(!fits(right, left)),
        b"-eq" => ordered().map(std::cmp::Ordering::is_eq),
        b"-ne" => ordered().map(std::cmp::Ordering::is_ne),
        b"-lt" => ordered().map(std::cmp::Ordering::is_lt),
        b"-le" => ordered().map(std::cmp::Ordering::is_le),
        b"-gt" => ordered().map(std::cmp::Ordering::is_gt),
        b"-ge" => ordered().map(std::cmp::Ordering::is_ge),
        _ => None,
    }
}

/// Whether `name` fits a pattern of the shell: `*`, `?`, `[…]` (sh(1), patterns).
pub(super) fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let (is_one, width) = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(b'?') => (true, 1),
            Some(b'[') => match bracket(&pattern[p..], name[n]) {
                Some(found) => found,
                None => (name[n] == b'[', 1),
            },
            Some(byte) => (*byte == name[n], 1),
            None => (false, 0),
        };
        if is_one {
            (p, n) = (p + width, n + 1);
        } else if let Some((after, tried)) = star {
            star = Some((after, tried + 1));
            (p, n) = (after, tried + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether a byte is of a bracket expression, and how long that is.
fn bracket(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let end = pattern.iter().skip(2).position(|b| *b == b']')? + 2;
    let inner = &pattern[1..end];
    let (inner, negated) = match inner.strip_prefix(b"!").or(inner.strip_prefix(b"^")) {
        Some(rest) => (rest, true),
        None => (inner, false),
    };
    let mut found = inner.contains(&byte);
    for three in inner.windows(3) {
        found |= three[1] == b'-' && (three[0]..=three[2]).contains(&byte);
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_the_shell() {
        for (pattern, name, want) in [
            ("start", "start", true),
            ("st*", "start", true),
            ("*art", "start", true),
            ("s?art", "start", true),
            ("[a-s]tart", "start", true),
            ("[!s]tart", "start", false),
            ("stop", "start", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), want, "{pattern}");
        }
    }
}
