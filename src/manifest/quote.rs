//! Quoting: one function for each syntax that a name is written in.

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

/// Text in a command or variable of Kubernetes, where `$(NAME)` is a variable and `$$` a literal
/// `$` (Kubernetes API, Container.command). Any other `$` stays as it is: a cluster leaves it, and
/// podman's `kube play` knows `$$` before a variable only.
pub(super) fn k8s(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        quoted.push(c);
        if c == '$' && matches!(rest.peek(), Some('$' | '(')) {
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

    /// What a cluster makes of a word without variables (third_party/forked/golang/expansion).
    fn expanded(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match (c, rest.clone().next()) {
                ('$', Some('(')) => panic!("{text} has a variable"),
                ('$', Some('$')) => {
                    rest.next();
                    out.push('$');
                }
                ('$', Some(next)) => {
                    rest.next();
                    out.extend(['$', next]);
                }
                _ => out.push(c),
            }
        }
        out
    }

    #[test]
    fn a_cluster_gives_back_every_dollar() {
        assert_eq!(k8s("$# $$ $(x)"), "$# $$$ $$(x)");
        for text in [
            "$",
            "$$",
            "$$$",
            "$(x)",
            "$$(x)",
            "$$$(x)",
            "$x$(y)$",
            "\"$@\" $# $! $(n)",
        ] {
            assert_eq!(expanded(&k8s(text)), text);
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
