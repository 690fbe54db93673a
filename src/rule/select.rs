//! A condition: which things a rule is about.
//!
//! A closed struct and no expression language: a misspelt key, a key that does not fit the kind of
//! thing, or an expression that does not compile is an error with its place in the rule's file.

use std::collections::BTreeMap;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::fact::{
    Access, Certainty, Class, LibraryStatus, LicenceKind, Need, Ownership, ProgramForm, Source,
    StartKind, Touch, What,
};
use crate::path::AppPath;
use crate::report::Owner;

use super::field::{Field, Sort};
use super::item::Item;
use super::text::{Glob, Pattern};

/// A condition. All keys that are given must hold; a list holds when one of its elements does.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Keys")]
pub(super) struct Select {
    keys: Keys,
}

/// The keys of a condition as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The kind of thing.
    of: Sort,
    /// What is done to the path.
    #[serde(default)]
    touch: Vec<Touch>,
    /// The kind of source that names the path.
    #[serde(default)]
    source: Vec<Source>,
    /// What the path is for.
    #[serde(default)]
    class: Vec<Class>,
    /// Whether the path is written.
    #[serde(default)]
    access: Option<Access>,
    /// What kind of thing the kernel must give.
    #[serde(default)]
    need: Vec<Need>,
    /// What the package database says.
    #[serde(default)]
    state: Vec<Ownership>,
    /// What became of the library.
    #[serde(default)]
    status: Vec<LibraryStatus>,
    /// Who answers for the library.
    #[serde(default)]
    owner: Vec<Owner>,
    /// Who starts the program.
    #[serde(default)]
    how: Vec<StartKind>,
    /// Whether the program goes into the background by itself.
    #[serde(default)]
    forks: Option<bool>,
    /// The form of the program file.
    #[serde(default)]
    form: Vec<ProgramForm>,
    /// How free the licence is.
    #[serde(default)]
    licence: Vec<LicenceKind>,
    /// Whether the mount's content must be copied first.
    #[serde(default)]
    seed: Option<bool>,
    /// The port is lower than this.
    #[serde(default)]
    port_below: Option<u16>,
    /// How it is known, at least.
    #[serde(default)]
    certainty: Option<Certainty>,
    /// The path is one of these directories or below; `{prefix}` stands for the application's.
    #[serde(default)]
    under: Vec<Place>,
    /// The path is in none of these.
    #[serde(default)]
    not_under: Vec<Place>,
    /// The file in which it was seen is in one of these.
    #[serde(default, rename = "in")]
    within: Vec<Place>,
    /// The file in which it was seen is in none of these.
    #[serde(default)]
    not_in: Vec<Place>,
    /// The field is of one of these forms (`*` and `?`).
    #[serde(default)]
    is: BTreeMap<Field, Vec<Glob>>,
    /// The field is of none of these forms; absent is fine.
    #[serde(default)]
    is_not: BTreeMap<Field, Vec<Glob>>,
    /// The regular expression matches in the field.
    #[serde(default)]
    matches: BTreeMap<Field, Pattern>,
    /// The regular expression does not match in the field; absent is fine.
    #[serde(default)]
    not_matches: BTreeMap<Field, Pattern>,
    /// The field is absent.
    #[serde(default)]
    lacks: Vec<Field>,
}

impl TryFrom<Keys> for Select {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        keys.check()?;
        Ok(Self { keys })
    }
}

