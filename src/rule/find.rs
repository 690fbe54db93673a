//! From a rule and what it looks at to findings: select, refine, group, word.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::fact::{Fact, What};
use crate::path::AppPath;
use crate::report::{Finding, Severity, Status};

use super::Subject;
use super::check;
use super::field::{Field, Sort};
use super::file::{Group, Rule};
use super::item::Item;
use super::select::Select;
use super::text::Filling;

/// How many facts a finding carries; the rest is counted.
pub(super) const FACTS: usize = 20;

/// The subject, indexed by what the rules ask for.
pub(super) struct Scene<'a> {
    /// The application's directories.
    pub(super) prefixes: Vec<AppPath>,
    items: BTreeMap<Sort, Vec<Item<'a>>>,
    in_service: OnceCell<BTreeSet<AppPath>>,
}

impl<'a> Scene<'a> {
    /// Sorts what `subject` holds by kind.
    pub(super) fn new(subject: &Subject<'a>) -> Self {
        let mut items: BTreeMap<Sort, Vec<Item<'a>>> = BTreeMap::new();
        let all = (subject.facts.iter().map(Item::Fact))
            .chain(subject.paths.iter().map(Item::Entry))
            .chain(subject.libraries.iter().map(Item::Library))
            .chain(subject.mounts.iter().map(Item::Mount));
        for item in all {
            items.entry(item.sort()).or_default().push(item);
        }
        let prefixes = subject.prefixes();
        let own = subject.scope.iter().filter(|path| prefixes.contains(path));
        items.insert(Sort::Prefix, own.map(Item::Prefix).collect());
        Self {
            prefixes,
            items,
            in_service: OnceCell::new(),
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
        self.in_service.get_or_init(|| check::in_service(self))
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
    for select in &rule.when.as_ref().0 {
        hits.extend(scene.selected(select).map(|item| Hit {
            item,
            weak: item.certainty() < rule.firm,
        }));
    }
    if let Some(check) = &rule.check {
        hits = check.run(scene, hits, &rule.params.clone().unwrap_or_default());
    }
    let value = |hit: &Hit<'_>| {
        let field = rule.identity(hit.item.sort());
        hit.item.text(field).unwrap_or_default()
    };
    let distinct: BTreeSet<String> = hits.iter().map(value).collect();
    if hits.is_empty() || distinct.len() < rule.least {
        return Vec::new();
    }
    let mut groups: BTreeMap<(String, String), Vec<Hit<'_>>> = BTreeMap::new();
    for hit in hits {
        let file = hit.item.file().to_text().into_owned();
        let key = match rule.group {
            Group::Value => (String::new(), value(&hit)),
            Group::File => (file, String::new()),
            Group::Place => (file, value(&hit)),
            Group::Rule => (String::new(), String::new()),
        };
        groups.entry(key).or_default().push(hit);
    }
    groups
        .into_iter()
        .map(|((file, key), mut hits)| {
            // The strongest evidence words the finding; the rest is order for its own sake.
            hits.sort_by_cached_key(|hit| {
                let (because, _) = hit.item.because();
                let line = because.first().and_then(|fact| fact.at.line);
                let certainty = Reverse(hit.item.certainty());
                (
                    hit.weak,
                    certainty,
                    hit.item.file().clone(),
                    line,
                    value(hit),
                )
            });
            let values: BTreeSet<String> = hits.iter().map(value).collect();
            let finding = finding(rule, scene, &hits, &values, &file, &key);
            Found {
                value: format!("{key}\0{file}"),
                finding,
            }
        })
        .collect()
}

fn finding(
    rule: &Rule,
    scene: &Scene<'_>,
    hits: &[Hit<'_>],
    values: &BTreeSet<String>,
    file: &str,
    key: &str,
) -> Finding {
    let values: Vec<String> = values.iter().cloned().collect();
    let filling = Filling {
        field: &|field| hits.first().and_then(|hit| hit.item.text(field)),
        values: &values,
        prefix: scene.prefixes.first().map_or_else(
            || "the application".to_owned(),
            |p| p.to_text().into_owned(),
        ),
    };
    let weak = hits.iter().all(|hit| hit.weak);
    let (because, more) = because(hits);
    Finding {
        rule: rule.id().to_owned(),
        dimension: rule.dimension,
        severity: rule.severity,
        status: if weak { Status::Suspected } else { rule.status },
        grade: rule.grade(),
        message: rule.message.as_ref().fill(&filling),
        because,
        more,
        fix: rule.fix.as_ref().fill(&filling),
        fingerprint: fingerprint(rule.id(), file, key),
    }
}

/// The facts of `hits` in the order of the hits, each once, at most [`FACTS`], and how many more.
fn because(hits: &[Hit<'_>]) -> (Vec<Fact>, u64) {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    let mut more: u64 = 0;
    for hit in hits {
        let (facts, beyond) = hit.item.because();
        more = more.saturating_add(beyond);
        for fact in facts.iter() {
            let fact = withheld(fact);
            if seen.contains(&fact) {
                continue;
            }
            if kept.len() < FACTS {
                kept.push(fact.clone());
            } else {
                more = more.saturating_add(1);
            }
            seen.insert(fact);
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
        What::Setting { key, value } if secret(key) => value.clear(),
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
