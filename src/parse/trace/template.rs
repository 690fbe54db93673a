//! Names that are made anew at each run: what is a process number, a date or a random ending in
//! one of them becomes a pattern.

use std::borrow::Cow;

/// The last component of `path` as a pattern, when it has a part that differs from run to run:
/// the number of the process, a date of eight digits or `2024-01-31`, and with `random` an ending
/// like those of mkstemp(3).
pub(super) fn template(name: &[u8], pid: u32, random: bool) -> Cow<'_, [u8]> {
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
    let (stem, ending) = name.split_at_checked(name.len().checked_sub(6)?)?;
    let is = |test: fn(&u8) -> bool| ending.iter().any(test);
    let mixed = is(u8::is_ascii_lowercase) as u8
        + is(u8::is_ascii_uppercase) as u8
        + is(u8::is_ascii_digit) as u8;
    (mixed > 1 && ending.iter().all(u8::is_ascii_alphanumeric)).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::template;

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
            (".cache-a9Zq3f", 1, false, ".cache-a9Zq3f"),
        ] {
            let made = template(name.as_bytes(), pid, random);
            assert_eq!(String::from_utf8_lossy(&made), want);
        }
    }
}
