//! The paths in a value: alone, in lists, behind schemes, in command lines.

use crate::knowledge;
use crate::parse::config::{to_bytes, words};
use crate::path::AppPath;

/// A path in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The path as written.
    pub(super) text: String,
    /// The option that it belongs to: `--log=/x`, `-l /x`, `path=/x`.
    pub(super) option: Option<String>,
    /// Whether it is a program that is started: the first word of a pipe.
    pub(super) runs: bool,
}

/// The absolute paths of a value.
pub(super) fn spots(value: &str) -> Vec<Spot> {
    let value = value.trim();
    let (piped, value) = match value.strip_prefix(['|', '!']) {
        Some(rest) => (true, rest.trim_start_matches(['|', '$'])),
        None => (false, value),
    };
    // `"|/usr/bin/rotatelogs /x 86400" combined`: the quotes hold a command line.
    if value.starts_with('"')
        && let Some(line) = words(value).into_iter().next()
        && line.starts_with('|')
    {
        return spots(&line);
    }
    // `( "/url/" => "/path" )`: what is left of the arrow is a name.
    if value.starts_with('(') && value.contains("=>") {
        let paths = value
            .split("=>")
            .skip(1)
            .filter_map(|part| words(part).into_iter().next());
        let of = |text: String| Spot {
            text: text.trim_end_matches(')').to_owned(),
            option: None,
            runs: false,
        };
        return paths.filter(|text| text.starts_with('/')).map(of).collect();
    }
    let mut out: Vec<Spot> = Vec::new();
    let mut flag: Option<String> = None;
    for word in words(value) {
        let word = word.trim_end_matches([';', ',']);
        // `-/var/log/x` is a log that is not flushed: syslog.conf(5).
        let (name, rest) = match word.split_once('=') {
            Some((name, rest)) if is_option(name) && !name.contains('/') => (Some(name), rest),
            _ => (
                None,
                word.strip_prefix('-')
                    .filter(|w| w.starts_with('/'))
                    .unwrap_or(word),
            ),
        };
        let option = name.map(str::to_owned).or_else(|| flag.take());
        flag = (rest.starts_with('-') && is_option(rest)).then(|| rest.to_owned());
        for text in pieces(rest) {
            out.push(Spot {
                runs: piped && out.is_empty(),
                text,
                option: option.clone(),
            });
        }
    }
    out
}

/// `--pid-file`, `-l`, `path`.
fn is_option(text: &str) -> bool {
    let bare = text.trim_start_matches('-');
    !bare.is_empty()
        && bare.len() <= 60
        && bare
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// The paths of one word: a colon list, or one behind a scheme.
fn pieces(word: &str) -> Vec<String> {
    if word.starts_with('/') {
        let parts: Vec<&str> = word.split(':').filter(|part| !part.is_empty()).collect();
        if parts.len() > 1 && parts.iter().all(|part| part.starts_with('/')) {
            return parts.iter().map(|part| (*part).to_owned()).collect();
        }
        // `/path:option`, `/path;option`, as volumes and archives have it.
        let text = word.split(';').next().unwrap_or(word);
        return vec![text.to_owned()];
    }
    behind_scheme(word).into_iter().collect()
}

/// The path of `file:/x`, `sqlite:///x`, `unix:/x`, `jdbc:h2:/x;options`, `hash:/x`; nothing for
/// a URL with a host.
pub(super) fn behind_scheme(word: &str) -> Option<String> {
    let mut rest = word;
    let mut seen = String::new();
    for _ in 0..4 {
        let (scheme, after) = rest.split_once(':')?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        if scheme.len() < 2 || scheme.len() > 24 || !scheme.chars().all(fits) {
            return None;
        }
        seen = scheme.to_ascii_lowercase();
        rest = after;
        if rest.starts_with('/') {
            break;
        }
    }
    let path = match rest.strip_prefix("//") {
        // With SQLAlchemy three slashes are the empty host, the fourth begins an absolute path;
        // others take three for it.
        Some(path) if path.starts_with("//") => &path[1..],
        Some(path) if seen.starts_with("sqlite") => {
            knowledge::has_system_top(&AppPath::new(path)).then_some(path)?
        }
        Some(path) if path.starts_with('/') => path,
        Some(path) if seen == "file" => path,
        Some(_) => return None,
        None => rest,
    };
    if seen.starts_with("http") || !path.starts_with('/') {
        return None;
    }
    let end = path.find([';', '?', '(', ',']).unwrap_or(path.len());
    Some(path[..end].to_owned())
}

/// A value that is one path, relative to a directory to be found.
pub(super) fn relative(value: &str) -> Option<&str> {
    let value = value.trim();
    let fits = |c: char| c.is_alphanumeric() || "_-./+@%{}$*~".contains(c);
    let word = !value.is_empty()
        && value.len() <= 256
        && !value.starts_with(['/', '-', '%', '@', '*', ','])
        && value.chars().all(fits)
        && value.chars().any(char::is_alphabetic);
    let lower = value.to_ascii_lowercase();
    let switch = [
        "yes", "no", "on", "off", "true", "false", "none", "null", "default", "auto", "syslog",
        "stdout", "stderr", "console", "file", "stdin", "disabled", "enabled", "info", "warn",
        "warning", "error", "debug", "notice", "trace", "critical", "all", "any", "main", "daemon",
        "combined", "memory", "local", "internal",
    ];
    // `org.apache.log4j.FileAppender`: a class, as Java names them.
    let class = !value.contains('/')
        && [
            "org.", "com.", "net.", "java.", "javax.", "io.", "sun.", "ch.", "de.",
        ]
        .iter()
        .any(|domain| value.starts_with(domain));
    (word && !class && !switch.contains(&lower.as_str())).then_some(value)
}

/// How much is known of what a path is, besides its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// Nothing: it must look like a path of this system.
    Unknown,
    /// The key says that it is a path.
    Known,
}

