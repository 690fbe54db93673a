//! What files and special nodes testify by content, name, mode and size: databases, logs, marks of
//! a running process, secrets, licences, Java archives.

use super::{Extractor, Input, Out};
use crate::fact::{
    Certainty, Class, Fact, IssueKind, Kind, LicenceKind, Locus, Need, ProgramForm, Stat, What,
};
use crate::parse::content::keystore::Store;
use crate::parse::content::licence::{Freedom, Licence};
use crate::parse::content::{Format, Role, capability, jar, keystore, licence, recognise, secret};
use crate::path::AppPath;

/// Recognises what a file is.
pub const EXTRACTOR: Extractor = Extractor {
    name: "content",
    wants: |input| input.stat.kind == Kind::File,
    run,
};

/// Reads Java archives.
pub const JAR: Extractor = Extractor {
    name: "jar",
    wants: is_archive,
    run: archive,
};

/// From this size a file is worth a word: an image layer or a ConfigMap cannot hold it, and a copy
/// takes minutes.
const LARGE: u64 = 1 << 30;

/// Files smaller than this are not called sparse.
const SPARSE: u64 = 1 << 20;

/// A text with more than this is not searched for secrets unless something speaks for it.
const SEARCHED: u64 = 64 << 10;

fn run(input: &Input<'_>, out: &mut Out) {
    let parent = input.path.parent().unwrap_or_else(AppPath::root);
    let (parent, name) = (parent.name(), input.path.name());
    // Manual pages and documents are named after what they describe.
    let is_document = input.path.is_within(&AppPath::new("/usr/share"));
    let format = recognise(parent, name, input.head, input.stat.size)
        .filter(|format| format.by_content || !is_document);
    if let Some(format) = format {
        let certainty = if format.by_content && !is_sample(input.path) {
            Certainty::Observed
        } else {
            Certainty::Guessed
        };
        let what = holds(format, is_shipped(input.path));
        out.fact(Locus::file(input.path), certainty, what);
    }
    if input.stat.size > 0 {
        secrets(input, parent, name, out);
        terms(input, name, out);
    }
}

/// Whether a file lies where only packages put files, to be shared and read (hier(7)): a database
/// there is content that was shipped, not state.
fn is_shipped(path: &AppPath) -> bool {
    let mut parts = path.components();
    parts.next() == Some(b"usr") && parts.next().is_some_and(|part| part != b"local")
}

/// Whether a file belongs to tests or examples: what it holds is real, and matters less.
fn is_sample(path: &AppPath) -> bool {
    let mut parts = path.components().rev();
    parts.next();
    parts.any(|part| {
        let part = part.trim_ascii_start();
        let part = part.strip_prefix(b"_").unwrap_or(part);
        [
            &b"doc"[..],
            b"docs",
            b"example",
            b"examples",
            b"sample",
            b"samples",
            b"test",
            b"testdata",
            b"testing",
            b"tests",
        ]
        .contains(&part)
    })
}

fn holds(format: Format, shipped: bool) -> What {
    let class = match format.role {
        Role::Data if shipped => Class::Code,
        Role::Data => Class::Data,
        Role::Log => Class::Log,
        Role::Cache => Class::Cache,
        Role::Runtime => Class::Runtime,
    };
    What::Holds {
        content: format.name.to_owned(),
        class: Some(class),
    }
}