impl Keys {
    /// Refuses a key that could never hold for this kind of thing.
    fn check(&self) -> Result<(), String> {
        use Sort as S;
        let paths: &[Sort] = &[S::Path, S::PathEntry, S::Mount];
        let classed: &[Sort] = &[S::Path, S::Holds, S::PathEntry, S::Mount];
        for (given, key, sorts) in [
            (!self.touch.is_empty(), "touch", &[S::Path][..]),
            (!self.source.is_empty(), "source", &[S::Path]),
            (!self.class.is_empty(), "class", classed),
            (self.access.is_some(), "access", paths),
            (!self.need.is_empty(), "need", &[S::Needs]),
            (!self.state.is_empty(), "state", &[S::Ownership]),
            (
                !self.status.is_empty(),
                "status",
                &[S::Library, S::Module, S::LibraryEntry],
            ),
            (!self.owner.is_empty(), "owner", &[S::LibraryEntry]),
            (!self.how.is_empty(), "how", &[S::Starts]),
            (self.forks.is_some(), "forks", &[S::Starts]),
            (!self.form.is_empty(), "form", &[S::Program]),
            (!self.licence.is_empty(), "licence", &[S::Licence]),
            (self.seed.is_some(), "seed", &[S::Mount]),
            (self.port_below.is_some(), "port_below", &[S::Listens]),
        ] {
            if given && !sorts.contains(&self.of) {
                let may: Vec<String> = sorts.iter().map(|sort| sort.word()).collect();
                return Err(format!(
                    "`{key}` says nothing of `{}`; it goes with {}",
                    self.of.word(),
                    may.join(", ")
                ));
            }
        }
        let named = self.is.keys().chain(self.is_not.keys());
        let matched = self.matches.keys().chain(self.not_matches.keys());
        for field in named.chain(matched).chain(&self.lacks) {
            if !self.of.has(*field) {
                return Err(no_field(self.of, *field));
            }
        }
        Ok(())
    }
}

/// A directory in a condition.
#[derive(Clone, Debug)]
enum Place {
    /// It and what lies below it.
    Fixed(AppPath),
    /// The same in each of the application's directories.
    OfPrefix(String),
}

impl Place {
    fn covers(&self, path: &AppPath, prefixes: &[AppPath]) -> bool {
        match self {
            Self::Fixed(dir) => path.is_within(dir),
            Self::OfPrefix(below) if below.is_empty() => is_own(path, prefixes),
            Self::OfPrefix(below) => prefixes
                .iter()
                .any(|prefix| path.is_within(&prefix.join(below))),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const PREFIX: &str = "{prefix}";
        let text = String::deserialize(deserializer)?;
        let below = text.strip_prefix(PREFIX);
        match below.filter(|below| below.is_empty() || below.starts_with('/')) {
            Some(below) => Ok(Self::OfPrefix(below.trim_matches('/').to_owned())),
            None if text.starts_with('/') => Ok(Self::Fixed(AppPath::from_text(&text))),
            None => Err(de::Error::custom(format!(
                "`{text}` is not a directory: begin it with `/` or `{PREFIX}`"
            ))),
        }
    }
}

/// Whether `path` lies in one of the application's directories, which are sorted and none of
/// which lies in another: only the last that does not sort behind it can hold it.
pub(super) fn is_own(path: &AppPath, prefixes: &[AppPath]) -> bool {
    let next = prefixes.partition_point(|prefix| prefix <= path);
    let last = next.checked_sub(1).and_then(|last| prefixes.get(last));
    last.is_some_and(|prefix| path.is_within(prefix))
}

/// The message for a field that a kind of thing does not have.
pub(super) fn no_field(sort: Sort, field: Field) -> String {
    let mut may = vec!["path".to_owned(), "file".to_owned(), "base".to_owned()];
    may.extend(sort.fields().iter().map(|field| field.word()));
    format!(
        "`{}` has no field `{}`; it has {}",
        sort.word(),
        field.word(),
        may.join(", ")
    )
}

impl Select {
    /// The kind of thing it selects.
    pub(super) fn sort(&self) -> Sort {
        self.keys.of
    }

    /// The forms that it asks for in `field`, of which one must hold.
    pub(super) fn asked(&self, field: Field) -> impl Iterator<Item = &Glob> {
        self.keys.is.get(&field).into_iter().flatten()
    }

