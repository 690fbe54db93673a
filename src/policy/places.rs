//! Where a finding lies, and whether a pattern covers all of it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use globset::{GlobBuilder, GlobMatcher};

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::report::Finding;

/// The path that a fact is about; of one that is about no path, the file where it was seen.
#[must_use]
pub fn subject(fact: &Fact) -> &AppPath {
    match &fact.what {
        What::Path { path, .. }
        | What::Ownership { path, .. }
        | What::Owned { path, .. }
        | What::Library {
            path: Some(path), ..
        }
        | What::Module {
            path: Some(path), ..
        } => path,
        _ => &fact.at.file,
    }
}

/// The file, and the line where there is one, at which a reader should look first: where the
/// strongest evidence was seen, a line of a text before a whole file.
#[must_use]
pub fn first(finding: &Finding) -> Option<(&AppPath, Option<u32>)> {
    let with_line = finding.because.iter().find(|fact| fact.at.line.is_some());
    let fact = with_line.or(finding.because.first())?;
    Some((&fact.at.file, fact.at.line))
}

/// A pattern for paths as the application sees them: `*` and `?` stay within a name, `**` goes over
/// several, `[…]` and `{a,b}` as in a shell. `/dir/**` is the directory and all below it.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What every path that fits begins with: one of these. It is compared before the pattern is.
    starts: Vec<Vec<u8>>,
    /// Whether every path fits.
    is_all: bool,
    whole: GlobMatcher,
    directory: Option<GlobMatcher>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if !(text.starts_with('/') || text.starts_with("**/")) {
            return Err(format!(
                "`{text}` must begin with / or **/: paths are as the application sees them"
            ));
        }
        if let Some(why) = never_fits(text) {
            return Err(format!("`{text}` is a pattern that no path fits: {why}"));
        }
        let glob = |text: &str| {
            GlobBuilder::new(text)
                .literal_separator(true)
                .backslash_escape(true)
                .empty_alternates(true)
                .build()
                .map(|glob| glob.compile_matcher())
                .map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))
        };
        let directory = text.strip_suffix("/**").filter(|dir| !dir.is_empty());
        Ok(Self {
            starts: starts(text),
            is_all: matches!(text, "/**" | "**/**"),
            whole: glob(text)?,
            directory: directory.map(glob).transpose()?,
        })
    }

    /// Whether a path fits.
    #[must_use]
    pub fn covers(&self, path: &AppPath) -> bool {
        let begins = |start: &Vec<u8>| path.as_bytes().starts_with(start);
        if self.is_all || !self.starts.iter().any(begins) {
            return self.is_all;
        }
        let path = OsStr::from_bytes(path.as_bytes());
        self.whole.is_match(path) || self.directory.as_ref().is_some_and(|d| d.is_match(path))
    }

    /// Whether everything that a finding rests on lies where the pattern fits: the path that a fact
    /// is about, or the file where it was seen. What the report does not list cannot be compared,
    /// so that a finding with more facts than that is not covered.
    #[must_use]
    pub fn covers_all_of(&self, finding: &Finding) -> bool {
        let fits = |fact: &Fact| self.covers(subject(fact)) || self.covers(&fact.at.file);
        finding.more == 0 && !finding.because.is_empty() && finding.because.iter().all(fits)
    }
}

/// Why no path can fit a pattern: paths are absolute and normal, without `.`, `..`, empty names and a
/// slash at the end.
fn never_fits(text: &str) -> Option<&'static str> {
    if text.len() > 1 && text.ends_with('/') {
        return Some("no path ends with a slash; a directory and all below it is /dir/**");
    }
    if text.trim() != text {
        return Some("it begins or ends with a blank");
    }
    let is_dots = |name: &str| name == "." || name == "..";
    // Of braces that are a whole name, each choice is one.
    let choices = |name: &str| {
        let inside = name
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        inside.is_some_and(|inside| inside.split(',').any(is_dots))
    };
    if text.split('/').any(|name| is_dots(name) || choices(name)) {
        return Some("paths have no . and no .. in them");
    }
    text.contains("//")
        .then_some("paths have no two slashes side by side")
}

/// What the paths that fit a pattern begin with, up to its first character that is more than
/// itself; of braces at that place, each choice that is plain.
fn starts(text: &str) -> Vec<Vec<u8>> {
    const SPECIAL: [char; 6] = ['*', '?', '[', '{', '}', '\\'];
    let plain = |text: &str| text.trim_end_matches('/').as_bytes().to_vec();
    let Some((start, rest)) = text.split_once(SPECIAL) else {
        return vec![plain(text)];
    };
    let inside = rest.split_once('}').map(|(inside, _)| inside);
    match inside {
        Some(inside) if text[start.len()..].starts_with('{') && !inside.contains(SPECIAL) => inside
            .split(',')
            .map(|choice| plain(&format!("{start}{choice}")))
            .collect(),
        _ => vec![plain(start)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_name_and_double_stars_do_not() {
        for (pattern, path, want) in [
            ("/opt/app/*.log", "/opt/app/a.log", true),
            ("/opt/app/*.log", "/opt/app/x/a.log", false),
            ("/opt/app/**", "/opt/app/x/a.log", true),
            ("/opt/app/**", "/opt/app", true),
            ("/opt/app/**", "/opt/application", false),
            ("**/cache/**", "/opt/app/cache", true),
            ("/opt/{a,b}/c?", "/opt/b/c1", true),
            ("/**", "/anything", true),
            ("/**", "/", true),
            (
                "/{lib,usr/lib}/*/security/**",
                "/usr/lib/x/security/a",
                true,
            ),
            ("/{lib,usr/lib}/*/security/**", "/usr/lib/x/security", true),
            ("/{lib,usr/lib}/*/security/**", "/opt/lib/x/security", false),
            ("/opt/\\{a\\}", "/opt/{a}", true),
            ("/opt/\\{a\\}", "/opt/a", false),
            ("/opt{,/**}", "/opt", true),
            ("/opt{,/**}", "/opt/x", true),
            ("/opt/app", "/opt/app/x", false),
        ] {
            let read = Pattern::read(pattern).unwrap();
            assert_eq!(read.covers(&AppPath::new(path)), want, "{pattern} {path}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_can_be_covered() {
        let path = AppPath::new(b"/opt/app/\xff.log");
        assert!(Pattern::read("/opt/app/*.log").unwrap().covers(&path));
    }

    #[test]
    fn a_bad_pattern_is_told() {
        for (pattern, word) in [
            ("opt/app", "begin with /"),
            ("/opt/[a", "character class"),
            ("/opt/app/", "a slash"),
            ("/opt/../app/**", "no .."),
            ("/opt/{a,..}/b", "no .."),
            ("/opt//app", "two slashes"),
            ("/opt/./app", "no ."),
            ("/opt/app/** ", "a blank"),
            ("**/cache/", "a slash"),
        ] {
            let told = Pattern::read(pattern).unwrap_err();
            assert!(told.contains(word), "{told}");
        }
    }
}