/// Keys, passwords and tokens: their place and kind.
fn secrets(input: &Input<'_>, parent: &[u8], name: &[u8], out: &mut Out) {
    let add = |out: &mut Out, at, certainty: Certainty, kind: &str| {
        let certainty = if is_sample(input.path) {
            Certainty::Guessed
        } else {
            certainty
        };
        let what = What::Secret {
            kind: kind.to_owned(),
            key: None,
        };
        out.fact(at, certainty, what);
    };
    let whole = || Locus::file(input.path);
    let kind = match keystore::recognise(name, input.head, input.source) {
        Some(Store::Keys) => Some("keystore"),
        Some(Store::PrivateKey) => Some("private-key"),
        Some(Store::Keytab) => Some("keytab"),
        Some(Store::Tickets) => Some("token"),
        Some(Store::Certificates) => {
            out.fact(whole(), Certainty::Observed, certificate("truststore"));
            None
        }
        None => None,
    };
    if let Some(kind) = kind {
        return add(out, whole(), Certainty::Observed, kind);
    }
    let is_program = input.stat.mode & 0o111 != 0 && !input.is_text();
    if let Some(found) = secret::by_name(parent, name).filter(|_| !is_program) {
        return add(out, whole(), Certainty::Guessed, found.kind);
    }
    if !input.is_text() {
        return;
    }
    let text = if is_searched(input) {
        input.text()
    } else {
        input.head
    };
    for found in secret::in_text(name, text) {
        let at = found
            .line
            .map_or_else(whole, |line| Locus::line(input.path, line));
        add(out, at, Certainty::Observed, found.kind);
    }
    if input.head.starts_with(b"-----BEGIN") && secret::has_certificate(text) {
        out.fact(whole(), Certainty::Observed, certificate("certificate"));
    }
}

fn certificate(content: &str) -> What {
    What::Holds {
        content: content.to_owned(),
        class: None,
    }
}

/// Whether a text is searched beyond its head: it is small, or it begins as files with keys do.
fn is_searched(input: &Input<'_>) -> bool {
    input.stat.size <= SEARCHED && !secret::is_code(input.path.name())
        || input.stat.size <= secret::LIMIT as u64
            && memchr::memmem::find(input.head, b"-----BEGIN ").is_some()
}

/// Licence texts and files, and the programs that watch them.
fn terms(input: &Input<'_>, name: &[u8], out: &mut Out) {
    let mut add = |certainty, found: Licence| {
        let kind = match found.freedom {
            Freedom::Open => LicenceKind::Open,
            Freedom::Proprietary => LicenceKind::Proprietary,
            Freedom::Restrictive => LicenceKind::Restrictive,
        };
        let what = What::Licence {
            kind,
            name: found.name.to_owned(),
        };
        out.fact(Locus::file(input.path), certainty, what);
    };
    let restrictive = |name| Licence {
        freedom: Freedom::Restrictive,
        name,
    };
    if licence::is_daemon(name) && input.stat.mode & 0o111 != 0 {
        return add(Certainty::Guessed, restrictive("licence daemon"));
    }
    if !licence::is_candidate(name) {
        return;
    }
    let known = input
        .is_text()
        .then(|| licence::recognise(name, input.text()))
        .flatten();
    if let Some(found) = known {
        add(Certainty::Observed, found);
    } else if licence::is_key_file(name) {
        add(Certainty::Guessed, restrictive("licence file"));
    }
}

fn is_archive(input: &Input<'_>) -> bool {
    let name = input.path.name().to_ascii_lowercase();
    [&b".jar"[..], b".war", b".ear"]
        .iter()
        .any(|end| name.ends_with(end))
        && input.stat.size > 0
}

fn archive(input: &Input<'_>, out: &mut Out) {
    let at = || Locus::file(input.path);
    let Some(jar) = jar::read(input.source) else {
        return out.issue(at(), IssueKind::Malformed, "not a readable archive");
    };
    if jar.cut {
        let message = "an archive with so many entries that not all were looked at";
        out.issue(at(), IssueKind::LimitReached, message);
    }
    let mut traits: Vec<String> = Vec::new();
    let keyed = [
        ("main-class", jar.main_class),
        ("title", jar.title),
        ("version", jar.version),
    ];
    traits.extend(
        keyed
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}:{}", value?))),
    );
    traits.extend(jar.native.iter().map(|name| format!("native:{name}")));
    if jar.nested > 0 {
        traits.push(format!("nested-archives:{}", jar.nested));
    }
    let flags = [
        (jar.web, "web-application"),
        (jar.enterprise, "enterprise-application"),
        (jar.signed, "signed"),
    ];
    traits.extend(
        flags
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| name.to_owned()),
    );
    traits.sort();
    let what = What::Program {
        form: ProgramForm::Jar,
        interpreter: None,
        machine: None,
        traits,
    };
    out.fact(at(), Certainty::Observed, what);
}

