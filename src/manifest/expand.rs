//! Variables in a unit's command, replaced as systemd does it: nothing in a container would.

use crate::report::EnvVar;

/// The words of a command with `$NAME` and `${NAME}` replaced (systemd.service(5), "Command
/// lines"), and the names that have no known value, which stand for nothing.
pub(super) fn expand(command: &[String], env: &[EnvVar]) -> (Vec<String>, Vec<String>) {
    let mut unknown = Vec::new();
    let mut words = Vec::new();
    for (place, word) in command.iter().enumerate() {
        // The program's path is no place for one; a text with blanks is a script for a shell,
        // which replaces them itself.
        if place == 0 || word.contains(char::is_whitespace) || !word.contains('$') {
            words.push(word.clone());
            continue;
        }
        if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
            // A word of its own is split, and may be none at all.
            let value = value(name, env, &mut unknown);
            words.extend(value.split_whitespace().map(str::to_owned));
        } else {
            words.push(braces(word, env, &mut unknown));
        }
    }
    unknown.sort();
    unknown.dedup();
    (words, unknown)
}

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.bytes().all(fits) && !name.as_bytes()[0].is_ascii_digit()
}

fn value<'a>(name: &str, env: &'a [EnvVar], unknown: &mut Vec<String>) -> &'a str {
    let found = env.iter().find(|variable| variable.name == name);
    match found.and_then(|variable| variable.value.as_deref()) {
        Some(value) => value,
        None => {
            unknown.push(name.to_owned());
            ""
        }
    }
}

fn braces(word: &str, env: &[EnvVar], unknown: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find("${") {
        let end = rest[at..].find('}').map(|end| at + end);
        let Some(end) = end.filter(|end| is_name(&rest[at + 2..*end])) else {
            break;
        };
        out += &rest[..at];
        out += value(&rest[at + 2..end], env, unknown);
        rest = &rest[end + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_words_as_the_manual_has_it() {
        let set = |name: &str, value: &str| EnvVar {
            name: name.to_owned(),
            value: Some(value.to_owned()),
        };
        let env = [set("A", "one two"), set("E", "")];
        for (given, want, lacks) in [
            ("/d $A", "/d|one|two", ""),
            ("/d ${A}", "/d|one two", ""),
            ("/d x${A}y $E", "/d|xone twoy", ""),
            ("/d -p ${NO} $NO", "/d|-p|", "NO"),
            ("/d $1 ${ $ a$A", "/d|$1|${|$|a$A", ""),
        ] {
            let command: Vec<String> = given.split(' ').map(str::to_owned).collect();
            let (words, unknown) = expand(&command, &env);
            assert_eq!(words.join("|"), want, "{given}");
            assert_eq!(unknown.join(" "), lacks, "{given}");
        }
    }
}
