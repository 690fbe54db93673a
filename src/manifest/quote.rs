//! Quoting: one function for each syntax that a name is written in.

use crate::report::EnvVar;

/// A word of sh(1). Bytes that are no UTF-8 never come here.
pub(super) fn shell(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@,+%".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word of a line in a unit file. systemd.syntax(7): in double quotes `\` escapes, and
/// `%` begins a specifier everywhere (systemd.unit(5)); `$` begins a variable in command lines
/// (systemd.service(5)).
pub(super) fn systemd(text: &str) -> String {
    let mut out = String::new();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:=@,+".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) && !text.starts_with(['@', '-', ':', '+']) {
        return text.to_owned();
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '%' => out.push_str("%%"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// As [`systemd`], where variables are replaced as well.
pub(super) fn systemd_command(text: &str) -> String {
    systemd(&text.replace('$', "$$"))
}

/// A field of a comma-separated list as docker-run(1) and podman-run(1) read `--mount`: RFC 4180,
/// a field with a comma or a quote stands in quotes, and a quote is doubled.
pub(super) fn csv(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Text in a Compose file, where `$` begins a variable
/// (compose-spec, "Interpolation": `$$` for a literal one).
pub(super) fn compose(text: &str) -> String {
    text.replace('$', "$$")
}

/// Text in a command or variable of Kubernetes, where `$(NAME)` is a variable of the container, `$$` a
/// literal `$`, and all else, a `$(` before what is no variable among it, stays as it is (Kubernetes
/// API, Container.command). No more is written than a cluster needs: podman 4's `kube play` replaces
/// nothing.
pub(super) fn k8s(text: &str, env: &[EnvVar]) -> String {
    let mut quoted = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        quoted.push(c);
        let rest = &text[at + c.len_utf8()..];
        let name = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let is_variable = name.is_some_and(|(name, _)| env.iter().any(|v| v.name == name));
        if c == '$' && (rest.starts_with('$') || is_variable) {
            quoted.push('$');
        }
    }
    quoted
}

/// A JSON string.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_is_one_word() {
        assert_eq!(shell("/var/lib/x"), "/var/lib/x");
        assert_eq!(shell("/a b"), "'/a b'");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell(""), "''");
        assert_eq!(shell("$(x)"), "'$(x)'");
    }

    /// What a cluster makes of a word where `x` is a variable (third_party/forked/golang/expansion).
    fn expanded(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out += &rest[..at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if rest.starts_with("(x)") {
                panic!("{text} has a variable");
            } else {
                out.push('$');
            }
        }
        out + rest
    }

    #[test]
    fn a_cluster_gives_back_every_dollar() {
        let env = [EnvVar {
            name: "x".to_owned(),
            value: None,
        }];
        assert_eq!(k8s("$# $$ $(x) $(date)", &env), "$# $$$ $$(x) $(date)");
        for text in [
            "$",
            "$$",
            "$$$",
            "$(x)",
            "$$(x)",
            "$$$(x)",
            "$x$(y)$",
            "$(x",
            "$(x y)",
            "\"$@\" $# $! $(n)",
        ] {
            assert_eq!(expanded(&k8s(text, &env)), text);
        }
    }

    #[test]
    fn a_unit_file_takes_quotes_and_percents() {
        assert_eq!(systemd("/a b"), "\"/a b\"");
        assert_eq!(systemd("50%\""), "\"50%%\\\"\"");
        assert_eq!(systemd("a\nb"), "\"a\\nb\"");
        assert_eq!(systemd_command("$HOME"), "\"$$HOME\"");
    }

    #[test]
    fn a_list_takes_commas_and_quotes() {
        assert_eq!(csv("dst=/a,b"), "\"dst=/a,b\"");
        assert_eq!(csv("dst=/a\"b"), "\"dst=/a\"\"b\"");
    }
}