/// What an entry says by its kind, mode and size alone, whether or not it is opened.
#[must_use]
pub fn of_entry(path: &AppPath, stat: &Stat) -> Vec<Fact> {
    let mut said: Vec<(&str, Option<Class>)> = Vec::new();
    match stat.kind {
        Kind::Fifo => said.push(("fifo", Some(Class::Runtime))),
        Kind::Socket => said.push(("socket", Some(Class::Runtime))),
        Kind::CharDevice | Kind::BlockDevice => said.push(("device-node", None)),
        Kind::File => file(stat, &mut said),
        Kind::Dir | Kind::Link => {}
    }
    if stat.mode & 0o002 != 0 && matches!(stat.kind, Kind::File | Kind::Dir) {
        // inode(7): in a sticky directory everybody may make files and only their owner remove them.
        said.push(if stat.kind == Kind::Dir && stat.mode & 0o1000 != 0 {
            ("sticky-directory", Some(Class::Temp))
        } else {
            ("world-writable", None)
        });
    }
    said.into_iter()
        .map(|(content, class)| Fact {
            at: Locus::file(path),
            what: What::Holds {
                content: content.to_owned(),
                class,
            },
            certainty: Certainty::Observed,
        })
        .collect()
}

fn file(stat: &Stat, said: &mut Vec<(&str, Option<Class>)>) {
    if stat.mode & 0o4000 != 0 && stat.mode & 0o111 != 0 {
        said.push(("setuid", None));
    }
    // Without group execution the bit asks for mandatory locking (inode(7)).
    if stat.mode & 0o2010 == 0o2010 {
        said.push(("setgid", None));
    }
    // A filesystem that compresses allocates less as well, though hardly an eighth.
    if stat.size >= SPARSE && stat.allocated < stat.size / 8 {
        said.push(("sparse-file", None));
    }
    if stat.size >= LARGE {
        said.push(("large-file", None));
    }
}

