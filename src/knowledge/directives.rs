//! The dictionary of directives: what a key of a configuration file means.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Folded, Pattern, split, table};
use crate::fact::{Class, Kind, Touch};

/// What the value of a directive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A path that the program uses.
    Path,
    /// A path below which relative values of the same file lie.
    Base,
    /// More settings: a file, a directory, a pattern.
    Include,
    /// Content that is served or rendered: read, never written.
    ContentRoot,
    /// Somebody else's path.
    Monitored,
    /// A program.
    Program,
    /// A command line.
    Command,
    /// Libraries, modules, or where they lie.
    Module,
    /// Address and port, or socket, to listen on.
    Listen,
    /// The port alone.
    Port,
    /// The address alone.
    Address,
    /// The user that the program runs as.
    User,
    /// The group that it runs as.
    Group,
    /// Another host.
    Host,
    /// A data source: a URL, or a file.
    Dsn,
    /// No path, whatever it looks like.
    Ignore,
}

impl Role {
    /// Whether the value names a path of the file system.
    #[must_use]
    pub fn is_path(self) -> bool {
        use Role::{Base, Command, ContentRoot, Include, Module, Monitored, Path, Program};
        matches!(
            self,
            Path | Base | Include | ContentRoot | Monitored | Program | Module | Command
        )
    }
}

/// An entry of the dictionary.
#[derive(Debug, PartialEq, Eq)]
pub struct Directive {
    /// What its value is.
    pub role: Role,
    /// What the path is for.
    pub class: Option<Class>,
    /// What is done to the path.
    pub touch: Touch,
    /// Directory, file, socket, …
    pub kind: Option<Kind>,
    /// Of several bases, the highest counts; 0 for none.
    pub rank: u8,
    /// The word is common: the value has to bear it out.
    pub weak: bool,
    /// Only the last word of the value is meant.
    pub last: bool,
    /// Who is talked to (`db`, `smtp`, …), for hosts and data sources.
    pub service: Option<String>,
    /// What a port is for, where the key itself says it.
    pub protocol: Option<String>,
    /// The address that it listens on when none is named.
    pub address: Option<String>,
    /// The key beside it that names the variable below which a path lies.
    pub beside: Option<String>,
    /// The key beside it that names an interface, whose address stands elsewhere in the file.
    pub interface: Option<String>,
    unless: Vec<String>,
    within: Vec<String>,
}

impl Directive {
    fn allows(&self, whole: &Folded) -> bool {
        !self.unless.iter().any(|word| whole.has_word(word))
            && (self.within.is_empty() || self.within.iter().any(|word| whole.has_word(word)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    directive: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    keys: String,
    role: Role,
    class: Option<Class>,
    touch: Option<Touch>,
    kind: Option<Kind>,
    #[serde(default)]
    rank: u8,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    last: bool,
    service: Option<String>,
    protocol: Option<String>,
    address: Option<String>,
    beside: Option<String>,
    interface: Option<String>,
    #[serde(default)]
    unless: String,
    #[serde(default)]
    within: String,
}

/// Keys with their meaning.
pub(super) struct Dictionary {
    directives: Vec<Directive>,
    /// Several where an entry asks for words around the key.
    exact: BTreeMap<String, Vec<usize>>,
    /// With a star; the longest first.
    stars: Vec<(Pattern, usize)>,
}

static DICTIONARY: LazyLock<Dictionary> =
    LazyLock::new(|| Dictionary::new(table::<Table>("directives").directive));

impl From<Row> for Directive {
    fn from(row: Row) -> Self {
        Self {
            role: row.role,
            class: row.class,
            touch: row.touch.unwrap_or_else(|| touch_of(row.role, row.class)),
            kind: row.kind,
            rank: row.rank,
            weak: row.weak,
            last: row.last,
            service: row.service,
            protocol: row.protocol,
            address: row.address,
            beside: row.beside,
            interface: row.interface,
            unless: split(&row.unless),
            within: split(&row.within),
        }
    }
}

/// What is done to a path of that role and class, where the table does not say.
fn touch_of(role: Role, class: Option<Class>) -> Touch {
    match (role, class) {
        (_, Some(Class::Runtime)) => Touch::Creates,
        (_, Some(Class::Data | Class::Log | Class::Cache | Class::Temp)) => Touch::Writes,
        (Role::Program | Role::Command, _) => Touch::Runs,
        (Role::Include | Role::ContentRoot | Role::Monitored | Role::Module, _)
        | (_, Some(Class::Code | Class::Config | Class::Secret)) => Touch::Reads,
        _ => Touch::Names,
    }
}

/// Every entry.
pub fn directives() -> impl Iterator<Item = &'static Directive> {
    DICTIONARY.directives.iter()
}

/// What the key means, given with its sections as in `mysqld.datadir`; nothing when it is not in
/// the dictionary. Case and `-`, `_`, `.` do not count, but `dataDir` shows its words and
/// `datadir` does not.
#[must_use]
pub fn directive(key: &str) -> Option<&'static Directive> {
    let parts: Vec<&str> = key.split('.').collect();
    directive_at(&parts)
}

/// Whether a key says of a bare word that it is a directory, whatever for: `spool_dir = jobs`.
#[must_use]
pub fn says_directory(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    let words = ["dir", "directory", "folder"];
    words.iter().any(|word| {
        let rest = name.strip_suffix(word);
        rest.is_some_and(|rest| rest.ends_with(['_', '-']))
    })
}

/// As [`directive`], with the sections and the key apart.
#[must_use]
pub fn directive_at<S: AsRef<str>>(path: &[S]) -> Option<&'static Directive> {
    DICTIONARY.at(path)
}

