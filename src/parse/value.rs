//! Values that a script computes: bytes in which some are not known, and sets of such values.
//!
//! A script is read along all its branches, so a variable has a small set of possible values.
//! Bytes that no script can hold stand for what is special in a value.

/// A part that is not known.
pub(super) const HOLE: u8 = 0;
/// The script's first argument: what a `case` on it tells apart.
pub(super) const ACTION: u8 = 1;
/// A blank from an expansion outside quotes: the word is split there.
pub(super) const SPLIT: u8 = 2;
/// `{`, `,` and `}` of a brace expansion.
pub(super) const BRACES: [u8; 3] = [3, 4, 5];

/// The parameters of a function, in its own text.
pub(super) const PARAMETERS: std::ops::RangeInclusive<u8> = 14..=25;

/// What stands before a parameter that is used in small or in capital letters.
const CASES: [u8; 2] = [26, 27];

/// Small or capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
}

impl Case {
    #[cfg(feature = "scripting")]
    /// A value in such letters; its parameters get them when it is known what they are.
    pub(super) fn of(self, value: &[u8]) -> Value {
        let mut out = Vec::with_capacity(value.len());
        for byte in value {
            if PARAMETERS.contains(byte) {
                out.push(match self {
                    Self::Lower => CASES[0],
                    Self::Upper => CASES[1],
                });
            }
            out.push(match self {
                _ if CASES.contains(byte) => continue,
                Self::Lower => byte.to_ascii_lowercase(),
                Self::Upper => byte.to_ascii_uppercase(),
            });
        }
        out
    }

    /// The letters that a mark asks for.
    fn marked(byte: u8) -> Option<Self> {
        match byte {
            byte if byte == CASES[0] => Some(Self::Lower),
            byte if byte == CASES[1] => Some(Self::Upper),
            _ => None,
        }
    }
}

/// How many values of one word are followed.
pub(super) const MAX_VALUES: usize = 6;

/// The longest value that is followed: `PATH_MAX`, and room for a list of options.
const MAX_LENGTH: usize = 8192;

/// How many words one word may become.
pub(super) const MAX_FIELDS: usize = 256;

/// One possible value.
pub(super) type Value = Vec<u8>;

/// A value of which nothing is known.
pub(super) fn hole() -> Vec<Value> {
    vec![vec![HOLE]]
}

/// Whether nothing is known of `value`.
pub(super) fn is_hole(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == HOLE) && !value.is_empty()
}

/// Adds the values of `more`. A value of which nothing is known gives way to any other: the
/// script's own value is the likelier one.
pub(super) fn unite(values: &mut Vec<Value>, more: &[Value]) {
    for value in more {
        if !values.contains(value) && values.len() < MAX_VALUES {
            values.push(value.clone());
        }
    }
    if values
        .iter()
        .any(|value| !is_hole(value) && !value.is_empty())
    {
        values.retain(|value| !is_hole(value));
    }
}

/// Every value of `left` followed by every value of `right`; sets of the same size, which mostly
/// come from the same branches, are joined pair by pair.
pub(super) fn join(left: Vec<Value>, right: &[Value]) -> Vec<Value> {
    let join = |a: &Value, b: &Value| {
        if a.len() + b.len() > MAX_LENGTH {
            return vec![HOLE];
        }
        let mut whole = a.clone();
        whole.extend_from_slice(b);
        whole
    };
    if left.len() == right.len() {
        return left.iter().zip(right).map(|(a, b)| join(a, b)).collect();
    }
    let mut all = Vec::new();
    for a in &left {
        for b in right {
            if all.len() < MAX_VALUES {
                all.push(join(a, b));
            }
        }
    }
    all
}

/// What leaves this module: unknown parts as `*`, words apart by blanks.
pub(super) fn folded(value: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(value.len());
    for byte in value {
        let byte = match *byte {
            mark if Case::marked(mark).is_some() => continue,
            HOLE | ACTION => b'*',
            SPLIT => b' ',
            b if b == BRACES[0] => b'{',
            b if b == BRACES[1] => b',',
            b if b == BRACES[2] => b'}',
            other => other,
        };
        if !(byte == b'*' && out.last() == Some(&b'*')) {
            out.push(byte);
        }
    }
    out
}

/// The words of a value: split, and its braces expanded.
pub(super) fn fields(value: &[u8]) -> Vec<Value> {
    let mut words = Vec::new();
    for word in value.split(|byte| *byte == SPLIT) {
        if words.len() >= MAX_FIELDS {
            break;
        }
        if word.is_empty() && value.contains(&SPLIT) {
            continue;
        }
        expand_braces(word, &mut words);
    }
    words
}

