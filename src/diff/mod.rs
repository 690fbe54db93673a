//! Two reports side by side: what is new, what is gone, what changed, and whether what the first
//! one promised holds in the second.

use std::collections::BTreeMap;

use crate::fact::Access;
use crate::report::{Dimension, Finding, Grade, Library, Mount, Report};

/// What differs between two reports.
#[derive(Clone, Debug)]
pub struct Diff<'a> {
    /// The earlier report.
    pub before: &'a Report,
    /// The later report.
    pub after: &'a Report,
    /// Dimensions whose grade differs, with both grades.
    pub grades: Vec<(Dimension, Grade, Grade)>,
    /// Findings, told apart by their fingerprints.
    pub findings: Changes<'a, Finding>,
    /// Mounts, told apart by their paths.
    pub mounts: Changes<'a, Mount>,
    /// Libraries, told apart by their names.
    pub libraries: Changes<'a, Library>,
}

/// What differs between two lists.
#[derive(Clone, Debug)]
pub struct Changes<'a, T> {
    /// In the later one only.
    pub new: Vec<&'a T>,
    /// In the earlier one only.
    pub gone: Vec<&'a T>,
    /// In both, but not the same.
    pub changed: Vec<(&'a T, &'a T)>,
}

impl<T> Changes<'_, T> {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty() && self.changed.is_empty()
    }
}

/// A promise of the earlier report that the later one does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken<'a> {
    /// No mount lies over the path.
    NoMount(&'a Mount),
    /// The path was to be writable, and the mount that lies over it is read only.
    ReadOnly(&'a Mount),
    /// The grade is worse.
    Worse(Dimension, Grade, Grade),
    /// There was a grade, and there is none: too little was seen to say.
    NotKnown(Dimension, Grade),
}

impl Broken<'_> {
    /// Whether this only says that too little was seen.
    #[must_use]
    pub fn is_unseen(&self) -> bool {
        matches!(self, Self::NotKnown(..))
    }
}

/// Compares two reports.
#[must_use]
pub fn diff<'a>(before: &'a Report, after: &'a Report) -> Diff<'a> {
    let mut findings = changes(
        &before.findings,
        &after.findings,
        |finding| &finding.fingerprint,
        |a, b| (a.severity, a.status, &a.message) == (b.severity, b.status, &b.message),
    );
    // The worst first, as in a report.
    let order = |finding: &Finding| (finding.severity, finding.status);
    findings.new.sort_by_key(|finding| order(finding));
    findings.gone.sort_by_key(|finding| order(finding));
    findings.changed.sort_by_key(|(_, finding)| order(finding));
    Diff {
        before,
        after,
        grades: grades(before, after),
        findings,
        mounts: changes(
            &before.plan.mounts,
            &after.plan.mounts,
            |mount| &mount.path,
            |a, b| (a.kind, a.access, a.class) == (b.kind, b.access, b.class),
        ),
        libraries: changes(
            &before.libraries,
            &after.libraries,
            |library| &library.name,
            |a, b| {
                let told = |library: &Library| (library.status, library.owner);
                let files = |library: &'a Library| (&library.path, &library.real_path);
                told(a) == told(b) && files(a) == files(b) && a.package == b.package
            },
        ),
    }
}

