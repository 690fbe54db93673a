//! `$ORIGIN`, `$LIB` and `$PLATFORM` in names and search paths (ld.so(8), "Dynamic string
//! tokens"), and what a search path is split into.

/// What the tokens stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    /// The directory of the object.
    pub(super) origin: Option<&'a [u8]>,
    /// `lib`, `lib64` or the directory of the architecture.
    pub(super) lib: &'a [u8],
    /// The kernel's name of the platform.
    pub(super) platform: Option<&'a [u8]>,
    /// The directories that `$ORIGIN` must lie in: of a program with raised privileges.
    pub(super) trusted: Option<&'a [Vec<u8>]>,
    /// Whether privileges are raised at all: `$ORIGIN` must then come first.
    pub(super) secure: bool,
}

/// `text` with its tokens replaced; nothing when a token has no value, or may not be used.
pub(super) fn expand(text: &[u8], tokens: &Tokens<'_>) -> Option<Vec<u8>> {
    if !text.contains(&b'$') {
        return Some(text.to_vec());
    }
    let mut out = Vec::with_capacity(text.len() + 32);
    let mut check = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'$' {
            out.push(byte);
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let (value, width) = if let Some(width) = token(rest, b"ORIGIN") {
            let after = rest.get(width);
            let alone = at == 1 && after.is_none_or(|&b| b == b'/');
            check = tokens.trusted.is_some();
            (tokens.origin.filter(|_| alone || !tokens.secure), width)
        } else if let Some(width) = token(rest, b"PLATFORM") {
            (tokens.platform, width)
        } else if let Some(width) = token(rest, b"LIB") {
            (Some(tokens.lib), width)
        } else {
            out.push(b'$');
            continue;
        };
        out.extend_from_slice(value?);
        at += width;
    }
    let trusted = tokens.trusted.unwrap_or_default();
    (!check || is_trusted(&out, trusted)).then_some(out)
}

/// The length of the token at the start of `rest`, with its braces.
fn token(rest: &[u8], name: &[u8]) -> Option<usize> {
    if let Some(inner) = rest.strip_prefix(b"{") {
        return inner
            .strip_prefix(name)?
            .starts_with(b"}")
            .then_some(name.len() + 2);
    }
    let next = rest.strip_prefix(name)?.first();
    let ends = next.is_none_or(|&b| !(b.is_ascii_alphanumeric() || b == b'_'));
    ends.then_some(name.len())
}

/// Whether a path, normalised as text, lies in one of the directories.
fn is_trusted(path: &[u8], dirs: &[Vec<u8>]) -> bool {
    if !path.starts_with(b"/") {
        return false;
    }
    let mut plain = crate::path::AppPath::new(path).as_bytes().to_vec();
    plain.push(b'/');
    dirs.iter().any(|dir| plain.starts_with(dir))
}

/// The directories of a search path as the loader holds them: expanded, each once, with one slash
/// at the end; an empty one, which is the working directory, stays empty.
pub(super) fn split(path: &[u8], separators: &[u8], tokens: &Tokens<'_>) -> Vec<Vec<u8>> {
    let mut dirs: Vec<Vec<u8>> = Vec::new();
    for element in path.split(|b| separators.contains(b)) {
        let mut dir = Vec::new();
        if !element.is_empty() {
            match expand(element, tokens) {
                Some(expanded) if !expanded.is_empty() => dir = expanded,
                _ => continue,
            }
            while dir.len() > 1 && dir.ends_with(b"/") {
                dir.pop();
            }
            if !dir.ends_with(b"/") {
                dir.push(b'/');
            }
        }
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    dirs
}

/// The directory part of a path, as text; of a name in `/` it is `/`.
pub(super) fn dirname(path: &[u8]) -> &[u8] {
    match memchr::memrchr(b'/', path) {
        Some(0) => b"/",
        Some(at) => &path[..at],
        None => b".",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens<'static> {
        Tokens {
            origin: Some(b"/o"),
            lib: b"lib64",
            platform: Some(b"x86_64"),
            trusted: None,
            secure: false,
        }
    }

    #[test]
    fn a_token_ends_where_a_name_ends() {
        for (given, want) in [
            ("$ORIGIN/../lib", "/o/../lib"),
            ("${ORIGIN}x", "/ox"),
            ("$ORIGINX", "$ORIGINX"),
            ("$ORIGIN_", "$ORIGIN_"),
            ("${ORIGIN", "${ORIGIN"),
            ("/a/$LIB/$PLATFORM", "/a/lib64/x86_64"),
            ("$$FOO$", "$$FOO$"),
            ("$LIB-$LIB", "lib64-lib64"),
        ] {
            let got = expand(given.as_bytes(), &tokens()).unwrap();
            assert_eq!(String::from_utf8_lossy(&got), want);
        }
    }

    #[test]
    fn an_element_whose_token_has_no_value_is_left_out() {
        let unknown = Tokens {
            origin: None,
            ..tokens()
        };
        assert_eq!(split(b"$ORIGIN/a:/b", b":", &unknown), [b"/b/".to_vec()]);
    }

    #[test]
    fn slashes_are_trimmed_and_the_empty_element_is_kept() {
        let dirs = split(b"//a///::/:b:/a;/c:", b":", &tokens());
        let text: Vec<_> = dirs.iter().map(|d| String::from_utf8_lossy(d)).collect();
        assert_eq!(text, ["//a/", "", "/", "b/", "/a;/c/"]);
    }

    #[test]
    fn with_raised_privileges_origin_must_come_first_and_lie_in_a_system_directory() {
        let system = [b"/usr/lib/".to_vec()];
        let secure = |origin: &'static [u8]| Tokens {
            origin: Some(origin),
            trusted: Some(&system),
            secure: true,
            ..tokens()
        };
        let in_system = secure(b"/usr/lib/app");
        assert!(expand(b"$ORIGIN/x", &in_system).is_some());
        assert!(expand(b"/x/$ORIGIN", &in_system).is_none());
        assert!(expand(b"$ORIGIN/../../../opt", &in_system).is_none());
        assert!(expand(b"$ORIGIN", &secure(b"/opt/app")).is_none());
    }
}
