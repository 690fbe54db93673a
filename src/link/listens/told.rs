//! What lies beside a program and tells its port: its manual page, the usage text in it, and the name that
//! services(5) has for it.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{Service, listens};
use crate::fact::{Certainty, Fact, Locus, ProgramForm, What};
use crate::knowledge;
use crate::parse::manual::{self, Told};
use crate::path::AppPath;
use crate::tree::Root;

/// How much of a page is read.
const PAGE: usize = 1 << 20;

/// How much of a program is looked through for its usage text.
const PROGRAM: usize = 16 << 20;

/// How many bytes around the word belong to one usage text.
const AROUND: usize = 400;

/// What the page of a service's program says, else its usage text.
pub(super) fn beside(root: &Root, service: &Service, facts: &[Fact]) -> Vec<Fact> {
    let name = String::from_utf8_lossy(service.program.name()).into_owned();
    if !may_listen(&service.program, facts) {
        return Vec::new();
    }
    for page in pages(&service.program, &name) {
        let Some(text) = page_text(root, &page) else {
            continue;
        };
        let found = only(manual::ports(&text, &name));
        if !found.is_empty() {
            return found.iter().map(|told| fact(&page, told)).collect();
        }
    }
    let Ok(text) = root.read(service.program.as_bytes(), PROGRAM) else {
        return Vec::new();
    };
    let found = only(usage(&text, &name));
    found
        .iter()
        .map(|told| {
            fact(
                &service.program,
                &Told {
                    line: 0,
                    ..told.clone()
                },
            )
        })
        .collect()
}

/// Whether a program makes addresses of its own, as far as its imports are known.
fn may_listen(program: &AppPath, facts: &[Fact]) -> bool {
    let mut own = facts.iter().filter(|fact| fact.at.file == *program);
    own.any(|fact| match &fact.what {
        What::Imports { symbol, .. } => symbol == "bind",
        What::Program { form, .. } => *form == ProgramForm::Script,
        _ => false,
    })
}

fn fact(file: &AppPath, told: &Told) -> Fact {
    let at = match told.line {
        0 => Locus::file(file),
        line => Locus::line(file, line),
    };
    let what = What::Listens {
        transport: told.transport.to_owned(),
        port: Some(told.port),
        address: if told.local { "127.0.0.1" } else { "" }.to_owned(),
        protocol: knowledge::protocol(told.transport, told.port).map(str::to_owned),
    };
    listens(&at, what, Certainty::Inferred)
}

/// Of several ports nothing tells which one is the program's own.
fn only(found: Vec<Told>) -> Vec<Told> {
    let ports: BTreeSet<u16> = found.iter().map(|told| told.port).collect();
    match ports.len() {
        1 => found.into_iter().take(1).collect(),
        _ => Vec::new(),
    }
}

/// Where the manual page of a program may lie (hier(7), manpath(1)).
fn pages(program: &AppPath, name: &str) -> Vec<AppPath> {
    let above = program.parent().and_then(|dir| dir.parent());
    let mut bases = vec![
        AppPath::new("/usr/share/man"),
        AppPath::new("/usr/local/share/man"),
    ];
    if let Some(above) = above {
        bases.push(above.join("share/man"));
        bases.push(above.join("man"));
    }
    let mut found = Vec::new();
    for base in bases {
        for section in ["8", "1", "1m"] {
            for ending in ["", ".gz"] {
                let file = format!("man{}/{name}.{section}{ending}", &section[..1]);
                found.push(base.join(file));
            }
        }
    }
    found
}

fn page_text(root: &Root, page: &AppPath) -> Option<Vec<u8>> {
    let bytes = root.read(page.as_bytes(), PAGE).ok()?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(bytes);
    }
    let mut text = Vec::new();
    let most = u64::try_from(PAGE).unwrap_or(u64::MAX);
    // A page that breaks off is read as far as it goes.
    let _ = MultiGzDecoder::new(&bytes[..])
        .take(most)
        .read_to_end(&mut text);
    Some(text)
}

/// The texts in a program that speak of a default and a port.
fn usage(program: &[u8], name: &str) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    let mut behind = 0;
    for at in memchr::memmem::find_iter(program, b"efault") {
        if at < behind {
            continue;
        }
        let before = program[at.saturating_sub(AROUND)..at]
            .iter()
            .rposition(|byte| *byte == 0)
            .map_or(at.saturating_sub(AROUND), |zero| {
                at.saturating_sub(AROUND) + zero + 1
            });
        let end = (at + AROUND).min(program.len());
        let after = program[at..end]
            .iter()
            .position(|byte| *byte == 0)
            .map_or(end, |zero| at + zero);
        behind = after;
        let text = &program[before..after];
        if std::str::from_utf8(text).is_ok() {
            found.extend(manual::ports(text, name));
        }
    }
    found
}

/// The port that the root's own services(5) has for a service's name.
pub(super) fn registered(root: &Root, services: &[Service]) -> Vec<Fact> {
    let table = AppPath::new("/etc/services");
    let Ok(text) = root.read(table.as_bytes(), PAGE) else {
        return Vec::new();
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    for name in services.iter().flat_map(|service| &service.names) {
        names.insert(name.clone());
        names.extend(name.strip_suffix('d').map(str::to_owned));
    }
    let mut found = Vec::new();
    for (line, entry) in crate::parse::line::entries(&text) {
        let entry = String::from_utf8_lossy(entry);
        let mut words = entry.split_ascii_whitespace();
        let (Some(name), Some(port)) = (words.next(), words.next()) else {
            continue;
        };
        let Some((port, transport)) = port.split_once('/') else {
            continue;
        };
        let is_known = names.contains(name) && matches!(transport, "tcp" | "udp");
        if let Some(port) = port.parse().ok().filter(|_| is_known) {
            let what = What::Listens {
                transport: transport.to_owned(),
                port: Some(port),
                address: String::new(),
                protocol: knowledge::protocol(transport, port).map(str::to_owned),
            };
            found.push(listens(
                &Locus::line(&table, line),
                what,
                Certainty::Inferred,
            ));
        }
    }
    found
}
