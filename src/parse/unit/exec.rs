//! Command lines of units: prefixes, several commands in one value, variables.

use super::words::next_word;

/// A command of an `Exec…=` value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program as written: absolute, or a bare name that systemd looks up.
    pub program: Vec<u8>,
    /// The arguments, without the program's own name; variables as written.
    pub args: Vec<Vec<u8>>,
    /// `-`: a failure is ignored.
    pub may_fail: bool,
    /// `+`, `!` or `!!`: runs with more rights than the rest of the unit.
    pub privileged: bool,
    /// `:`: variables stay as they are.
    pub verbatim: bool,
}

/// The commands of a value; a lone `;` separates them (systemd.service(5)).
#[must_use]
pub fn commands(value: &[u8]) -> Vec<Command> {
    let mut found = Vec::new();
    let mut current: Option<Command> = None;
    let mut skip_name = false;
    let mut rest = value;
    loop {
        // A separator is a `;` as it stands, not a quoted or escaped one.
        let trimmed = rest.trim_ascii_start();
        if trimmed.first() == Some(&b';') && trimmed.get(1).is_none_or(u8::is_ascii_whitespace) {
            found.extend(current.take());
            rest = trimmed.get(1..).unwrap_or_default();
            continue;
        }
        let escaped =
            trimmed.starts_with(br"\;") && trimmed.get(2).is_none_or(u8::is_ascii_whitespace);
        let Some((word, after)) = next_word(trimmed) else {
            break;
        };
        rest = after;
        match &mut current {
            None => {
                let (command, renamed) = open(&word);
                skip_name = renamed;
                current = Some(command);
            }
            // `@` in front of the program: the first argument is the process's name.
            Some(_) if skip_name => skip_name = false,
            Some(command) => command
                .args
                .push(if escaped { b";".to_vec() } else { word }),
        }
    }
    found.extend(current);
    found.retain(|command| !command.program.is_empty());
    found
}

/// Reads the prefixes of the first word; and whether `@` is among them.
fn open(word: &[u8]) -> (Command, bool) {
    let program = word
        .iter()
        .position(|b| !b"@-:+!|".contains(b))
        .unwrap_or(word.len());
    let (prefix, program) = word.split_at(program);
    let command = Command {
        program: program.to_vec(),
        args: Vec::new(),
        may_fail: prefix.contains(&b'-'),
        privileged: prefix.contains(&b'+') || prefix.contains(&b'!'),
        verbatim: prefix.contains(&b':'),
    };
    (command, prefix.contains(&b'@'))
}

/// Puts variables into an argument, by systemd.service(5): `${NAME}` anywhere in it; `$NAME` when
/// it is the whole argument, and then cut into words; `$$` is a dollar sign. A variable that
/// `lookup` does not know stays as written.
pub fn substitute(arg: &[u8], lookup: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    if let Some(name) = arg.strip_prefix(b"$").and_then(variable) {
        return match lookup(name) {
            Some(value) => super::words(&value),
            None => vec![arg.to_vec()],
        };
    }
    let mut out = Vec::with_capacity(arg.len());
    let mut rest = arg;
    while let Some(at) = rest.iter().position(|&b| b == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let braced = rest
            .strip_prefix(b"${")
            .and_then(|inner| inner.split(|&b| b == b'}').next());
        let value = braced.and_then(variable).and_then(lookup);
        let taken = match (value, braced) {
            (Some(value), Some(name)) => {
                out.extend_from_slice(&value);
                name.len() + 3
            }
            _ if rest.starts_with(b"$$") => {
                out.push(b'$');
                2
            }
            _ => {
                out.push(b'$');
                1
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    vec![out]
}

fn variable(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(fits)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &[Vec<u8>]) -> Vec<String> {
        words
            .iter()
            .map(|w| String::from_utf8_lossy(w).into_owned())
            .collect()
    }

    #[test]
    fn prefixes_are_read_off_the_program() {
        let found = commands(b"-@/usr/bin/perl spamd --flag");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].program, b"/usr/bin/perl");
        assert_eq!(text(&found[0].args), ["--flag"]);
        assert!(found[0].may_fail && !found[0].privileged);
        assert!(commands(b"+/bin/mkdir -p /run/x")[0].privileged);
        assert!(commands(b"!!/bin/x")[0].privileged);
        assert!(commands(b":/bin/x $A")[0].verbatim);
    }

    #[test]
    fn a_lone_semicolon_parts_commands_and_an_escaped_one_does_not() {
        let found = commands(br"/bin/a 1 ; /bin/b ';' \; 'x;y'");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].program, b"/bin/b");
        assert_eq!(text(&found[1].args), [";", ";", "x;y"]);
        assert!(commands(b" ; ;").is_empty());
    }

    #[test]
    fn variables_that_are_known_are_put_in() {
        let lookup = |name: &str| match name {
            "OPTS" => Some(b"-a '-b c'".to_vec()),
            "DIR" => Some(b"/srv".to_vec()),
            _ => None,
        };
        let with = |arg: &str| text(&substitute(arg.as_bytes(), &lookup));
        assert_eq!(with("$OPTS"), ["-a", "-b c"]);
        assert_eq!(with("--dir=${DIR}/x"), ["--dir=/srv/x"]);
        assert_eq!(with("${OPTS}"), ["-a '-b c'"]);
        assert_eq!(with("$NONE"), ["$NONE"]);
        assert_eq!(with("${NONE}$$x${"), ["${NONE}$x${"]);
        assert_eq!(with("a$OPTS"), ["a$OPTS"]);
    }
}
