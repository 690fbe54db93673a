//! What speaks for a path, put together: who names it, in which way, and how sure that is.

use super::{Ground, keys, witness};
use crate::fact::{Access, Certainty, Class, Fact, Kind, Source, Touch, What};
use crate::knowledge::{self, places};
use crate::link::live::Voice;
use crate::path::AppPath;

/// What an init script keeps count with of what it has started.
const BOOKKEEPING: [&str; 13] = [
    "[", "cat", "echo", "flock", "kill", "lockfile", "pidfile", "read", "redirect", "rm", "test",
    "touch", "unlink",
];

/// What speaks for a path.
#[derive(Default)]
pub(super) struct Weight {
    /// The strongest evidence that it is written, and not only by an installation.
    pub(super) written: Option<Certainty>,
    /// The strongest evidence that it is used at all.
    pub(super) used: Option<Certainty>,
    /// A source's word on the class, with how sure it is.
    pub(super) class: Option<(Certainty, Class)>,
    pub(super) kind: Option<Kind>,
    /// Only a literal, or a default that is commented out, names it.
    pub(super) only_guessed: bool,
    /// Only literals of programs name it, of which nothing tells whether they are used.
    pub(super) only_literals: bool,
    /// Only examples and tools name it.
    pub(super) only_apart: bool,
    /// Only the packages' lists and installation scripts name it.
    pub(super) only_installed: bool,
    /// The tree itself shows it.
    pub(super) witnessed: bool,
    /// A program of the application has exactly this path in it.
    pub(super) named_by_own: bool,
    /// Nothing but reading was seen.
    pub(super) read_only: bool,
    /// Only arguments of programs name it.
    pub(super) only_arguments: bool,
    /// Only init scripts name it, for themselves: their locks and the numbers of what they start.
    pub(super) only_starter: bool,
    /// A script that runs takes its settings from it.
    pub(super) sourced: bool,
    /// It holds a key or password.
    pub(super) holds_key: bool,
    /// Nothing else is known of it.
    pub(super) only_key: bool,
    /// The settings of the server that runs the application.
    pub(super) is_servers: bool,
    /// Settings, units or scripts that are in force say that state is kept there.
    pub(super) declared_place: bool,
    /// Settings of a program that was followed name it, which nothing in the program is seen to use.
    pub(super) only_named: bool,
    /// Whether the service manager alone reads it, and hands over the variables in it.
    pub(super) only_variables: bool,
    /// Whether nothing says that it is written but settings, as the log of what the path is called after.
    pub(super) others_log: bool,
    /// A program that was followed names it, and its name is one of a database that a library makes where
    /// it is asked for.
    pub(super) is_database: bool,
    /// It is replaced by a file of another name (rename(2)).
    pub(super) replaced: bool,
    /// It is put in the place of another file: a name for the time of writing.
    pub(super) moved_away: bool,
    /// Settings say by name that the application fills the directory, or its interpreter does:
    /// what looks like code in it was made there.
    pub(super) generated: bool,
}

/// Whether a source declares where state is kept, rather than only mentions a path.
fn declares(source: Source) -> bool {
    matches!(
        source,
        Source::Config
            | Source::Unit
            | Source::Tmpfiles
            | Source::Environment
            | Source::Argument
            | Source::Init
            | Source::Script
            | Source::Cron
            | Source::Trace
    )
}

/// Whether a write below `/etc` is the service's own: an installation makes settings, and a unit
/// may allow more than the service does.
fn rewrites_settings(touch: Touch, source: Source, certainty: Certainty) -> bool {
    (touch > Touch::Grants || matches!(source, Source::Init | Source::Script))
        && certainty > Certainty::Guessed
        && matches!(
            source,
            Source::Script
                | Source::Init
                | Source::Cron
                | Source::Config
                | Source::Code
                | Source::Trace
                | Source::Tree
        )
}

