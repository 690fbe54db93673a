//! logrotate.conf(5): which logs are rotated, how they are made anew, and what is told to do so.

use super::line::{fields, first_field, lines, octal, text};
use super::unit::words;

/// A block for some logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stanza {
    /// The logs as written: absolute paths and globs, each with its line.
    pub logs: Vec<(u32, Vec<u8>)>,
    /// Directives in order.
    pub directives: Vec<Directive>,
    /// Scripts in order.
    pub scripts: Vec<Script>,
}

/// A directive with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Line from 1.
    pub line: u32,
    /// Its word.
    pub name: String,
    /// What follows it; empty for most.
    pub value: Vec<u8>,
}

/// A script inside a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// `postrotate`, `prerotate`, ….
    pub name: String,
    /// The line of its first command, from 1.
    pub line: u32,
    /// Its text.
    pub text: Vec<u8>,
}

/// A configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Directives outside blocks: defaults and `include`.
    pub global: Vec<Directive>,
    /// Blocks in order.
    pub stanzas: Vec<Stanza>,
}

/// Words that open a script, which `endscript` closes.
const SCRIPTS: [&[u8]; 5] = [
    b"postrotate",
    b"prerotate",
    b"firstaction",
    b"lastaction",
    b"preremove",
];

impl Stanza {
    /// The last directive of a name.
    #[must_use]
    pub fn directive(&self, name: &str) -> Option<&Directive> {
        self.directives.iter().rev().find(|d| d.name == name)
    }

    /// `create MODE OWNER GROUP`: how a new log is made, each part where given.
    #[must_use]
    pub fn create(&self) -> Option<(u32, Owner)> {
        let directive = self.directive("create")?;
        Some((directive.line, owner(&directive.value)))
    }
}

/// Mode, owner and group of something that is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner, a name or number.
    pub user: Option<String>,
    /// Group, a name or number.
    pub group: Option<String>,
}

/// Reads `[MODE] [OWNER [GROUP]]`, the value of `create` and `createolddir`.
#[must_use]
pub fn owner(value: &[u8]) -> Owner {
    let parts: Vec<&[u8]> = fields(value).collect();
    let mode = parts.first().and_then(|first| octal(first));
    let names = &parts[usize::from(mode.is_some()).min(parts.len())..];
    Owner {
        mode,
        user: names.first().map(|name| text(name)),
        group: names.get(1).map(|name| text(name)),
    }
}

impl Config {
    /// Reads a file; a block or script that never ends, ends with it.
    #[must_use]
    pub fn parse(file: &[u8]) -> Self {
        let mut config = Self::default();
        let mut open: Option<Stanza> = None;
        let mut pending: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut script: Option<Script> = None;
        for (number, line) in lines(file) {
            let entry = line.trim_ascii();
            if let Some(current) = &mut script {
                if first_field(entry).0 == b"endscript" {
                    let done = script.take();
                    if let Some(stanza) = &mut open {
                        stanza.scripts.extend(done);
                    }
                } else {
                    current.text.extend_from_slice(line);
                    current.text.push(b'\n');
                }
                continue;
            }
            if entry.is_empty() || entry.starts_with(b"#") {
                continue;
            }
            match &mut open {
                None => open = config.outside(number, entry, &mut pending),
                Some(stanza) => match inside(number, entry, stanza) {
                    Step::Stay => {}
                    Step::Script(opened) => script = Some(opened),
                    Step::Close => config.stanzas.extend(open.take()),
                },
            }
        }
        if let Some(mut stanza) = open {
            stanza.scripts.extend(script);
            config.stanzas.push(stanza);
        }
        config
    }

    /// A line outside blocks; a block that it opens.
    fn outside(
        &mut self,
        line: u32,
        entry: &[u8],
        pending: &mut Vec<(u32, Vec<u8>)>,
    ) -> Option<Stanza> {
        let opens = entry.iter().position(|&b| b == b'{');
        let head = &entry[..opens.unwrap_or(entry.len())];
        let is_log = matches!(head.first(), Some(b'/' | b'"' | b'\'' | b'~' | b'*'));
        if is_log || opens.is_some() {
            pending.extend(words(head).into_iter().map(|log| (line, log)));
        } else {
            let (name, value) = first_field(head);
            self.global.push(directive(line, name, value));
        }
        let open = opens?;
        let mut stanza = Stanza {
            logs: std::mem::take(pending),
            ..Stanza::default()
        };
        // A block may stand on one line.
        let rest = entry[open + 1..].trim_ascii();
        let body = rest.strip_suffix(b"}").unwrap_or(rest).trim_ascii();
        if !body.is_empty() {
            let (name, value) = first_field(body);
            stanza.directives.push(directive(line, name, value));
        }
        if rest.ends_with(b"}") {
            self.stanzas.push(stanza);
            return None;
        }
        Some(stanza)
    }
}

enum Step {
    Stay,
    Script(Script),
    Close,
}

fn inside(line: u32, entry: &[u8], stanza: &mut Stanza) -> Step {
    if entry.starts_with(b"}") {
        return Step::Close;
    }
    let (name, value) = first_field(entry);
    if SCRIPTS.contains(&name) {
        return Step::Script(Script {
            name: text(name),
            line: line.saturating_add(1),
            text: Vec::new(),
        });
    }
    stanza.directives.push(directive(line, name, value));
    Step::Stay
}

/// Both `name value` and `name = value` are accepted.
fn directive(line: u32, name: &[u8], value: &[u8]) -> Directive {
    let name = name.split(|&b| b == b'=').next().unwrap_or(name);
    let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii();
    Directive {
        line,
        name: text(name),
        value: value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_scripts_and_globals() {
        let config = Config::parse(
            b"weekly\ninclude /etc/logrotate.d\n\n/var/log/app/*.log\n\"/var/log/my app.log\" {\n  # c\n  create 0640 app adm\n  olddir = /var/log/old\n  postrotate\n    [ -f /run/a.pid ] && kill -HUP `cat /run/a.pid`\n    # {not a block}\n  endscript\n}\n/var/log/btmp { monthly }\n/var/log/x {\n rotate 3\n",
        );
        assert_eq!(config.global.len(), 2);
        assert_eq!(config.stanzas.len(), 3);
        let first = &config.stanzas[0];
        assert_eq!(first.logs[1], (5, b"/var/log/my app.log".to_vec()));
        let (line, owner) = first.create().unwrap();
        assert_eq!((line, owner.mode), (7, Some(0o640)));
        assert_eq!(owner.group.as_deref(), Some("adm"));
        assert_eq!(first.directive("olddir").unwrap().value, b"/var/log/old");
        assert_eq!(first.scripts[0].line, 10);
        assert!(first.scripts[0].text.ends_with(b"# {not a block}\n"));
        assert_eq!(config.stanzas[1].directives[0].name, "monthly");
        assert_eq!(config.stanzas[2].directives[0].value, b"3");
    }

    #[test]
    fn an_owner_may_come_without_a_mode() {
        assert_eq!(owner(b"app adm").user.as_deref(), Some("app"));
        assert_eq!(owner(b""), Owner::default());
        assert_eq!(owner(b"600").mode, Some(0o600));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(file: Vec<u8>, text in r#"[/a-z{}"\n #=]{0,60}"#) {
            let _ = Config::parse(&file);
            let _ = Config::parse(text.as_bytes());
        }
    }
}
