//! What a rule looks at: a fact, or a line of the report that many facts were joined into.
//!
//! Every kind of thing has the same two properties, a path and a file, and fields of its own.

use std::borrow::Cow;

use crate::fact::{Access, Certainty, Class, Fact, LibraryStatus, Locus, What};
use crate::path::AppPath;
use crate::report::{Library, Mount, PathEntry};

use super::field::{Field, Sort, word};

/// One thing that a rule looks at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    /// A fact.
    Fact(&'a Fact),
    /// A classified path.
    Entry(&'a PathEntry),
    /// A library.
    Library(&'a Library),
    /// A mount.
    Mount(&'a Mount),
    /// A directory of the application.
    Prefix(&'a AppPath),
}

impl<'a> Item<'a> {
    /// What kind of thing this is.
    pub(super) fn sort(self) -> Sort {
        match self {
            Self::Fact(fact) => sort(&fact.what),
            Self::Entry(_) => Sort::PathEntry,
            Self::Library(_) => Sort::LibraryEntry,
            Self::Mount(_) => Sort::Mount,
            Self::Prefix(_) => Sort::Prefix,
        }
    }

    /// How it is known. The loader's answer is computed from what is on disk.
    pub(super) fn certainty(self) -> Certainty {
        match self {
            Self::Fact(fact) => fact.certainty,
            Self::Entry(entry) => entry.certainty,
            Self::Library(library) if library.status == LibraryStatus::ByEnvironment => {
                Certainty::Inferred
            }
            Self::Library(_) | Self::Prefix(_) => Certainty::Observed,
            Self::Mount(mount) => mount.certainty,
        }
    }

    /// The path it is about.
    pub(super) fn path(self) -> &'a AppPath {
        match self {
            Self::Fact(fact) => match &fact.what {
                What::Path { path, .. }
                | What::Ownership { path, .. }
                | What::Owned { path, .. }
                | What::Absent { path, .. } => path,
                What::Library {
                    path: Some(path), ..
                }
                | What::Module {
                    path: Some(path), ..
                } => path,
                What::Starts { program, .. } => program,
                What::Account { home, .. } => home,
                _ => &fact.at.file,
            },
            Self::Library(library) => library
                .real_path
                .as_ref()
                .or(library.path.as_ref())
                .unwrap_or_else(|| nowhere()),
            Self::Entry(_) | Self::Mount(_) | Self::Prefix(_) => self.file(),
        }
    }

    /// The file in which it was seen.
    pub(super) fn file(self) -> &'a AppPath {
        match self {
            Self::Fact(fact) => &fact.at.file,
            Self::Entry(entry) => &entry.path,
            Self::Library(library) => library
                .needed_by
                .first()
                .or(library.path.as_ref())
                .unwrap_or_else(|| nowhere()),
            Self::Mount(mount) => &mount.path,
            Self::Prefix(prefix) => prefix,
        }
    }

    /// The class of the path, where there is one.
    pub(super) fn class(self) -> Option<Class> {
        match self {
            Self::Fact(fact) => match &fact.what {
                What::Path { class, .. } | What::Holds { class, .. } => *class,
                _ => None,
            },
            Self::Entry(entry) => Some(entry.class),
            Self::Mount(mount) => Some(mount.class),
            Self::Library(_) | Self::Prefix(_) => None,
        }
    }

    /// Whether the path is written; a fact that only names it says nothing.
    pub(super) fn access(self) -> Option<Access> {
        match self {
            Self::Fact(fact) => match &fact.what {
                What::Path { touch, .. } if touch.is_write() => Some(Access::Rw),
                What::Path { .. } => Some(Access::Ro),
                _ => None,
            },
            Self::Entry(entry) => Some(entry.access),
            Self::Mount(mount) => Some(mount.access),
            Self::Library(_) | Self::Prefix(_) => None,
        }
    }

    /// The facts it rests on, and how many more there are.
    pub(super) fn because(self) -> (Cow<'a, [Fact]>, u64) {
        match self {
            Self::Fact(fact) => (Cow::Borrowed(std::slice::from_ref(fact)), 0),
            Self::Entry(entry) => (Cow::Borrowed(&entry.because), entry.more),
            Self::Mount(mount) => (Cow::Borrowed(&mount.because), 0),
            Self::Library(library) => {
                let of = |file: &AppPath| Fact {
                    at: Locus::file(file),
                    what: What::Library {
                        name: library.name.clone(),
                        status: library.status,
                        path: library.path.clone(),
                        how: library.how.clone(),
                    },
                    certainty: self.certainty(),
                };
                let facts = library.needed_by.iter().map(of).collect();
                (facts, library.needed_by_more)
            }
            Self::Prefix(prefix) => {
                let what = What::Holds {
                    content: "install-directory".to_owned(),
                    class: Some(Class::Code),
                };
                let fact = Fact {
                    at: Locus::file(prefix),
                    what,
                    certainty: Certainty::Observed,
                };
                (Cow::Owned(vec![fact]), 0)
            }
        }
    }

    /// The text of a field; several for [`Field::Trait`], none where it is absent.
    pub(super) fn texts(self, field: Field) -> Vec<Cow<'a, str>> {
        match field {
            Field::Path => return vec![self.path().to_text()],
            Field::File => return vec![self.file().to_text()],
            Field::Base => return vec![crate::path::escape(self.path().name())],
            Field::Class => return self.class().iter().map(|c| word(c).into()).collect(),
            _ => {}
        }
        match self {
            Self::Fact(fact) => fact_texts(&fact.what, field),
            Self::Library(library) => library_texts(library, field),
            Self::Entry(_) | Self::Mount(_) | Self::Prefix(_) => Vec::new(),
        }
    }

    /// The first text of a field.
    pub(super) fn text(self, field: Field) -> Option<String> {
        self.texts(field).into_iter().next().map(Cow::into_owned)
    }
}

/// The top of the root, for a library without a path, or one that no file is known to need: it lies
/// in no application.
fn nowhere() -> &'static AppPath {
    static TOP: std::sync::OnceLock<AppPath> = std::sync::OnceLock::new();
    TOP.get_or_init(AppPath::root)
}