    /// Whether `item` is one of those meant; `prefixes` are the application's directories.
    pub(super) fn holds(&self, item: Item<'_>, prefixes: &[AppPath]) -> bool {
        let keys = &self.keys;
        item.sort() == keys.of
            && keys.certainty.is_none_or(|least| item.certainty() >= least)
            && one_of(&keys.class, item.class())
            && keys.access.is_none_or(|want| item.access() == Some(want))
            && keys.kinds(item)
            && keys.places(item, prefixes)
            && keys.texts(item)
    }
}

/// An empty list leaves it open.
fn one_of<T: PartialEq>(list: &[T], value: Option<T>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.contains(&value))
}

impl Keys {
    /// The conditions on fields that hold one of a few words.
    fn kinds(&self, item: Item<'_>) -> bool {
        match item {
            Item::Fact(fact) => match &fact.what {
                What::Path { touch, source, .. } => {
                    one_of(&self.touch, Some(*touch)) && one_of(&self.source, Some(*source))
                }
                What::Needs { need, .. } => one_of(&self.need, Some(*need)),
                What::Ownership { state, .. } => one_of(&self.state, Some(*state)),
                What::Library { status, .. } | What::Module { status, .. } => {
                    one_of(&self.status, Some(*status))
                }
                What::Starts { how, forks, .. } => {
                    one_of(&self.how, Some(*how))
                        && self.forks.is_none_or(|want| *forks == Some(want))
                }
                What::Program { form, .. } => one_of(&self.form, Some(*form)),
                What::Licence { kind, .. } => one_of(&self.licence, Some(*kind)),
                What::Listens { port, .. } => self
                    .port_below
                    .is_none_or(|below| port.is_some_and(|port| port > 0 && port < below)),
                _ => true,
            },
            Item::Library(library) => {
                one_of(&self.status, Some(library.status))
                    && one_of(&self.owner, Some(library.owner))
            }
            Item::Mount(mount) => self.seed.is_none_or(|want| mount.seed == want),
            Item::Entry(_) | Item::Prefix(_) => true,
        }
    }

    fn places(&self, item: Item<'_>, prefixes: &[AppPath]) -> bool {
        let inside =
            |path: &AppPath, dirs: &[Place]| dirs.iter().any(|dir| dir.covers(path, prefixes));
        (self.under.is_empty() || inside(item.path(), &self.under))
            && !inside(item.path(), &self.not_under)
            && (self.within.is_empty() || inside(item.file(), &self.within))
            && !inside(item.file(), &self.not_in)
    }

    fn texts(&self, item: Item<'_>) -> bool {
        let any = |field: Field, test: &dyn Fn(&str) -> bool| {
            item.texts(field).iter().any(|text| test(text))
        };
        let globs = |(field, globs): (&Field, &Vec<Glob>)| {
            any(*field, &|text| globs.iter().any(|glob| glob.matches(text)))
        };
        let patterns =
            |(field, pattern): (&Field, &Pattern)| any(*field, &|text| pattern.matches(text));
        self.is.iter().all(globs)
            && !self.is_not.iter().any(globs)
            && self.matches.iter().all(patterns)
            && !self.not_matches.iter().any(patterns)
            && self.lacks.iter().all(|field| !any(*field, &|_| true))
    }
}

/// One condition, or a list of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Selects(pub(super) Vec<Select>);