/// `a{b,c}d` as `abd` and `acd`, from the first brace on.
fn expand_braces(word: &[u8], out: &mut Vec<Value>) {
    let mut queue = vec![word.to_vec()];
    while let Some(word) = queue.pop() {
        if out.len() + queue.len() >= MAX_FIELDS {
            out.push(word);
            return;
        }
        let Some((start, end, commas)) = brace(&word) else {
            out.push(word);
            continue;
        };
        let mut edges = vec![start];
        edges.extend(commas);
        edges.push(end);
        for pair in edges.windows(2).rev() {
            let [from, to] = pair else { continue };
            let mut one = word[..start].to_vec();
            one.extend_from_slice(word.get(from + 1..*to).unwrap_or_default());
            one.extend_from_slice(word.get(end + 1..).unwrap_or_default());
            queue.push(one);
        }
    }
}

/// The first brace expansion of a word: its ends, and the commas of its own level.
fn brace(word: &[u8]) -> Option<(usize, usize, Vec<usize>)> {
    let start = memchr::memchr(BRACES[0], word)?;
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    for (at, byte) in word.iter().enumerate().skip(start) {
        match *byte {
            b if b == BRACES[0] => depth += 1,
            b if b == BRACES[1] && depth == 1 => commas.push(at),
            b if b == BRACES[2] => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some((start, at, commas));
                }
            }
            _ => {}
        }
    }
    None
}

/// The directory part, as dirname(1) gives it.
pub(super) fn dirname(path: &[u8]) -> Value {
    if is_hole(path) || path == [ACTION] {
        return vec![HOLE];
    }
    let path = trim_slashes(path);
    // What a function is given may have any number of components.
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    if last.iter().any(|byte| PARAMETERS.contains(byte)) {
        return vec![HOLE];
    }
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => b"/".to_vec(),
        Some(cut) => trim_slashes(&path[..cut]).to_vec(),
        None => b".".to_vec(),
    }
}

/// The last component, as basename(1) gives it.
pub(super) fn basename(path: &[u8]) -> Value {
    let path = trim_slashes(path);
    let cut = path.iter().rposition(|byte| *byte == b'/');
    path[cut.map_or(0, |cut| cut + 1)..].to_vec()
}

fn trim_slashes(mut path: &[u8]) -> &[u8] {
    while path.len() > 1 && path.ends_with(b"/") {
        path = &path[..path.len() - 1];
    }
    path
}

/// `path` seen from `base`: where either is unknown, so is the outcome's head.
pub(super) fn seen_from(base: Option<&[u8]>, path: &[u8]) -> Value {
    match base {
        _ if path.starts_with(b"/") || path.first() == Some(&HOLE) => path.to_vec(),
        None => path.to_vec(),
        Some(base) => {
            let mut whole = base.to_vec();
            if !whole.ends_with(b"/") {
                whole.push(b'/');
            }
            whole.extend_from_slice(path.strip_prefix(b"./").unwrap_or(path));
            whole
        }
    }
}

/// `${value%pattern}` and `%%` for the patterns scripts use: text with at most one star at an
/// end. Nothing when the pattern is of another kind.
pub(super) fn cut_end(value: &[u8], pattern: &[u8], longest: bool) -> Option<Value> {
    if let Some(text) = pattern.strip_suffix(b"*") {
        let text = literal(text)?;
        let at = if longest {
            memchr::memmem::find(value, text)
        } else {
            memchr::memmem::rfind(value, text)
        };
        return Some(value[..at.unwrap_or(value.len())].to_vec());
    }
    let text = literal(pattern)?;
    Some(value.strip_suffix(text).unwrap_or(value).to_vec())
}

/// `${value#pattern}` and `##`, likewise.
pub(super) fn cut_start(value: &[u8], pattern: &[u8], longest: bool) -> Option<Value> {
    if let Some(text) = pattern.strip_prefix(b"*") {
        let text = literal(text)?;
        let at = if longest {
            memchr::memmem::rfind(value, text)
        } else {
            memchr::memmem::find(value, text)
        };
        return Some(value[at.map_or(0, |at| at + text.len())..].to_vec());
    }
    let text = literal(pattern)?;
    Some(value.strip_prefix(text).unwrap_or(value).to_vec())
}

