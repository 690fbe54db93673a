//! Names that are made anew at each run: what is a process number, a date or a random ending in
//! one of them becomes a pattern.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use crate::path::AppPath;

/// How many random names are remembered.
const REMEMBERED: usize = 1024;

/// The patterns of names that were chosen at random, so that what is done to such a file or below
/// such a directory later counts for the pattern.
#[derive(Debug, Default)]
pub(super) struct Names {
    patterns: BTreeMap<AppPath, AppPath>,
    order: VecDeque<AppPath>,
}

impl Names {
    /// `path` with what differs from run to run as a pattern.
    pub(super) fn name(&mut self, path: &AppPath, process: u32, random: bool) -> AppPath {
        if let Some(known) = self.known(path) {
            return known;
        }
        let Some(parent) = path.parent() else {
            return path.clone();
        };
        let name = template(path.name(), process, random);
        let named = parent.child(&name);
        if random && name.ends_with(b"*") && name != path.name() {
            self.order.push_back(path.clone());
            self.patterns.insert(path.clone(), named.clone());
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.patterns.remove(&oldest);
            }
        }
        named
    }

    fn known(&self, path: &AppPath) -> Option<AppPath> {
        if self.patterns.is_empty() {
            return None;
        }
        (1..=path.depth()).rev().find_map(|depth| {
            let above = path.prefix(depth);
            let pattern = self.patterns.get(&above)?;
            Some(pattern.join(path.below(&above)?))
        })
    }
}

/// The last component of `path` as a pattern, when it has a part that differs from run to run:
/// the number of the process, a date of eight digits or `2024-01-31`, and with `random` an ending
/// like those of mkstemp(3).
fn template(name: &[u8], pid: u32, random: bool) -> Cow<'_, [u8]> {
    if random && let Some(stem) = stem_of_random(name) {
        return Cow::Owned([stem, b"*"].concat());
    }
    if !name.iter().any(u8::is_ascii_digit) {
        return Cow::Borrowed(name);
    }
    let pid = pid.to_string();
    let mut out: Vec<u8> = Vec::with_capacity(name.len());
    let mut at = 0;
    let mut changed = false;
    while at < name.len() {
        let rest = &name[at..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            out.push(rest[0]);
            at += 1;
            continue;
        }
        let (word, width): (&[u8], usize) = if let Some(width) = date(rest, digits) {
            (b"{date}", width)
        } else if digits > 1 && &rest[..digits] == pid.as_bytes() {
            (b"{pid}", digits)
        } else {
            (&rest[..digits], digits)
        };
        changed |= word.first() == Some(&b'{');
        out.extend_from_slice(word);
        at += width;
    }
    if changed {
        Cow::Owned(out)
    } else {
        Cow::Borrowed(name)
    }
}

/// The width of a date at the start of `text`, which begins with so many digits.
fn date(text: &[u8], digits: usize) -> Option<usize> {
    let (month, day, width) = match digits {
        // With a time right behind it, as `date +%Y%m%d%H%M%S` has it, too.
        8 | 12 | 14 => (text.get(4..6)?, text.get(6..8)?, digits),
        4 => {
            let between = *text.get(4)?;
            let same = matches!(between, b'-' | b'_' | b'.') && text.get(7) == Some(&between);
            let ends = !text.get(10).is_some_and(u8::is_ascii_digit);
            (same && ends).then_some(())?;
            (text.get(5..7)?, text.get(8..10)?, 10)
        }
        _ => return None,
    };
    let year = number(text.get(..4)?)?;
    let is_date = (1990..2100).contains(&year)
        && (1..=12).contains(&number(month)?)
        && (1..=31).contains(&number(day)?);
    is_date.then_some(width)
}

fn number(digits: &[u8]) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')))
}

/// What stands before an ending of six letters and digits that mkstemp(3) chose: one that is mixed
/// as no word is.
fn stem_of_random(name: &[u8]) -> Option<&[u8]> {
    // Some choose more than six.
    let word = name
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    let separated = word < name.len() && word > 6;
    let length = if separated { word } else { 6 };
    let (stem, ending) = name.split_at_checked(name.len().checked_sub(length)?)?;
    let is = |test: fn(&u8) -> bool| ending.iter().any(test);
    let mixed = is(u8::is_ascii_lowercase) as u8
        + is(u8::is_ascii_uppercase) as u8
        + is(u8::is_ascii_digit) as u8;
    (mixed > 1 && ending.iter().all(u8::is_ascii_alphanumeric)).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::{Names, template};
    use crate::path::AppPath;

    #[test]
    fn what_is_done_to_a_random_name_later_counts_for_its_pattern() {
        let mut names = Names::default();
        let mut name = |path, random| names.name(&AppPath::new(path), 7, random).to_string();
        assert_eq!(name("/tmp/d.a9Zq3f", true), "/tmp/d.*");
        assert_eq!(name("/tmp/d.a9Zq3f/x", false), "/tmp/d.*/x");
        assert_eq!(name("/tmp/d.a9Zq3f", false), "/tmp/d.*");
        assert_eq!(name("/tmp/d.b9Zq3f", false), "/tmp/d.b9Zq3f");
    }

    #[test]
    fn what_differs_from_run_to_run_becomes_a_pattern() {
        for (name, pid, random, want) in [
            ("app.4711.lock", 4711, false, "app.{pid}.lock"),
            ("app.47110.lock", 4711, false, "app.47110.lock"),
            ("out-20240131.log", 1, false, "out-{date}.log"),
            ("out-2024-01-31.log", 1, false, "out-{date}.log"),
            ("out-20241331.log", 1, false, "out-20241331.log"),
            ("lib.so.1", 1, false, "lib.so.1"),
            ("settings.conf", 1, true, "settings.conf"),
            (".cache-a9Zq3f", 1, true, ".cache-*"),
            ("lock.x7FIvisyiN", 1, true, "lock.*"),
            (".cache-a9Zq3f", 1, false, ".cache-a9Zq3f"),
        ] {
            let made = template(name.as_bytes(), pid, random);
            assert_eq!(String::from_utf8_lossy(&made), want);
        }
    }
}
