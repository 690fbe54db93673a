//! From a rule and what it looks at to findings: select, refine, group, word.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::report::{Finding, Library, Mount, PathEntry, Severity, Status};

use super::Subject;
use super::field::{Field, Sort};
use super::file::{Group, Rule};
use super::item::Item;
use super::select::Select;
use super::service;
use super::text::Filling;

/// How many facts a finding carries; the rest is counted.
pub(super) const FACTS: usize = 20;

/// How many findings a rule may have. A reader acts on no more than that, and an input of millions
/// of equal lines must not make a report of millions of findings.
const MOST: usize = 50;

/// The subject, indexed by what the rules ask for.
pub(super) struct Scene<'a> {
    /// The application's directories.
    pub(super) prefixes: Vec<AppPath>,
    items: BTreeMap<Sort, Vec<Item<'a>>>,
    in_service: OnceLock<BTreeSet<AppPath>>,
}

impl<'a> Scene<'a> {
    /// Sorts what `subject` holds by kind.
    pub(super) fn new(subject: &Subject<'a>) -> Self {
        // In an order of their own, so that no finding depends on that of the input.
        let mut facts: Vec<&Fact> = subject.facts.iter().collect();
        facts.sort();
        facts.dedup();
        let mut entries: Vec<&PathEntry> = subject.paths.iter().collect();
        entries.sort_by_key(|entry| &entry.path);
        let mut libraries: Vec<&Library> = subject.libraries.iter().collect();
        libraries.sort();
        let mut mounts: Vec<&Mount> = subject.mounts.iter().collect();
        mounts.sort_by_key(|mount| &mount.path);
        let mut items: BTreeMap<Sort, Vec<Item<'a>>> = BTreeMap::new();
        let all = (facts.into_iter().map(Item::Fact))
            .chain(entries.into_iter().map(Item::Entry))
            .chain(libraries.into_iter().map(Item::Library))
            .chain(mounts.into_iter().map(Item::Mount));
        for item in all {
            items.entry(item.sort()).or_default().push(item);
        }
        let prefixes = subject.prefixes();
        let own = subject.scope.iter().filter(|path| prefixes.contains(path));
        items.insert(Sort::Prefix, own.map(Item::Prefix).collect());
        Self {
            prefixes,
            items,
            in_service: OnceLock::new(),
        }
    }

    /// Everything of a kind.
    pub(super) fn items(&self, sort: Sort) -> &[Item<'a>] {
        self.items.get(&sort).map_or(&[], Vec::as_slice)
    }

    /// The facts of a kind.
    pub(super) fn facts(&self, sort: Sort) -> impl Iterator<Item = &'a Fact> {
        self.items(sort).iter().filter_map(|item| match *item {
            Item::Fact(fact) => Some(fact),
            _ => None,
        })
    }

    /// The files that run when the application runs; computed once.
    pub(super) fn in_service(&self) -> &BTreeSet<AppPath> {
        self.in_service.get_or_init(|| service::in_service(self))
    }

    fn selected(&self, select: &Select) -> impl Iterator<Item = Item<'a>> {
        self.items(select.sort())
            .iter()
            .copied()
            .filter(|item| select.holds(*item, &self.prefixes))
    }
}

/// Something that a rule selected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'a> {
    /// What.
    pub(super) item: Item<'a>,
    /// Whether it is too weak to make a finding certain.
    pub(super) weak: bool,
}

/// A finding and what it is sorted by.
pub(super) struct Found {
    pub(super) finding: Finding,
    value: String,
}

impl Found {
    /// Worst first, then by rule, then by value.
    pub(super) fn order(&self) -> (Severity, Status, &str, &str, &str) {
        let finding = &self.finding;
        (
            finding.severity,
            finding.status,
            &finding.rule,
            &self.value,
            &finding.fingerprint,
        )
    }
}

/// The findings of one rule.
pub(super) fn findings(rule: &Rule, scene: &Scene<'_>) -> Vec<Found> {
    let there = |select: &Select| scene.selected(select).next().is_some();
    if !rule.also.0.iter().all(there) || rule.absent.0.iter().any(there) {
        return Vec::new();
    }
    let mut hits: Vec<Hit<'_>> = Vec::new();
    let selects = &rule.when.0;
    for (at, select) in selects.iter().enumerate() {
        // What an earlier condition selected is there already.
        let new = |item: &Item<'_>| {
            let earlier = selects.iter().take(at);
            !earlier
                .filter(|earlier| earlier.sort() == select.sort())
                .any(|earlier| earlier.holds(*item, &scene.prefixes))
        };
        hits.extend(scene.selected(select).filter(new).map(|item| Hit {
            item,
            weak: item.certainty() < rule.firm,
        }));
    }
    if let Some(check) = &rule.check {
        hits = check.run(scene, hits, &rule.params.clone().unwrap_or_default());
    }
    let distinct: BTreeSet<String> = hits.iter().map(|hit| value(rule, hit)).collect();
    if hits.is_empty() || distinct.len() < rule.least {
        return Vec::new();
    }
    let mut groups: BTreeMap<(String, String), Vec<Hit<'_>>> = BTreeMap::new();
    for hit in hits {
        let file = hit.item.file().to_text().into_owned();
        let key = match rule.group {
            Group::Value => (String::new(), value(rule, &hit)),
            Group::File => (file, String::new()),
            Group::Place => (file, value(rule, &hit)),
            Group::Rule => (String::new(), String::new()),
        };
        groups.entry(key).or_default().push(hit);
    }
    bounded(groups)
        .into_iter()
        .map(|group| found(rule, scene, group))
        .collect()
}