impl Ground<'_> {
    pub(super) fn weigh(&self, path: &AppPath, facts: &[&Fact]) -> Weight {
        let mut weight = Weight {
            only_guessed: true,
            only_apart: true,
            only_literals: true,
            only_installed: true,
            only_starter: true,
            only_arguments: true,
            only_key: true,
            only_named: true,
            others_log: true,
            only_variables: true,
            read_only: true,
            ..Weight::default()
        };
        let settings = path.components().next() == Some(b"etc");
        let prior = knowledge::prior(path);
        let in_prefix = self.scope.in_prefix(path).is_some();
        let only_read = !in_prefix && self.is_only_read(facts);
        for fact in facts {
            let What::Path {
                touch,
                source,
                kind,
                class,
                by,
                ..
            } = &fact.what
            else {
                continue;
            };
            let Some(heard) = self.voices.certainty(fact) else {
                continue;
            };
            // Who speaks was weighed already where temporary files were concluded from calls.
            let concluded = *source == Source::Code && *class == Some(Class::Temp);
            let certainty = if concluded { fact.certainty } else { heard };
            weight.used = weight.used.max(Some(certainty));
            weight.only_guessed &= certainty == Certainty::Guessed;
            weight.only_literals &= *source == Source::Literal;
            weight.only_apart &= !concluded && self.voices.of(fact) != Voice::Live;
            // What a program is seen to read it does not write because a key is called after logs.
            let is_read = only_read && *source == Source::Config;
            weight.read_only &= *touch == Touch::Reads || is_read;
            weight.holds_key |= by == keys::BY;
            weight.only_key &= by == keys::BY;
            weight.only_named &= *source == Source::Config
                && *touch == Touch::Names
                && self.voices.is_closed(&fact.at.file);
            weight.only_variables &= by.starts_with("EnvironmentFile");
            weight.others_log &=
                !touch.is_write() || *source == Source::Config && is_log_of(by, path);
            weight.is_servers |= *source == Source::Config
                && fact.certainty == Certainty::Declared
                && by == "ServerRoot";
            weight.declared_place |= certainty > Certainty::Guessed
                && (touch.is_write()
                    || matches!(class, Some(Class::Data | Class::Log | Class::Cache)))
                && kind.is_some()
                && declares(*source);
            weight.is_database |= *source == Source::Script
                && places::is_database_name(path.name())
                && self.voices.is_followed(&fact.at.file);
            weight.replaced |= touch.is_write() && knowledge::is_rename(by);
            weight.moved_away |= *touch == Touch::Removes && knowledge::is_rename(by);
            weight.sourced |= by == "source"
                && matches!(source, Source::Init | Source::Script)
                && self.voices.of(fact) == Voice::Live;
            weight.generated |= *kind == Some(Kind::Dir)
                && *touch == Touch::Writes
                && certainty > Certainty::Guessed
                && self.voices.of(fact) == Voice::Live
                && (*source == Source::Config || by == witness::NEWER);
            weight.only_installed &= matches!(
                source,
                Source::Maintainer | Source::Package | Source::Account
            );
            let is_number = *class == Some(Class::Runtime) && *source == Source::Argument;
            weight.only_arguments &= *source == Source::Argument;
            let keeps_count = *source == Source::Init && BOOKKEEPING.contains(&by.as_str());
            weight.only_starter &= (keeps_count || is_number) && *kind != Some(Kind::Dir);
            weight.witnessed |= *source == Source::Tree;
            weight.named_by_own |= *source == Source::Literal
                && self.scope.contains(&fact.at.file)
                && matches!(&fact.what, What::Path { path: named, .. } if named == path);
            let counts = if settings {
                rewrites_settings(*touch, *source, certainty)
            } else {
                *source != Source::Maintainer || prior.access == Access::Rw || in_prefix
            };
            if touch.is_write() && counts && !is_read {
                weight.written = weight.written.max(Some(certainty));
            }
            weight.kind = weight.kind.or(*kind);
            if let Some(class) = class
                && weight.class.is_none_or(|(known, _)| known < certainty)
            {
                weight.class = Some((certainty, *class));
            }
        }
        weight
    }

    /// Whether a program that is followed from its start reads a path, and nothing shows that anybody
    /// writes it but what the name of a key may mean.
    fn is_only_read(&self, facts: &[&Fact]) -> bool {
        let mut is_read = false;
        for fact in facts {
            let What::Path { touch, source, .. } = &fact.what else {
                continue;
            };
            if self.voices.of(fact) != Voice::Live {
                continue;
            }
            let is_said = fact.certainty > Certainty::Inferred;
            let is_settings =
                *source == Source::Config && (!is_said || self.voices.is_closed(&fact.at.file));
            if touch.is_write() && !is_settings {
                return false;
            }
            is_read |= *source == Source::Script
                && *touch == Touch::Reads
                && self.voices.is_followed(&fact.at.file);
        }
        is_read
    }
}

/// Whether a key is that of the log of something that the log is called after, and not of a kind of log:
/// `cups_log` of `/var/log/cups/page_log`, and not `access_log` of `/var/log/access.log`.
fn is_log_of(key: &str, path: &AppPath) -> bool {
    const KINDS: [&str; 12] = [
        "access", "audit", "custom", "debug", "error", "event", "general", "main", "query",
        "server", "slow", "transfer",
    ];
    let key = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    let Some(owner) = key
        .strip_suffix("log")
        .map(|owner| owner.trim_end_matches(['_', '-']))
    else {
        return false;
    };
    // `imap` of `imapd`, `ftp` of `vsftpd`.
    let named = |part: &[u8]| {
        let part = String::from_utf8_lossy(part).to_ascii_lowercase();
        part.contains(owner)
    };
    owner.len() > 2 && !KINDS.contains(&owner) && path.components().skip(2).any(named)
}
