//! nsswitch.conf(5): which services answer for users, hosts and the like.

use super::line::entries;

/// A database and the services that are asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name: `passwd`, `hosts`, …
    pub name: String,
    /// The services in their order: `files`, `dns`, `sss`, …; without the actions in brackets.
    pub services: Vec<String>,
    /// The line, from 1.
    pub line: u32,
}

/// Reads the file; lines that name no database are passed over, as the C library does.
#[must_use]
pub fn read(text: &[u8]) -> Vec<Database> {
    entries(text).filter_map(database).collect()
}

fn database((line, text): (u32, &[u8])) -> Option<Database> {
    let text = text.split(|&b| b == b'#').next()?;
    let at = memchr::memchr(b':', text)?;
    let name = std::str::from_utf8(text.get(..at)?).ok()?.trim();
    let services = std::str::from_utf8(text.get(at + 1..)?).ok()?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    Some(Database {
        name: name.to_owned(),
        services: names(services),
        line,
    })
}

/// The words outside of brackets, which may hold several and stand next to a word.
fn names(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    loop {
        let (plain, after) = rest.split_once('[').unwrap_or((rest, ""));
        for word in plain.split_whitespace() {
            if !found.iter().any(|known| known == word) {
                found.push(word.to_owned());
            }
        }
        let Some((_, after)) = after.split_once(']') else {
            return found;
        };
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_stand_outside_of_brackets() {
        let text = b"# hosts: nis\npasswd:  files systemd\nhosts: files [SUCCESS=merge] mdns4\
                     [NOTFOUND=return !UNAVAIL=return] dns # old: wins\nbroken\n:x\n";
        let found: Vec<_> = read(text)
            .into_iter()
            .map(|d| format!("{} {} {}", d.line, d.name, d.services.join(",")))
            .collect();
        assert_eq!(found, ["2 passwd files,systemd", "3 hosts files,mdns4,dns"]);
    }

    #[test]
    fn a_bracket_that_is_not_closed_ends_the_line() {
        let found = read(b"passwd: files [NOTFOUND nis\n");
        assert_eq!(found[0].services, ["files"]);
    }
}
