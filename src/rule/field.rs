//! The kinds of things a rule speaks of and the fields they have: the table that a rule's file is
//! checked against.

use serde::{Deserialize, Serialize};

/// The kind of thing a condition speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sort {
    /// A fact: a path that is named, read or written.
    Path,
    /// A fact: a setting.
    Setting,
    /// A fact: a program file.
    Program,
    /// A fact: a library that a file needs.
    Library,
    /// A fact: a module that is opened by name while a program runs.
    Module,
    /// A fact: a module that a script asks for.
    Asks,
    /// A fact: a search path for libraries.
    SearchPath,
    /// A fact: a library call.
    Imports,
    /// A fact: an address that is listened on.
    Listens,
    /// A fact: somebody who is talked to.
    Talks,
    /// A fact: the user of a process.
    RunsAs,
    /// A fact: an account.
    Account,
    /// A fact: a program that is started.
    Starts,
    /// A fact: a program that is started and not there.
    Absent,
    /// A fact: an environment variable.
    Env,
    /// A fact: a command that a script calls.
    Calls,
    /// A fact: something the kernel must give.
    Needs,
    /// A fact: a package.
    Package,
    /// A fact: what the package database says about a file.
    Ownership,
    /// A fact: a licence.
    Licence,
    /// A fact: the place of a key or password.
    Secret,
    /// A fact: a file that testifies by its content, owner, mode or time.
    Holds,
    /// A fact: who is to own a path.
    Owned,
    /// A fact: a directive on how a process is run, limited or ended.
    Directive,
    /// A path of the report, classified from all its facts.
    PathEntry,
    /// A library of the report, as the loader finds it for the whole application.
    LibraryEntry,
    /// A mount of the plan.
    Mount,
    /// A directory of the application; see [`super::Subject::prefixes`].
    Prefix,
}

/// A property by which things are selected, told apart and described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Field {
    /// The path it is about; the file, where it is about no other.
    Path,
    /// The file in which it was seen.
    File,
    /// The last component of the path.
    Base,
    /// Name of a library, account, unit, variable, need, package or licence.
    Name,
    /// Key of a setting or of a secret inside a file.
    Key,
    /// Value of a setting or variable; never shown.
    Value,
    /// Key, option, command or call that names a path.
    By,
    /// Class of a path.
    Class,
    /// Form of a program file.
    Form,
    /// Interpreter of a program file.
    Interpreter,
    /// Machine of a program file.
    Machine,
    /// A trait of a program file.
    Trait,
    /// Status of a library.
    Status,
    /// How a library was found, or why not.
    How,
    /// Who answers for a library.
    Owner,
    /// What opens a module: `pam`, `name-service`, `jni`, …
    Opener,
    /// How much a module matters: `required`, `recommended`, `suggested`.
    Priority,
    /// `rpath`, `runpath` or `ld-library-path`.
    Tag,
    /// The elements of a search path.
    Search,
    /// A symbol.
    Symbol,
    /// `tcp`, `udp`, `unix`, …
    Transport,
    /// A port.
    Port,
    /// The address listened on.
    Address,
    /// The protocol spoken.
    Protocol,
    /// Transport, address and port in one: `tcp 10.0.0.5:80`.
    Listen,
    /// The kind of service talked to.
    Service,
    /// The host, address or socket talked to.
    To,
    /// A user.
    User,
    /// The program that is started.
    Program,
    /// Arguments; never shown.
    Args,
    /// The command that is called.
    Command,
    /// The package manager.
    Manager,
    /// A package.
    Package,
    /// The licence as the package states it, or its kind.
    Licence,
    /// The kind of a secret.
    Secret,
    /// What a file holds.
    Content,
}

impl Sort {
    /// All, in the order of this list.
    pub(super) const ALL: [Self; 28] = [
        Self::Path,
        Self::Setting,
        Self::Program,
        Self::Library,
        Self::Module,
        Self::Asks,
        Self::SearchPath,
        Self::Imports,
        Self::Listens,
        Self::Talks,
        Self::RunsAs,
        Self::Account,
        Self::Starts,
        Self::Absent,
        Self::Env,
        Self::Calls,
        Self::Needs,
        Self::Package,
        Self::Ownership,
        Self::Licence,
        Self::Secret,
        Self::Holds,
        Self::Owned,
        Self::Directive,
        Self::PathEntry,
        Self::LibraryEntry,
        Self::Mount,
        Self::Prefix,
    ];