/// Hits that become one finding, and what they have in common.
struct Grouped<'a> {
    file: String,
    key: String,
    hits: Vec<Hit<'a>>,
    /// How many groups were put into this one, when it is the rest.
    rest: usize,
}

/// At most [`MOST`] groups, certain ones first; the rest is gathered in one.
fn bounded<'a>(groups: BTreeMap<(String, String), Vec<Hit<'a>>>) -> Vec<Grouped<'a>> {
    let mut all: Vec<Grouped<'a>> = groups
        .into_iter()
        .map(|((file, key), hits)| Grouped {
            file,
            key,
            hits,
            rest: 0,
        })
        .collect();
    if all.len() > MOST {
        all.sort_by_key(|group| group.hits.iter().all(|hit| hit.weak));
        let over = all.split_off(MOST - 1);
        all.push(Grouped {
            file: String::new(),
            key: String::new(),
            rest: over.len(),
            hits: over.into_iter().flat_map(|group| group.hits).collect(),
        });
    }
    all
}

/// The value that tells a hit of `rule` from others.
fn value(rule: &Rule, hit: &Hit<'_>) -> String {
    let field = rule.identity(hit.item.sort());
    hit.item.text(field).unwrap_or_default()
}

fn found(rule: &Rule, scene: &Scene<'_>, group: Grouped<'_>) -> Found {
    let Grouped {
        file,
        key,
        mut hits,
        rest,
    } = group;
    // The strongest evidence words the finding.
    hits.sort_by_key(|hit| (hit.weak, Reverse(hit.item.certainty())));
    let values: BTreeSet<String> = hits.iter().map(|hit| value(rule, hit)).collect();
    let values: Vec<String> = values.into_iter().collect();
    let filling = Filling {
        field: &|field| hits.first().and_then(|hit| hit.item.text(field)),
        values: &values,
        prefix: scene.prefixes.first().map_or_else(
            || "the application".to_owned(),
            |path| path.to_text().into_owned(),
        ),
    };
    let mut message = rule.message.fill(&filling);
    if rest > 1 {
        let _ = write!(message, "; and {} more of this kind", rest - 1);
    }
    let weak = hits.iter().all(|hit| hit.weak);
    let (because, more) = because(&hits);
    let finding = Finding {
        rule: rule.id().to_owned(),
        dimension: rule.dimension,
        severity: rule.severity,
        status: if weak { Status::Suspected } else { rule.status },
        grade: rule.grade(),
        message,
        because,
        more,
        fix: rule.fix.fill(&filling),
        fingerprint: fingerprint(rule.id(), &file, &key),
    };
    Found {
        value: format!("{key}\0{file}"),
        finding,
    }
}

/// The facts of `hits` in the order of the hits, at most [`FACTS`], and how many more.
fn because(hits: &[Hit<'_>]) -> (Vec<Fact>, u64) {
    let mut kept: Vec<Fact> = Vec::new();
    let mut more: u64 = 0;
    for hit in hits {
        let (facts, beyond) = hit.item.because();
        more = more.saturating_add(beyond);
        for fact in facts.iter() {
            if kept.len() >= FACTS {
                more = more.saturating_add(1);
                continue;
            }
            let fact = withheld(fact);
            if !kept.contains(&fact) {
                kept.push(fact);
            }
        }
    }
    (kept, more)
}

/// The fact without a value whose key says that it is secret. Extractors withhold these already;
/// a report is read by more people than the host, so that it is held here as well.
fn withheld(fact: &Fact) -> Fact {
    const WORDS: &[&str] = &[
        "pass",
        "pwd",
        "secret",
        "token",
        "credential",
        "apikey",
        "api_key",
    ];
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        WORDS.iter().any(|word| name.contains(word))
    };
    let mut fact = fact.clone();
    match &mut fact.what {
        What::Setting { key, value } | What::Directive { key, value } if secret(key) => {
            value.clear()
        }
        What::Env { name, value } if secret(name) => *value = None,
        _ => {}
    }
    fact
}

/// The first 16 digits of a digest over what identifies a finding. Lines shift with every edit
/// and are not part of it.
fn fingerprint(rule: &str, file: &str, value: &str) -> String {
    let mut digest = Sha256::new();
    for part in [rule, file, value] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let bytes = digest.finalize();
    bytes.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// The text of a field of the first hit; for the functions of `check`.
pub(super) fn text(hit: &Hit<'_>, field: Field) -> String {
    hit.item.text(field).unwrap_or_default()
}
