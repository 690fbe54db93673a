//! pam.d(5): the modules that a service's logins go through.

use super::line::joined;

/// A line of a service's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A module is asked.
    Module {
        /// Its path as written: absolute, or a name in libpam's own directory.
        path: String,
        /// What it is given.
        args: Vec<String>,
        /// Whether nothing is said when the module is absent (a minus sign before the type).
        quiet: bool,
        /// Whether a login needs its consent (`required`, `requisite`).
        required: bool,
    },
    /// Another service's file is read (`include`, `substack`, `@include`).
    Include(String),
}

/// Reads a service's file: each rule with its line, from 1. What is no rule is passed over.
#[must_use]
pub fn read(text: &[u8]) -> Vec<(u32, Rule)> {
    let lines = joined(text).into_iter();
    lines
        .filter_map(|(line, text)| Some((line, rule(std::str::from_utf8(&text).ok()?)?)))
        .collect()
}

fn rule(text: &str) -> Option<Rule> {
    if let Some(name) = text.strip_prefix("@include") {
        return Some(Rule::Include(name.split_whitespace().next()?.to_owned()));
    }
    let (kind, rest) = text.split_once(char::is_whitespace)?;
    let known = ["account", "auth", "password", "session"];
    let plain = kind.strip_prefix('-').unwrap_or(kind);
    if !known.iter().any(|name| plain.eq_ignore_ascii_case(name)) {
        return None;
    }
    let rest = rest.trim_start();
    let (control, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => rest.split_once(char::is_whitespace)?,
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let path = words.next()?;
    match control {
        "include" | "substack" => Some(Rule::Include(path)),
        _ => Some(Rule::Module {
            path,
            args: words.collect(),
            quiet: kind != plain,
            required: matches!(control, "required" | "requisite"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_included_files_are_told_apart() {
        let text = b"#%PAM-1.0\nauth  required pam_env.so envfile=/etc/default/locale\n\
            @include common-auth\n-session optional /lib/security/pam_x.so\n\
            account [success=1 new_authtok_reqd=done default=ignore] \\\n  pam_unix.so\n\
            password substack system-auth\nnonsense required pam_no.so\nauth\n";
        let found: Vec<_> = read(text)
            .into_iter()
            .map(|(line, rule)| match rule {
                Rule::Include(name) => format!("{line} +{name}"),
                Rule::Module {
                    path,
                    args,
                    quiet,
                    required,
                } => format!("{line} {path} {} {quiet} {required}", args.join(",")),
            })
            .collect();
        assert_eq!(
            found,
            [
                "2 pam_env.so envfile=/etc/default/locale false true",
                "3 +common-auth",
                "4 /lib/security/pam_x.so  true false",
                "5 pam_unix.so  false false",
                "7 +system-auth",
            ]
        );
    }
}