// By hand rather than as an untagged enum: that would lose the place and the words of an error.
impl<'de> Deserialize<'de> for Selects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Selects;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a condition, or a list of conditions")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Selects, A::Error> {
                let one = Select::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Selects(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Selects, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                Ok(Selects(many))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Fact, Locus};

    #[derive(Debug, Deserialize)]
    struct Rule {
        #[expect(dead_code, reason = "read to see that it is refused")]
        when: Selects,
    }

    fn select(text: &str) -> Select {
        toml::from_str(text).unwrap()
    }

    fn listens(protocol: Option<&str>, port: u16) -> Fact {
        Fact {
            at: Locus::file(&AppPath::new("/etc/app/app.conf")),
            what: What::Listens {
                transport: "tcp".into(),
                port: Some(port),
                address: String::new(),
                protocol: protocol.map(Into::into),
            },
            certainty: Certainty::Inferred,
        }
    }

    fn holds(text: &str, fact: &Fact) -> bool {
        select(text).holds(Item::Fact(fact), &[AppPath::new("/opt/app")])
    }

    #[test]
    fn every_key_must_hold() {
        let http = listens(Some("http"), 80);
        assert!(holds("of = 'listens'\nport_below = 1024", &http));
        assert!(!holds("of = 'listens'\nport_below = 80", &http));
        assert!(holds("of = 'listens'\nis.protocol = ['http*']", &http));
        assert!(!holds("of = 'listens'\nis_not.protocol = ['http*']", &http));
        assert!(!holds("of = 'listens'\ncertainty = 'declared'", &http));
        assert!(holds("of = 'listens'\nin = ['/etc']", &http));
        assert!(!holds("of = 'listens'\nnot_in = ['/etc/app']", &http));
        assert!(!holds("of = 'talks'", &http));
    }

    #[test]
    fn an_absent_field_is_not_of_a_form_and_lacks() {
        let plain = listens(None, 9000);
        assert!(holds("of = 'listens'\nis_not.protocol = ['http']", &plain));
        assert!(!holds("of = 'listens'\nis.protocol = ['*']", &plain));
        assert!(holds("of = 'listens'\nlacks = ['protocol']", &plain));
        assert!(holds("of = 'listens'\nmatches.port = '^90'", &plain));
        assert!(!holds("of = 'listens'\nnot_matches.port = '^90'", &plain));
    }

    #[test]
    fn the_prefix_stands_for_the_application() {
        let fact = Fact {
            at: Locus::file(&AppPath::new("/opt/app/run.sh")),
            what: What::Path {
                path: AppPath::new("/opt/app/var/x.db"),
                touch: Touch::Writes,
                source: Source::Script,
                by: "redirect".into(),
                kind: None,
                class: None,
            },
            certainty: Certainty::Inferred,
        };
        assert!(holds("of = 'path'\nunder = ['{prefix}/var']", &fact));
        assert!(!holds("of = 'path'\nunder = ['{prefix}/etc']", &fact));
        assert!(holds("of = 'path'\naccess = 'rw'", &fact));
        assert!(!holds("of = 'path'\nclass = ['data']", &fact));
    }

    #[test]
    fn what_belongs_to_the_application_is_found_among_many_directories() {
        let mut dirs = ["/opt/app", "/opt/app-data", "/usr/lib/app", "/opt/a"]
            .map(AppPath::new)
            .to_vec();
        dirs.sort();
        for (path, own) in [
            ("/opt/app", true),
            ("/opt/app/x", true),
            ("/opt/app-data/x", true),
            ("/opt/application", false),
            ("/opt", false),
            ("/usr/lib/app/y/z", true),
            ("/usr/lib", false),
        ] {
            assert_eq!(is_own(&AppPath::new(path), &dirs), own, "{path}");
        }
    }

    #[test]
    fn a_key_that_can_never_hold_is_refused() {
        for (text, word) in [
            ("of = 'listens'\ntouch = ['writes']", "`touch`"),
            ("of = 'listens'\nis.symbol = ['x']", "`symbol`"),
            ("of = 'path'\nunder = ['opt']", "`opt`"),
            ("of = 'path'\nunder = ['{prefix}x']", "`{prefix}x`"),
            ("of = 'path'\ntouch = ['write']", "`write`"),
            ("of = 'path'\nmatches.by = '('", "regular expression"),
        ] {
            let rule = format!("[when]\n{text}");
            let error = toml::from_str::<Rule>(&rule).unwrap_err();
            assert!(error.message().contains(word), "{text}: {error}");
            assert!(error.span().is_some(), "{text}: no place");
        }
    }
}