fn literal(pattern: &[u8]) -> Option<&[u8]> {
    let special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[') || *byte < 6;
    (!pattern.is_empty() && !pattern.iter().any(special)).then_some(pattern)
}

#[cfg(feature = "scripting")]
/// Whether parameters stand in a value.
pub(in crate::parse) fn is_open(value: &[u8]) -> bool {
    value.iter().any(|byte| PARAMETERS.contains(byte))
}

#[cfg(feature = "scripting")]
/// A value in which what parameters give is not known.
pub(in crate::parse) fn closed(value: &[u8]) -> Value {
    let close = |byte: &u8| {
        if PARAMETERS.contains(byte) {
            HOLE
        } else {
            *byte
        }
    };
    let told = value.iter().filter(|byte| Case::marked(**byte).is_none());
    told.map(close).collect()
}

#[cfg(feature = "scripting")]
/// Values in which parameters have the values that `given` tells by their place; those of which nothing
/// is known are holes.
pub(in crate::parse) fn substituted(
    values: &[Value],
    given: &dyn Fn(usize) -> Vec<Value>,
) -> Vec<Value> {
    let mut found = Vec::new();
    let mut known: std::collections::BTreeMap<u8, Vec<Value>> = std::collections::BTreeMap::new();
    for value in values {
        let mut all = vec![Vec::new()];
        let mut case = None;
        for byte in value {
            if let Some(marked) = Case::marked(*byte) {
                case = Some(marked);
                continue;
            }
            let mut more = match PARAMETERS.contains(byte) {
                true => {
                    let at = usize::from(byte - PARAMETERS.start());
                    let known = known.entry(*byte).or_insert_with(|| given(at));
                    if known.is_empty() {
                        hole()
                    } else {
                        known.clone()
                    }
                }
                false => vec![vec![*byte]],
            };
            if let Some(case) = case.take() {
                more.iter_mut().for_each(|value| *value = case.of(value));
            }
            // An absolute path behind a slash begins anew, as it does for those who join paths.
            let begins_anew =
                |begin: &Value, end: &Value| begin.ends_with(b"/") && end.starts_with(b"/");
            all = match more.as_slice() {
                [one] if all.iter().all(|begin| begins_anew(begin, one)) => vec![one.clone()],
                [one] => {
                    all.iter_mut()
                        .for_each(|value| value.extend_from_slice(one));
                    all
                }
                // Every one of either: sets of the same size are no pairs here.
                _ => all
                    .iter()
                    .flat_map(|begin| {
                        more.iter().map(move |end| match begins_anew(begin, end) {
                            true => end.clone(),
                            false => [begin.as_slice(), end].concat(),
                        })
                    })
                    .take(MAX_VALUES)
                    .collect(),
            };
            // What is given may be long, and stand in a value many times.
            for value in &mut all {
                if value.len() > MAX_LENGTH {
                    *value = vec![HOLE];
                }
            }
        }
        unite(&mut found, &all);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_value_gives_way_to_a_known_one() {
        let mut values = hole();
        unite(&mut values, &[b"/run".to_vec()]);
        assert_eq!(values, [b"/run".to_vec()]);
    }

    #[test]
    fn braces_multiply() {
        let value = b"/a/\x03b\x04c\x05/d";
        assert_eq!(fields(value), [b"/a/b/d".to_vec(), b"/a/c/d".to_vec()]);
    }

    #[test]
    fn braces_cannot_explode() {
        let word = b"\x03a\x04b\x05".repeat(40);
        assert!(fields(&word).len() <= MAX_FIELDS + 1);
    }

    #[test]
    fn ends_are_cut_as_the_shell_does() {
        let end = |value: &[u8], pattern: &[u8], longest| cut_end(value, pattern, longest).unwrap();
        assert_eq!(end(b"/a/b/c", b"/*", false), b"/a/b");
        assert_eq!(end(b"a/b/c", b"/*", true), b"a");
        assert_eq!(end(b"x.sh", b".sh", false), b"x");
        assert_eq!(cut_start(b"/a/b/c", b"*/", true).unwrap(), b"c");
        assert_eq!(cut_end(b"x", b"[a-z]", false), None);
    }

    #[test]
    fn dirname_follows_its_manual() {
        for (path, want) in [
            ("/a/b", "/a"),
            ("/a", "/"),
            ("a", "."),
            ("/a/b/", "/a"),
            ("/", "/"),
        ] {
            assert_eq!(dirname(path.as_bytes()), want.as_bytes(), "{path}");
        }
    }
}
