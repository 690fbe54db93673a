//! The rows of the outcome: one for each object that glibc's loader loads, refuses or misses.

use super::glibc::Process;
use super::outcome::{Asked, By, Needed, Phase, Problem};
use super::search::{Refused, Trail};
use crate::fact::LibraryStatus;

impl Process<'_, '_> {
    pub(super) fn row(&self, name: &[u8], needing: usize, asked: Asked, optional: bool) -> Needed {
        let by = self.objects.get(needing);
        let by = by.map(|object| object.path.as_slice());
        Needed::missing(name, asked, by, optional)
    }

    pub(super) fn also_needed(&mut self, index: usize, needing: usize, optional: bool) {
        let row = self.objects.get(index).and_then(|object| object.row);
        // What is opened later changes nothing of how the program started.
        if self.started.is_some_and(|first| row < Some(first)) {
            return;
        }
        let by = self.objects.get(needing).map(|object| &object.path);
        if let Some(row) = row.and_then(|row| self.libraries.get_mut(row)) {
            row.optional &= optional;
            if let Some(by) = by.filter(|by| !row.needed_by.contains(by)) {
                row.needed_by.push(by.clone());
            }
        }
    }

    pub(super) fn refuse(
        &mut self,
        name: &[u8],
        needing: usize,
        asked: Asked,
        optional: bool,
        refused: Refused,
    ) {
        let how = format!("the loader stops at it: {}", refused.reason);
        let row = Needed {
            status: LibraryStatus::Aborts,
            path: Some(refused.path),
            phase: Some(refused.phase),
            by: refused.by,
            how,
            ..self.row(name, needing, asked, optional)
        };
        self.libraries.push(row);
    }

    pub(super) fn miss(
        &mut self,
        name: &[u8],
        needing: usize,
        asked: Asked,
        optional: bool,
        trail: &Trail,
    ) {
        let found = self.diagnose(name, needing, trail);
        let row = Needed {
            status: found.status,
            elsewhere: found.elsewhere,
            how: found.how,
            ..self.row(name, needing, asked, optional)
        };
        self.libraries.push(row);
    }

    /// The row of an object; the program and the loader have none.
    pub(super) fn row_of(&self, index: usize) -> Option<usize> {
        self.objects.get(index).and_then(|object| object.row)
    }

    /// Notes that a row comes before that of the object `owner`.
    pub(super) fn put_before(&mut self, row: Option<usize>, owner: usize) {
        if let (Some(row), Some(owner)) = (row, self.row_of(owner)) {
            self.before.push((row, owner));
        }
    }

    /// The rows in the order of the loader's list.
    pub(super) fn in_order(&self) -> Vec<Needed> {
        let mut order: Vec<usize> = (0..self.libraries.len()).collect();
        for &(row, owner) in &self.before {
            order.retain(|&other| other != row);
            let place = order.iter().position(|&other| other == owner);
            order.insert(place.unwrap_or(order.len()), row);
        }
        let row = |row: &usize| self.libraries.get(*row).cloned();
        order.iter().filter_map(row).collect()
    }

    pub(super) fn problem(&mut self, object: usize, message: String) {
        let path = self.objects.get(object).map(|object| object.path.clone());
        self.problems.push(Problem {
            object: path.unwrap_or_default(),
            message,
        });
    }
}

pub(super) fn found_how(phase: Phase, by: Option<&By>) -> String {
    match by {
        Some(By {
            object: Some(object),
            tag,
        }) => format!("by {tag} of {object}"),
        Some(by) => format!("by {}", by.tag),
        None if phase == Phase::Path => "by its path".to_owned(),
        None => String::new(),
    }
}
