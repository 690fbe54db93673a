//! Variables in values: what the same file defines is put in, the rest stays visible.

/// How deep a variable may lead to another.
const MAX_DEPTH: u32 = 8;

/// How many variables of one value are replaced: what each leads to may be empty, so that the
/// length alone bounds nothing.
const MAX_STEPS: u32 = 256;

/// No value grows beyond this by expansion.
const MAX_LENGTH: usize = 16 << 10;

/// A value with its variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The text; a variable that is not known stands as `{name}`.
    pub text: String,
    /// Whether a variable was not known.
    pub open: bool,
}

/// Replaces `${name}`, `${name:-default}`, `${name:default}`, `$(name)`, `%(name)s`, `%{name}`,
/// `{{name}}`, `@NAME@` and `$name` by what `lookup` gives.
pub fn expand(value: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Expanded {
    let mut out = Expanded {
        text: String::new(),
        open: false,
    };
    let mut steps = MAX_STEPS;
    put(value, lookup, MAX_DEPTH, &mut steps, &mut out);
    out
}

fn put(
    value: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: u32,
    steps: &mut u32,
    out: &mut Expanded,
) {
    let mut rest = value;
    while let Some(at) = rest.find(['$', '%', '{', '@']) {
        out.text.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((name, default, length)) = variable(rest) else {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            out.text.push_str(&rest[..first]);
            rest = &rest[first..];
            continue;
        };
        rest = &rest[length..];
        *steps = steps.saturating_sub(1);
        let depth = if *steps == 0 { 0 } else { depth };
        let found = lookup(name).or_else(|| default.map(str::to_owned));
        match found {
            Some(inner) if depth > 0 && out.text.len() + inner.len() < MAX_LENGTH => {
                put(&inner, lookup, depth - 1, steps, out);
            }
            _ => {
                out.open = true;
                if out.text.len() < MAX_LENGTH {
                    out.text.push('{');
                    out.text
                        .extend(name.chars().map(|c| if c == '/' { '_' } else { c }));
                    out.text.push('}');
                }
            }
        }
        if out.text.len() >= MAX_LENGTH {
            return;
        }
    }
    out.text.push_str(rest);
}

/// The name, the default and the length of a variable that `text` begins with.
fn variable(text: &str) -> Option<(&str, Option<&str>, usize)> {
    for (open, close) in [
        ("${", "}"),
        ("$(", ")"),
        ("%(", ")s"),
        ("%{", "}"),
        ("{{", "}}"),
        ("@", "@"),
    ] {
        let Some(inner) = text.strip_prefix(open) else {
            continue;
        };
        let end = inner.find(close)?;
        let body = inner[..end].trim();
        let (name, default) = split_default(body);
        let fits = |c: char| c.is_alphanumeric() || "_.-:/ ".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
            return None;
        }
        if open == "@" && !name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            return None;
        }
        return Some((name, default, open.len() + end + close.len()));
    }
    let inner = text.strip_prefix('$')?;
    let end = inner
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(inner.len());
    let name = &inner[..end];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        .then_some((name, None, end + 1))
}

/// `name:-default` of shells, `name:default` of property placeholders, `prefix:name` of lookups
/// (`sys:`, `env:`), which have no default.
fn split_default(body: &str) -> (&str, Option<&str>) {
    if let Some((name, default)) = body.split_once(":-") {
        return (lookup_name(name), Some(default));
    }
    let name = lookup_name(body);
    match name.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (name, None),
    }
}

fn lookup_name(body: &str) -> &str {
    let kinds = [
        "sys:", "env:", "ENV:", "ENV.", "env.", "bundle:", "ctx:", "main:",
    ];
    let stripped = kinds.iter().find_map(|kind| body.strip_prefix(kind));
    stripped.unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> (String, bool) {
        let expanded = expand(value, &|name| match name {
            "base" => Some("/srv/app".to_owned()),
            "logs" => Some("${base}/logs".to_owned()),
            "loop" => Some("${loop}x".to_owned()),
            _ => None,
        });
        (expanded.text, expanded.open)
    }

    #[test]
    fn every_spelling_of_a_variable_is_replaced() {
        for value in [
            "${base}/x",
            "$(base)/x",
            "%(base)s/x",
            "%{base}/x",
            "{{ base }}/x",
            "$base/x",
            "${sys:base}/x",
            "${other:-/srv/app}/x",
            "${other:/srv/app}/x",
        ] {
            assert_eq!(with(value), ("/srv/app/x".to_owned(), false), "{value}");
        }
        assert_eq!(with("${logs}/a.log").0, "/srv/app/logs/a.log");
    }

    #[test]
    fn what_is_not_known_stays_visible() {
        assert_eq!(
            with("/run/x-${pid}.sock"),
            ("/run/x-{pid}.sock".to_owned(), true)
        );
        assert_eq!(with("100%"), ("100%".to_owned(), false));
        assert_eq!(
            with("root@host and you@host"),
            ("root@host and you@host".to_owned(), false)
        );
    }

    #[test]
    fn a_variable_that_names_itself_ends() {
        assert!(with("${loop}").1);
    }

    #[test]
    fn many_empty_variables_end_soon() {
        let lookup = |name: &str| {
            let next = name.parse::<u32>().ok()? + 1;
            Some(format!("${{{next}}}").repeat(500))
        };
        let _ = expand("${0}", &lookup);
    }
}