    /// The fields it has besides [`Field::Path`], [`Field::File`] and [`Field::Base`].
    #[must_use]
    pub(super) fn fields(self) -> &'static [Field] {
        use Field as F;
        match self {
            Self::Path => &[F::By, F::Class],
            Self::Setting | Self::Directive => &[F::Key, F::Value],
            Self::Program => &[F::Form, F::Interpreter, F::Machine, F::Trait],
            Self::Library => &[F::Name, F::Status, F::How],
            Self::Module => &[F::Name, F::Status, F::How, F::Opener, F::Priority],
            Self::Asks => &[F::Name, F::Opener],
            Self::SearchPath => &[F::Tag, F::Search],
            Self::Imports => &[F::Symbol],
            Self::Listens => &[F::Transport, F::Port, F::Address, F::Protocol, F::Listen],
            Self::Talks => &[F::Service, F::To],
            Self::RunsAs | Self::Owned => &[F::User],
            Self::Account => &[F::Name, F::User],
            Self::Starts => &[F::Program, F::Args, F::Name],
            Self::Absent => &[F::By],
            Self::Env => &[F::Name, F::Value],
            Self::Calls => &[F::Command, F::Args],
            Self::Needs => &[F::Name],
            Self::Package => &[F::Manager, F::Name, F::Licence],
            Self::Ownership => &[F::Package],
            Self::Licence => &[F::Name, F::Licence],
            Self::Secret => &[F::Secret, F::Key],
            Self::Holds => &[F::Content, F::Class],
            Self::PathEntry | Self::Mount => &[F::Class],
            Self::LibraryEntry => &[F::Name, F::Status, F::How, F::Owner, F::Package],
            Self::Prefix => &[],
        }
    }

    /// Whether it has `field`.
    pub(super) fn has(self, field: Field) -> bool {
        matches!(field, Field::Path | Field::File | Field::Base) || self.fields().contains(&field)
    }

    /// The field that tells two of its things apart.
    pub(super) fn identity(self) -> Field {
        match self {
            Self::Setting | Self::Directive => Field::Key,
            Self::SearchPath => Field::Search,
            Self::Imports => Field::Symbol,
            Self::Listens => Field::Listen,
            Self::Talks => Field::To,
            Self::RunsAs => Field::User,
            Self::Calls => Field::Command,
            Self::Library
            | Self::Module
            | Self::Asks
            | Self::LibraryEntry
            | Self::Account
            | Self::Starts
            | Self::Env
            | Self::Needs
            | Self::Package
            | Self::Licence => Field::Name,
            Self::Path
            | Self::Program
            | Self::Absent
            | Self::Ownership
            | Self::Secret
            | Self::Holds
            | Self::Owned
            | Self::PathEntry
            | Self::Mount
            | Self::Prefix => Field::Path,
        }
    }

    /// The name by which a rule's file calls it.
    #[must_use]
    pub(super) fn word(self) -> String {
        word(&self)
    }
}

impl Field {
    /// The name by which a rule's file calls it.
    pub(super) fn word(self) -> String {
        word(&self)
    }

    /// The field of that name.
    pub(super) fn from_word(name: &str) -> Option<Self> {
        use serde::de::IntoDeserializer as _;
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            name.into_deserializer();
        Self::deserialize(name).ok()
    }

    /// Whether it can hold a password, which nothing may show.
    pub(super) fn may_be_secret(self) -> bool {
        matches!(self, Self::Value | Self::Args)
    }
}

/// The word by which a unit variant is written in JSON and TOML.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_word() {
        for field in [Field::Path, Field::Listen, Field::Interpreter] {
            assert_eq!(Field::from_word(&field.word()), Some(field));
        }
        assert_eq!(Field::from_word("Path"), None);
    }

    #[test]
    fn a_sort_has_the_field_that_identifies_it() {
        for sort in Sort::ALL {
            assert!(sort.has(sort.identity()), "{}", sort.word());
        }
    }
}