fn sort(what: &What) -> Sort {
    match what {
        What::Path { .. } => Sort::Path,
        What::Setting { .. } => Sort::Setting,
        What::Program { .. } => Sort::Program,
        What::Library { .. } => Sort::Library,
        What::Module { .. } => Sort::Module,
        What::Asks { .. } => Sort::Asks,
        What::SearchPath { .. } => Sort::SearchPath,
        What::Imports { .. } => Sort::Imports,
        What::Listens { .. } => Sort::Listens,
        What::Talks { .. } => Sort::Talks,
        What::RunsAs { .. } => Sort::RunsAs,
        What::Account { .. } => Sort::Account,
        What::Starts { .. } => Sort::Starts,
        What::Absent { .. } => Sort::Absent,
        What::Env { .. } => Sort::Env,
        What::Calls { .. } => Sort::Calls,
        What::Needs { .. } => Sort::Needs,
        What::Package { .. } => Sort::Package,
        What::Ownership { .. } => Sort::Ownership,
        What::Licence { .. } => Sort::Licence,
        What::Secret { .. } => Sort::Secret,
        What::Holds { .. } => Sort::Holds,
        What::Owned { .. } => Sort::Owned,
        What::Directive { .. } => Sort::Directive,
    }
}

fn one(text: &str) -> Vec<Cow<'_, str>> {
    vec![Cow::Borrowed(text)]
}

fn maybe(text: Option<&String>) -> Vec<Cow<'_, str>> {
    text.iter()
        .map(|text| Cow::Borrowed(text.as_str()))
        .collect()
}

