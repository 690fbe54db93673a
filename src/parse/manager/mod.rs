//! The tables of process managers: which programs each keeps running, and what it gives to them.
//!
//! Some of the tables are programs of their own: Ruby (god, eye) and JavaScript (pm2). What they set is read
//! with the names and places that they are made of; what only running them tells is a hole, as in scripts.

mod blocks;
mod circus;
mod ecosystem;
mod expression;
mod monit;
mod procfile;
mod ruby;
mod tokens;
mod value;

/// A kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// pm2's list of applications, in JSON, YAML or JavaScript; what it keeps of a host's own as well.
    Ecosystem(Text),
    /// `name: command` (foreman, honcho, overmind).
    Procfile,
    /// god's, in Ruby.
    God,
    /// eye's, in Ruby.
    Eye,
    /// Sections of circus.
    Circus,
    /// monit(1).
    Monit,
}

impl Form {
    /// Whether a program is started in the directory of the table, unless that has another; other managers
    /// start programs in the root directory.
    #[must_use]
    pub fn is_beside(self) -> bool {
        matches!(self, Self::Ecosystem(_) | Self::Procfile)
    }
}

/// In what a list of applications is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Text {
    /// JavaScript, and so JSON.
    Script,
    /// YAML.
    Yaml,
}

impl Form {
    /// What a manager of this kind is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecosystem(_) => "pm2",
            Self::Procfile => "foreman",
            Self::God => "god",
            Self::Eye => "eye",
            Self::Circus => "circus",
            Self::Monit => "monit",
        }
    }
}

/// How a program is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// By words, with no shell in between.
    Words(Vec<Vec<u8>>),
    /// By a line for a shell.
    Shell(Vec<u8>),
}

/// A program that a process manager keeps running. What is not known of a value is a `*` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// The line, from 1.
    pub line: u32,
    /// What the table calls it.
    pub name: String,
    /// The program.
    pub command: Command,
    /// The working directory: from the root, or from the place of the table.
    pub directory: Option<Vec<u8>>,
    /// The user.
    pub user: Option<Vec<u8>>,
    /// The group.
    pub group: Option<Vec<u8>>,
    /// The variables.
    pub env: Vec<(String, Vec<u8>)>,
    /// The mask of new files' rights, in octal digits.
    pub umask: Option<String>,
    /// How many of it run side by side.
    pub count: Option<u32>,
    /// The signal that ends it.
    pub stop_signal: Option<String>,
    /// Seconds that it may take to end.
    pub stop_time: Option<String>,
    /// Whether it goes into the background by itself, where the table says so.
    pub leaves: Option<bool>,
    /// The files that are written for it, each with the key that names it.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Managed {
    fn new(line: u32, name: String, command: Command) -> Self {
        Self {
            line,
            name,
            command,
            directory: None,
            user: None,
            group: None,
            env: Vec::new(),
            umask: None,
            count: None,
            stop_signal: None,
            stop_time: None,
            leaves: None,
            files: Vec::new(),
        }
    }
}

/// The kind of table that a file is, from its name and first bytes.
#[must_use]
pub fn form(path: &[u8], head: &[u8]) -> Option<Form> {
    let cut = path.iter().rposition(|byte| *byte == b'/');
    let name = &path[cut.map_or(0, |cut| cut + 1)..];
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let ends = |end: &[u8]| name.ends_with(end);
    if name == b"Procfile" || name == b"Procfile.production" {
        return Some(Form::Procfile);
    }
    // Every file is asked: its name tells most of them before their text is looked at.
    if (ends(b".god") || ends(b".rb")) && has(b"God.watch") {
        return Some(Form::God);
    }
    if (ends(b".eye") || ends(b".rb") || name == b"Eyefile")
        && (has(b"Eye.app") || has(b"Eye.load"))
    {
        return Some(Form::Eye);
    }
    if (ends(b".ini") || ends(b".conf")) && has(b"[watcher:") {
        return Some(Form::Circus);
    }
    let mut parts = path.split(|byte| *byte == b'/').skip(1);
    let is_monit =
        ends(b".monit") || ends(b".monitrc") || parts.any(|part| part.starts_with(b"monit"));
    if is_monit && has(b"check") && has(b"start") {
        return Some(Form::Monit);
    }
    ecosystem::form(name, head).map(Form::Ecosystem)
}

/// The programs of a table at `path`, in order.
#[must_use]
pub fn read(form: Form, text: &[u8], path: &[u8]) -> Vec<Managed> {
    let mut found = match form {
        Form::Ecosystem(written) => ecosystem::read(written, text, path),
        Form::Procfile => procfile::read(text),
        Form::God => ruby::god(text, path),
        Form::Eye => ruby::eye(text, path),
        Form::Circus => circus::read(text, path),
        Form::Monit => monit::read(text),
    };
    found.truncate(MAX_PROGRAMS);
    found
}

/// How many programs of one table are kept.
const MAX_PROGRAMS: usize = 256;

/// The name of a signal as signal(7) has it.
fn signal(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let name = text.rsplit('.').next().unwrap_or(text).to_ascii_uppercase();
    let fits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !fits {
        return None;
    }
    const NUMBERS: [(&str, &str); 7] = [
        ("1", "HUP"),
        ("2", "INT"),
        ("3", "QUIT"),
        ("9", "KILL"),
        ("10", "USR1"),
        ("12", "USR2"),
        ("15", "TERM"),
    ];
    let named = NUMBERS.iter().find(|(number, _)| *number == name);
    let name = named.map_or(name.as_str(), |(_, name)| name);
    Some(match name.starts_with("SIG") {
        true => name.to_owned(),
        false => format!("SIG{name}"),
    })
}

/// The words of a command that no shell splits: blanks part them, quotes hold them together.
fn words(line: &[u8]) -> Vec<Vec<u8>> {
    super::unit::words(line)
}

#[cfg(test)]
mod tests;