impl Dictionary {
    /// A dictionary of these entries.
    pub(super) fn new(rows: Vec<Row>) -> Self {
        let mut dictionary = Self {
            directives: Vec::new(),
            exact: BTreeMap::new(),
            stars: Vec::new(),
        };
        for (index, row) in rows.into_iter().enumerate() {
            for key in split(&row.keys) {
                match Pattern::new(&key) {
                    Pattern::Exact(text) => {
                        dictionary.exact.entry(text).or_default().push(index);
                    }
                    star => dictionary.stars.push((star, index)),
                }
            }
            dictionary.directives.push(Directive::from(row));
        }
        dictionary
            .stars
            .sort_by_key(|(star, index)| (std::cmp::Reverse(star.len()), *index));
        dictionary
    }

    /// What a key means, given with its sections.
    pub(super) fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<&Directive> {
        // `server.errorlog` is one key to some readers; its parts are meant.
        let parts: Vec<&str> = path.iter().flat_map(|part| dotted(part.as_ref())).collect();
        let path = parts.as_slice();
        let mut whole = Folded::default();
        for part in path {
            whole.append(part);
        }
        let allowed = |index: &usize| {
            let found = self.directives.get(*index);
            found.filter(|directive| directive.allows(&whole))
        };
        // The more of its sections an entry names, the better it knows the key.
        for count in (1..=path.len().min(3)).rev() {
            let mut tail = Folded::default();
            for part in path.iter().skip(path.len() - count) {
                tail.append(part);
            }
            let entries = self.exact.get(&tail.text);
            if let Some(found) = entries.and_then(|all| all.iter().find_map(allowed)) {
                return Some(found);
            }
        }
        let own = Folded::new(path.last()?);
        let mut joined = Folded::default();
        for part in path.iter().skip(path.len().saturating_sub(2)) {
            joined.append(part);
        }
        let star = |key: &Folded| {
            let fits = self.stars.iter().filter(|(star, _)| star.fits(key));
            fits.filter_map(|(_, index)| allowed(index)).next()
        };
        star(&own).or_else(|| star(&joined))
    }
}

/// The parts of a key at its dots; one that begins or ends with a dot is whole.
fn dotted(key: &str) -> impl Iterator<Item = &str> {
    let whole = key.starts_with('.') || key.ends_with('.') || key.contains("..");
    key.split(move |c| c == '.' && !whole)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn spelling_and_sections_do_not_matter() {
        for key in [
            "DocumentRoot",
            "document_root",
            "server.document-root",
            "http.docRoot",
        ] {
            assert_eq!(directive(key).unwrap().role, Role::ContentRoot, "{key}");
        }
        for key in [
            "pid.file",
            "daemon.PidFile",
            "pid-file",
            "processManagement.pidFilePath",
        ] {
            assert_eq!(directive(key).unwrap().class, Some(Class::Runtime), "{key}");
        }
        assert_eq!(directive("path.data").unwrap().class, Some(Class::Data));
        assert_eq!(directive("my_own_error_log").unwrap().touch, Touch::Writes);
    }

    #[test]
    fn sections_forbid_a_meaning() {
        assert_eq!(directive("mysqld.user").unwrap().role, Role::User);
        assert!(directive("client.user").is_none());
        assert_ne!(directive("db_port").map(|d| d.role), Some(Role::Port));
        assert_eq!(directive("mysqld.port").unwrap().role, Role::Port);
        assert_eq!(directive("zone.file").unwrap().class, Some(Class::Config));
    }

    #[test]
    fn words_that_only_end_alike_are_not_known() {
        for key in ["catalog", "rapid", "blogger", "timeout", "colour"] {
            assert!(directive(key).is_none(), "{key}");
        }
    }

    #[test]
    fn no_key_stands_in_two_entries() {
        let mut seen = BTreeSet::new();
        let mut twice = Vec::new();
        let rows = table::<Table>("directives").directive;
        for row in rows.iter().filter(|row| row.within.is_empty()) {
            for key in split(&row.keys) {
                let pattern = format!("{:?}", Pattern::new(&key));
                if !seen.insert(pattern) {
                    twice.push(key);
                }
            }
        }
        assert!(twice.is_empty(), "{}", twice.join(" "));
        assert!(seen.len() > 500, "a dictionary of {} keys", seen.len());
    }
}
