//! `%` specifiers of units and of tmpfiles.d, resolved as far as a file at rest tells.
//!
//! What only a running host knows becomes a pattern component such as `{host}`.

use super::name::{UnitName, unescape};
use crate::path::AppPath;

/// Which service manager reads a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// The system's, process 1.
    System,
    /// That of a logged-in user.
    User,
}

/// What the specifiers of a unit are resolved against.
#[derive(Clone, Copy, Debug)]
pub struct Specifiers<'a> {
    /// The unit.
    pub name: &'a UnitName,
    /// The unit's file.
    pub file: &'a AppPath,
    /// Who reads it.
    pub manager: Manager,
}

impl Specifiers<'_> {
    /// Puts the specifiers into `value`; an unknown one stays as written.
    #[must_use]
    pub fn expand(&self, value: &[u8]) -> Vec<u8> {
        replace(value, |letter| {
            self.of_name(letter).or_else(|| match self.manager {
                Manager::System => of_system(letter),
                Manager::User => of_user(letter).or_else(|| of_system(letter)),
            })
        })
    }

    /// systemd.unit(5), table "Specifiers": those that follow from the unit's name and file.
    fn of_name(&self, letter: u8) -> Option<Vec<u8>> {
        let name = self.name;
        let instance = || {
            if name.is_template {
                "{instance}".to_owned()
            } else {
                name.instance.clone().unwrap_or_default()
            }
        };
        Some(match letter {
            b'n' => name
                .full
                .replace('@', if name.is_template { "@{instance}" } else { "@" })
                .into_bytes(),
            b'N' => name
                .stem()
                .replace('@', if name.is_template { "@{instance}" } else { "@" })
                .into_bytes(),
            b'p' => name.prefix.clone().into_bytes(),
            b'P' => unescape(&name.prefix),
            b'i' => instance().into_bytes(),
            b'I' if name.is_template => instance().into_bytes(),
            b'I' => unescape(&instance()),
            b'j' => last_part(&name.prefix).into(),
            b'J' => unescape(last_part(&name.prefix)),
            b'f' => {
                let from = match (&name.instance, name.is_template) {
                    (_, true) => instance().into_bytes(),
                    (Some(instance), _) => unescape(instance),
                    (None, _) => unescape(&name.prefix),
                };
                [b"/", from.as_slice()].concat()
            }
            b'y' => self.file.as_bytes().to_vec(),
            b'Y' => self.file.parent()?.as_bytes().to_vec(),
            b'd' => format!("/run/credentials/{}", name.full).into_bytes(),
            _ => return None,
        })
    }
}

fn last_part(prefix: &str) -> &str {
    prefix.rsplit('-').next().unwrap_or(prefix)
}

/// Puts in the specifiers that do not depend on a unit: tmpfiles.d(5), sysusers.d(5).
#[must_use]
pub fn for_system(value: &[u8]) -> Vec<u8> {
    replace(value, of_system)
}

fn of_system(letter: u8) -> Option<Vec<u8>> {
    let text = match letter {
        b'%' => "%",
        b't' => "/run",
        b'S' => "/var/lib",
        b'C' => "/var/cache",
        b'L' => "/var/log",
        b'E' => "/etc",
        b'D' => "/usr/share",
        b'T' => "/tmp",
        b'V' => "/var/tmp",
        b'h' => "/root",
        b'u' | b'g' => "root",
        b'U' | b'G' => "0",
        b's' => "/bin/sh",
        b'H' | b'l' | b'q' => "{host}",
        b'm' => "{machine-id}",
        b'b' => "{boot-id}",
        b'v' => "{kernel}",
        b'a' => "{machine}",
        b'A' | b'B' | b'M' | b'o' | b'w' | b'W' => "{os-release}",
        _ => return None,
    };
    Some(text.into())
}

/// Those that differ for a user's manager: all hang on who is logged in.
fn of_user(letter: u8) -> Option<Vec<u8>> {
    let text = match letter {
        b't' => "/run/user/{uid}",
        b'S' => "{home}/.local/state",
        b'C' => "{home}/.cache",
        b'L' => "{home}/.local/state/log",
        b'E' => "{home}/.config",
        b'D' => "{home}/.local/share",
        b'h' => "{home}",
        b'u' => "{user}",
        b'U' => "{uid}",
        b'g' => "{group}",
        b'G' => "{gid}",
        b's' => "{shell}",
        _ => return None,
    };
    Some(text.into())
}

fn replace(value: &[u8], lookup: impl Fn(u8) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        out.extend_from_slice(&rest[..at]);
        match rest.get(at + 1).and_then(|&letter| lookup(letter)) {
            Some(text) => {
                out.extend_from_slice(&text);
                rest = rest.get(at + 2..).unwrap_or_default();
            }
            None => {
                out.push(b'%');
                rest = rest.get(at + 1..).unwrap_or_default();
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(unit: &str, manager: Manager, value: &str) -> String {
        let name = UnitName::parse(unit.as_bytes()).unwrap();
        let file = AppPath::new(format!("/etc/systemd/system/{unit}"));
        let specifiers = Specifiers {
            name: &name,
            file: &file,
            manager,
        };
        String::from_utf8(specifiers.expand(value.as_bytes())).unwrap()
    }

    #[test]
    fn names_and_directories_of_the_system() {
        let system = |unit, value| expand(unit, Manager::System, value);
        assert_eq!(
            system("a-b@c.service", "%n %N %p %j %i"),
            "a-b@c.service a-b@c a-b b c"
        );
        assert_eq!(
            system("a@.service", "/run/%i/%n"),
            "/run/{instance}/a@{instance}.service"
        );
        assert_eq!(system(r"x@srv-a\x2db.service", "%I %f"), "srv/a-b /srv/a-b");
        assert_eq!(system("srv-data.mount", "%f"), "/srv/data");
        assert_eq!(
            system("a.service", "%t %S %C %L %E %h %u %U"),
            "/run /var/lib /var/cache /var/log /etc /root root 0"
        );
        assert_eq!(system("a.service", "100%% %H %Z %"), "100% {host} %Z %");
        assert_eq!(system("a.service", "%%i"), "%i");
    }

    #[test]
    fn a_users_manager_has_no_fixed_home() {
        assert_eq!(
            expand("a.service", Manager::User, "%h/x %t"),
            "{home}/x /run/user/{uid}"
        );
    }
}
