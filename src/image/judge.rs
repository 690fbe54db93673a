//! Whether a role may make the layer that it is making: asked of each entry as it is written.

use super::PackError;
use crate::custody::{Merged, Policy, Shape, Touch, Touched, Trespass};
use crate::layout::layer::{Body, Entry};

/// Judges a layer while it is written.
pub(super) struct Judge<'a> {
    policy: &'a Policy,
    role: &'a str,
    merged: Option<&'a mut Merged>,
    wrong: Vec<String>,
}

impl<'a> Judge<'a> {
    /// How many faults are told.
    const TOLD: usize = 5;

    pub(super) fn new(
        policy: &'a Policy,
        role: &'a str,
        mut merged: Option<&'a mut Merged>,
    ) -> Self {
        if let Some(merged) = &mut merged {
            merged.begin(role);
        }
        Self {
            policy,
            role,
            merged,
            wrong: Vec::new(),
        }
    }

    pub(super) fn entry(&mut self, entry: &Entry) {
        match &mut self.merged {
            Some(merged) => merged.entry(entry),
            None => {
                let touched = Touched {
                    path: entry.path.clone(),
                    touch: Touch::Add,
                    of: None,
                    shape: shape(entry),
                };
                self.trespass(&[touched]);
            }
        }
    }

    fn trespass(&mut self, touched: &[Touched]) {
        let wrong = self.policy.trespasses(self.role, touched);
        let told = |trespass: Trespass| format!("{}: {}", trespass.touched.path, trespass.rule);
        self.wrong.extend(wrong.into_iter().map(told));
    }

    pub(super) fn finish(mut self) -> Result<(), PackError> {
        if let Some(merged) = &mut self.merged {
            let applied = merged.end();
            let tricks = applied
                .tricks
                .iter()
                .map(|t| format!("{}: {}", t.path, t.reason));
            self.wrong.extend(tricks);
            self.trespass(&applied.touched);
        }
        if self.wrong.is_empty() {
            return Ok(());
        }
        let more = self.wrong.len().saturating_sub(Self::TOLD);
        self.wrong.truncate(Self::TOLD);
        if more > 0 {
            self.wrong.push(format!("and {more} more"));
        }
        Err(PackError::Refused {
            role: self.role.to_owned(),
            wrong: self.wrong,
        })
    }
}

/// What an entry that is new is, as far as it matters to who may add it.
fn shape(entry: &Entry) -> Shape {
    match entry.body {
        Body::Dir => Shape::Dir,
        Body::File { size: 0, .. } if entry.meta.mode & 0o7111 == 0 => Shape::Empty,
        _ => Shape::Full,
    }
}