/// A field that is always there and is text.
fn plain(what: &What, field: Field) -> Option<&str> {
    match (what, field) {
        (What::Path { by: text, .. } | What::Absent { by: text, .. }, Field::By)
        | (What::Setting { key: text, .. } | What::Directive { key: text, .. }, Field::Key)
        | (What::Setting { value: text, .. } | What::Directive { value: text, .. }, Field::Value)
        | (What::Library { name: text, .. }, Field::Name)
        | (What::Library { how: text, .. }, Field::How)
        | (What::Module { name: text, .. } | What::Asks { name: text, .. }, Field::Name)
        | (What::Module { how: text, .. }, Field::How)
        | (What::SearchPath { tag: text, .. }, Field::Tag)
        | (What::SearchPath { value: text, .. }, Field::Search)
        | (What::Imports { symbol: text }, Field::Symbol)
        | (
            What::Listens {
                transport: text, ..
            },
            Field::Transport,
        )
        | (What::Listens { address: text, .. }, Field::Address)
        | (What::Talks { service: text, .. }, Field::Service)
        | (What::Talks { to: text, .. }, Field::To)
        | (What::RunsAs { user: text, .. }, Field::User)
        | (What::Account { name: text, .. }, Field::Name)
        | (What::Starts { name: text, .. }, Field::Name)
        | (What::Env { name: text, .. }, Field::Name)
        | (What::Calls { command: text, .. }, Field::Command)
        | (What::Calls { args: text, .. }, Field::Args)
        | (What::Needs { name: text, .. }, Field::Name)
        | (What::Package { manager: text, .. }, Field::Manager)
        | (What::Package { name: text, .. }, Field::Name)
        | (What::Licence { name: text, .. }, Field::Name)
        | (What::Secret { kind: text, .. }, Field::Secret)
        | (What::Holds { content: text, .. }, Field::Content) => Some(text),
        _ => None,
    }
}

fn fact_texts(what: &What, field: Field) -> Vec<Cow<'_, str>> {
    if let Some(text) = plain(what, field) {
        return one(text);
    }
    match (what, field) {
        (What::Program { interpreter, .. }, Field::Interpreter) => maybe(interpreter.as_ref()),
        (What::Program { machine, .. }, Field::Machine) => maybe(machine.as_ref()),
        (What::Program { traits, .. }, Field::Trait) => {
            traits.iter().map(|t| Cow::Borrowed(t.as_str())).collect()
        }
        (What::Program { form, .. }, Field::Form) => vec![word(form).into()],
        (What::Library { status, .. } | What::Module { status, .. }, Field::Status) => {
            vec![word(status).into()]
        }
        (What::Module { kind, .. } | What::Asks { kind, .. }, Field::Opener) => {
            vec![word(kind).into()]
        }
        (What::Module { priority, .. }, Field::Priority) => vec![word(priority).into()],
        (What::Listens { port, .. }, Field::Port) => {
            port.iter().map(|port| port.to_string().into()).collect()
        }
        (What::Listens { protocol, .. }, Field::Protocol) => maybe(protocol.as_ref()),
        (
            What::Listens {
                transport,
                port,
                address,
                ..
            },
            Field::Listen,
        ) => vec![listen(transport, *port, address).into()],
        (What::Account { uid, .. }, Field::User) => {
            uid.iter().map(|uid| uid.to_string().into()).collect()
        }
        (What::Owned { user, .. }, Field::User) => maybe(user.as_ref()),
        (What::Starts { program, .. }, Field::Program) => vec![program.to_text()],
        (What::Starts { args, .. }, Field::Args) => vec![args.join(" ").into()],
        (What::Env { value, .. }, Field::Value) => maybe(value.as_ref()),
        (What::Package { licence, .. }, Field::Licence) => maybe(licence.as_ref()),
        (What::Ownership { package, .. }, Field::Package) => maybe(package.as_ref()),
        (What::Licence { kind, .. }, Field::Licence) => vec![word(kind).into()],
        (What::Secret { key, .. }, Field::Key) => maybe(key.as_ref()),
        _ => Vec::new(),
    }
}

fn listen(transport: &str, port: Option<u16>, address: &str) -> String {
    match (port, address) {
        (Some(port), "") => format!("{transport} port {port}"),
        (Some(port), address) if address.contains(':') => {
            format!("{transport} [{address}]:{port}")
        }
        (Some(port), address) => format!("{transport} {address}:{port}"),
        (None, "") => transport.to_owned(),
        (None, address) => format!("{transport} {address}"),
    }
}

fn library_texts(library: &Library, field: Field) -> Vec<Cow<'_, str>> {
    match field {
        Field::Name => one(&library.name),
        Field::How => one(&library.how),
        Field::Status => vec![word(&library.status).into()],
        Field::Owner => vec![word(&library.owner).into()],
        Field::Package => maybe(library.package.as_ref()),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_version_six_keeps_its_port_apart() {
        assert_eq!(
            listen("tcp", Some(80), "2001:db8::1"),
            "tcp [2001:db8::1]:80"
        );
        assert_eq!(listen("unix", None, "/run/app.sock"), "unix /run/app.sock");
        assert_eq!(listen("udp", Some(53), ""), "udp port 53");
    }
}