impl<'a> Diff<'a> {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.grades.is_empty()
            && self.findings.is_empty()
            && self.mounts.is_empty()
            && self.libraries.is_empty()
            && self.before.verdict.answer == self.after.verdict.answer
    }

    /// The promises of the earlier report that the later one does not keep: every mount is there, as
    /// writable as it was to be, and no grade is worse. A mount of a directory further up does as
    /// well. A grade that was not known promised nothing.
    #[must_use]
    pub fn broken(&self) -> Vec<Broken<'a>> {
        let (before, after) = (self.before, self.after);
        let mut broken = Vec::new();
        for promised in &before.plan.mounts {
            let over = after.plan.mounts.iter();
            // The deepest mount over a path is the one that is seen there.
            let over = over
                .filter(|mount| promised.path.is_within(&mount.path))
                .max_by_key(|mount| mount.path.depth());
            match over {
                None => broken.push(Broken::NoMount(promised)),
                Some(over) if promised.access == Access::Rw && over.access == Access::Ro => {
                    broken.push(Broken::ReadOnly(promised));
                }
                Some(_) => {}
            }
        }
        for &(dimension, was, is) in &self.grades {
            match (was, is) {
                (Grade::Unknown, _) => {}
                (_, Grade::Unknown) => broken.push(Broken::NotKnown(dimension, was)),
                _ if is > was => broken.push(Broken::Worse(dimension, was, is)),
                _ => {}
            }
        }
        broken
    }
}

/// The dimensions whose grade differs; one that a report does not have is not known.
fn grades(before: &Report, after: &Report) -> Vec<(Dimension, Grade, Grade)> {
    let of = |report: &Report, dimension: Dimension| {
        let mut all = report.dimensions.iter();
        all.find(|graded| graded.dimension == dimension)
            .map_or(Grade::Unknown, |graded| graded.grade)
    };
    Dimension::ALL
        .into_iter()
        .map(|dimension| (dimension, of(before, dimension), of(after, dimension)))
        .filter(|(_, was, is)| was != is)
        .collect()
}

/// What differs between two lists whose members are told apart by a key. Where several have the same
/// key, those that are the same are taken out first; what is left has changed when one is left on
/// each side, and is new and gone otherwise.
fn changes<'a, T, K: Ord>(
    before: &'a [T],
    after: &'a [T],
    key: impl Fn(&'a T) -> K,
    same: impl Fn(&'a T, &'a T) -> bool,
) -> Changes<'a, T> {
    let mut sides: BTreeMap<K, (Vec<&T>, Vec<&T>)> = BTreeMap::new();
    for one in before {
        sides.entry(key(one)).or_default().0.push(one);
    }
    for one in after {
        sides.entry(key(one)).or_default().1.push(one);
    }
    let mut found = Changes {
        new: Vec::new(),
        gone: Vec::new(),
        changed: Vec::new(),
    };
    for (mut gone, mut new) in sides.into_values() {
        gone.retain(|one| {
            let at = new.iter().position(|other| same(one, other));
            at.map(|at| new.remove(at)).is_none()
        });
        if let ([was], [is]) = (&gone[..], &new[..]) {
            found.changed.push((*was, *is));
            continue;
        }
        found.gone.append(&mut gone);
        found.new.append(&mut new);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_with_the_same_key_are_paired_one_by_one() {
        let pairs = |before: &[(u8, u8)], after: &[(u8, u8)]| {
            let found = changes(before, after, |one| one.0, |a, b| a == b);
            let copied = |list: &[&(u8, u8)]| list.iter().map(|one| one.1).collect::<Vec<_>>();
            (
                copied(&found.new),
                copied(&found.gone),
                found
                    .changed
                    .iter()
                    .map(|(a, b)| (a.1, b.1))
                    .collect::<Vec<_>>(),
            )
        };
        let none = (vec![], vec![], vec![]);
        assert_eq!(pairs(&[(1, 1), (1, 2)], &[(1, 2), (1, 1)]), none);
        assert_eq!(pairs(&[(1, 1)], &[(1, 2)]), (vec![], vec![], vec![(1, 2)]));
        assert_eq!(pairs(&[(1, 1)], &[(2, 1)]), (vec![1], vec![1], vec![]));
        assert_eq!(
            pairs(&[(1, 1), (1, 2)], &[(1, 2), (1, 3)]),
            (vec![], vec![], vec![(1, 3)])
        );
        assert_eq!(
            pairs(&[(1, 1)], &[(1, 2), (1, 3)]),
            (vec![2, 3], vec![1], vec![])
        );
    }
}