/// A path from its text, with patterns where the text leaves something open; nothing when it is
/// none, or when fewer than two components are certain.
pub(super) fn to_path(text: &str, trust: Trust) -> Option<AppPath> {
    if !text.starts_with('/') || text.starts_with("//") || text.len() > 1024 {
        return None;
    }
    let odd: &[char] = match trust {
        Trust::Unknown => &[
            '^', '$', '(', ')', '[', ']', '\\', '|', '*', '+', '?', '"', '\'', '<', '>', '&', '=',
            '!', '#', '`', ',',
        ],
        Trust::Known => &['^', '(', ')', '\\', '|', '"', '\'', '<', '>', '&', '#', '`'],
    };
    if text.contains(odd) || text.chars().any(char::is_control) {
        return None;
    }
    // What manuals write for "put your own here".
    if text.starts_with("/path/to") || text.contains("/your/") {
        return None;
    }
    let path = AppPath::new(to_bytes(&specifiers(text)));
    let depth = path.depth();
    let whole = trust == Trust::Known && depth >= 1;
    if !whole && (depth < 2 || !knowledge::has_system_top(&path)) {
        return None;
    }
    let open = |part: &[u8]| part.contains(&b'*') || part.contains(&b'{') || part.contains(&b'?');
    let certain = path.components().position(open).unwrap_or(depth);
    (certain == depth || certain >= 2).then_some(path)
}

/// A value that has the form of a path and nothing that says that it is one: whether it is, only the disk
/// can tell.
pub(super) fn bare(text: &str) -> Option<AppPath> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-./+".contains(c);
    let is_path =
        text.len() > 2 && text.len() <= 256 && text.starts_with('/') && text.chars().all(fits);
    let path = is_path.then(|| AppPath::new(text))?;
    (!text.contains("//") && path.depth() >= 1).then_some(path)
}

/// `%Y%m%d` as `{date}`, any other `%x` as `*`; variables are `{name}` already.
fn specifiers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        while chars
            .peek()
            .is_some_and(|c| c.is_ascii_digit() || *c == '-')
        {
            chars.next();
        }
        // strftime(3): a date begins with its year or day; a lone %m or %s is something else.
        let before = out.trim_end_matches(['-', '_', '.', ':']).len();
        let goes_on = out[..before].ends_with("{date}");
        match chars.next_if(char::is_ascii_alphabetic) {
            Some(c) if goes_on && "YymdHMSjFTb".contains(c) => out.truncate(before),
            Some('Y' | 'y' | 'd' | 'F') => out.push_str("{date}"),
            Some(_) => out.push('*'),
            None if chars.next_if(|c| "_-.".contains(*c)).is_some() => out.push('*'),
            None => out.push('%'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(value: &str) -> Vec<String> {
        spots(value).into_iter().map(|spot| spot.text).collect()
    }

    #[test]
    fn lists_schemes_and_options_are_taken_apart() {
        for (value, want) in [
            ("/a/b", vec!["/a/b"]),
            ("/a:/b/c", vec!["/a", "/b/c"]),
            ("/a, /b", vec!["/a", "/b"]),
            ("sqlite:////srv/x.db?a=b", vec!["/srv/x.db"]),
            ("jdbc:h2:file:/srv/x;create=true", vec!["/srv/x"]),
            ("unix:/run/x.sock", vec!["/run/x.sock"]),
            ("hash:/etc/x, regexp:/etc/y", vec!["/etc/x", "/etc/y"]),
            ("shmcb:/run/x(512000)", vec!["/run/x"]),
            ("http://host/path https://h/x", vec![]),
            ("-/var/log/x", vec!["/var/log/x"]),
            (
                "/var/cache/x levels=1:2 keys_zone=a:10m",
                vec!["/var/cache/x"],
            ),
            (
                "daemon --pid-file=/run/x -l /var/log/y",
                vec!["/run/x", "/var/log/y"],
            ),
        ] {
            assert_eq!(texts(value), want, "{value}");
        }
    }

    #[test]
    fn a_piped_log_starts_a_program() {
        let found = spots("|/usr/bin/rotatelogs /var/log/x.%Y 86400");
        assert!(found[0].runs && !found[1].runs);
        assert_eq!(found[1].text, "/var/log/x.%Y");
        assert_eq!(spots("-l /x")[0].option.as_deref(), Some("-l"));
    }

    #[test]
    fn patterns_need_two_certain_components() {
        let text = |t: &str| to_path(t, Trust::Known).map(|p| p.to_text().into_owned());
        assert_eq!(
            text("/var/log/a-%Y-%m-%d.log").unwrap(),
            "/var/log/a-{date}.log"
        );
        assert_eq!(text("/run/x/{pid}.sock").unwrap(), "/run/x/{pid}.sock");
        assert_eq!(text("/home/%u/Maildir"), None);
        assert_eq!(text("/data/x").unwrap(), "/data/x");
        assert_eq!(to_path("/api/v1", Trust::Unknown), None);
        assert_eq!(to_path("/var/x(/.*)?", Trust::Unknown), None);
    }
}