/// What the `security.capability` attribute of a program says (`tree` reads it when it
/// opens the file): that it has capabilities, and each of them as a need.
#[must_use]
pub fn of_capability(path: &AppPath, attribute: &[u8]) -> Vec<Fact> {
    let names = capability::names(attribute);
    let holds = (!names.is_empty()).then(|| What::Holds {
        content: "file-capability".to_owned(),
        class: None,
    });
    let needs = names.iter().map(|name| What::Needs {
        need: Need::Capability,
        name: (*name).to_owned(),
    });
    holds
        .into_iter()
        .chain(needs)
        .map(|what| Fact {
            at: Locus::file(path),
            what,
            certainty: Certainty::Observed,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(kind: Kind, mode: u32, size: u64) -> Stat {
        Stat {
            kind,
            size,
            allocated: size,
            mode,
            uid: 0,
            gid: 0,
            mtime: 0,
            id: (0, 0),
            links: 1,
        }
    }

    fn facts(path: &str, content: &[u8]) -> Vec<What> {
        let path = AppPath::new(path);
        let content = content.to_vec();
        let stat = stat(Kind::File, 0o644, content.len() as u64);
        let head = &content[..content.len().min(super::super::HEAD)];
        let mut out = Out::default();
        run(&Input::new(&path, &stat, head, &content), &mut out);
        out.facts.into_iter().map(|fact| fact.what).collect()
    }

    fn contents(facts: &[Fact]) -> Vec<&str> {
        let content = |fact| match fact {
            &Fact {
                what: What::Holds { ref content, .. },
                ..
            } => content.as_str(),
            other => panic!("{other:?}"),
        };
        facts.iter().map(content).collect()
    }

    #[test]
    fn a_secret_keeps_its_place_and_kind_and_not_its_value() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDa";
        let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let found = facts("/opt/app/conf/server.key", text.as_bytes());
        let want = What::Secret {
            kind: "private-key".into(),
            key: None,
        };
        assert_eq!(found, [want]);
        assert!(!format!("{found:?}").contains(body));
    }

    #[test]
    fn what_tests_and_packages_bring_along_is_no_state() {
        let database = b"SQLite format 3\0";
        let holds = |path: &str| match facts(path, database).as_slice() {
            [What::Holds { class, .. }] => *class,
            other => panic!("{other:?}"),
        };
        assert_eq!(holds("/usr/share/app/words.db"), Some(Class::Code));
        assert_eq!(holds("/usr/local/app/words.db"), Some(Class::Data));
        assert_eq!(holds("/opt/app/words.db"), Some(Class::Data));
        assert!(is_sample(&AppPath::new("/opt/app/tests/pki/server.key")));
        assert!(!is_sample(&AppPath::new("/opt/latest/conf/test")));
    }

    #[test]
    fn a_key_far_down_in_a_bundle_is_found() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDa\n";
        let mut text = format!("-----BEGIN CERTIFICATE-----\n{}", body.repeat(2000));
        text.push_str("-----BEGIN PRIVATE KEY-----\n");
        text.push_str(body);
        let found = facts("/etc/app/bundle.pem", text.as_bytes());
        assert!(found.iter().any(|what| matches!(what, What::Secret { .. })));
        assert!(
            found.iter().any(
                |what| matches!(what, What::Holds { content, .. } if content == "certificate")
            )
        );
    }

    #[test]
    fn licence_files_and_texts_are_told_apart() {
        let kind = |path: &str, text: &str| match facts(path, text.as_bytes()).as_slice() {
            [What::Licence { kind, .. }] => Some(*kind),
            _ => None,
        };
        let flex = "INCREMENT app acmed 1.0 31-dec-2030 1 HOSTID=001122334455\n";
        assert_eq!(
            kind("/opt/app/license.dat", flex),
            Some(LicenceKind::Restrictive)
        );
        let isc = "Permission to use, copy, modify, and/or distribute this\nsoftware for any \
                   purpose with or without fee is";
        assert_eq!(kind("/opt/app/LICENSE", isc), Some(LicenceKind::Open));
        assert_eq!(
            kind("/opt/app/app.lic", "0b1f"),
            Some(LicenceKind::Restrictive)
        );
        assert_eq!(kind("/opt/app/LICENSE", "to be done"), None);
    }

    #[test]
    fn a_broken_archive_is_an_issue() {
        let path = AppPath::new("/opt/app/lib/a.jar");
        let content = b"PK\x03\x04 and no more".to_vec();
        let stat = stat(Kind::File, 0o644, content.len() as u64);
        let input = Input::new(&path, &stat, &content, &content);
        let mut out = Out::default();
        assert!(is_archive(&input));
        archive(&input, &mut out);
        assert!(out.facts.is_empty());
        assert_eq!(out.issues[0].kind, IssueKind::Malformed);
    }

    #[test]
    fn modes_and_kinds_testify() {
        let path = AppPath::new("/opt/app/x");
        let said = |stat: Stat| {
            let facts = of_entry(&path, &stat);
            contents(&facts).join(" ")
        };
        assert_eq!(said(stat(Kind::File, 0o4755, 1)), "setuid");
        assert_eq!(said(stat(Kind::File, 0o4644, 1)), "");
        assert_eq!(said(stat(Kind::File, 0o2755, 1)), "setgid");
        assert_eq!(said(stat(Kind::Dir, 0o2755, 1)), "");
        assert_eq!(said(stat(Kind::Dir, 0o777, 1)), "world-writable");
        assert_eq!(said(stat(Kind::Dir, 0o1777, 1)), "sticky-directory");
        assert_eq!(said(stat(Kind::Link, 0o777, 1)), "");
        assert_eq!(said(stat(Kind::BlockDevice, 0o600, 0)), "device-node");
        assert_eq!(said(stat(Kind::Socket, 0o755, 0)), "socket");
        assert_eq!(said(stat(Kind::File, 0o644, 2 << 30)), "large-file");
        let mut hole = stat(Kind::File, 0o644, 64 << 20);
        hole.allocated = 4096;
        assert_eq!(said(hole), "sparse-file");
    }

    #[test]
    fn capabilities_of_a_file_are_needs() {
        let mut attribute = [0; 20];
        attribute[3] = 2;
        attribute[5] = 4;
        let facts = of_capability(&AppPath::new("/opt/app/bin/x"), &attribute);
        assert_eq!(facts.len(), 2);
        assert!(matches!(
            &facts[1].what,
            What::Needs { need: Need::Capability, name } if name == "cap_net_bind_service"
        ));
    }
}
