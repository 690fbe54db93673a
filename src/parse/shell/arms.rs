//! Tests of the script's first argument outside `case`: `[ "$1" = purge ]`.

use super::expand::text;
use super::syntax::{Body, Joint, List, Pipeline};
use super::value::{ACTION, Value};
use super::walk::Walk;

/// Under which values of the first argument a condition holds, and under which it does not;
/// empty: it says nothing of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    holds: Vec<String>,
    fails: Vec<String>,
}

impl Choice {
    pub(super) fn of_list(walk: &mut Walk<'_>, list: &List) -> Self {
        let [.., item] = list.0.as_slice() else {
            return Self::default();
        };
        let mut choice = Self::of_pipeline(walk, &item.first);
        for (joint, pipeline) in &item.rest {
            let more = Self::of_pipeline(walk, pipeline);
            choice.join(*joint, more);
        }
        choice
    }

    pub(super) fn of_pipeline(walk: &mut Walk<'_>, pipeline: &Pipeline) -> Self {
        let [command] = pipeline.commands.as_slice() else {
            return Self::default();
        };
        let Body::Simple { words, .. } = &command.body else {
            return Self::default();
        };
        let name = words.first().and_then(super::syntax::Word::plain);
        if !matches!(name, Some(b"[" | b"[[" | b"test")) {
            return Self::default();
        }
        let argv = walk.argvs(words).into_iter().next().unwrap_or_default();
        let mut choice = Self::of_test(&argv);
        if pipeline.negated {
            std::mem::swap(&mut choice.holds, &mut choice.fails);
        }
        choice
    }

    fn of_test(argv: &[Value]) -> Self {
        let mut choice = Self::default();
        for three in argv.windows(3) {
            let [left, operator, right] = three else {
                continue;
            };
            // `x$1` against `xstart` is an old guard against an empty argument.
            let (action, value) = if left.last() == Some(&ACTION) {
                (left, right)
            } else {
                (right, left)
            };
            let guard = &action[..action.len().saturating_sub(1)];
            if action.last() != Some(&ACTION) || guard.contains(&0) {
                continue;
            }
            let Some(value) = value.strip_prefix(guard).filter(|value| !value.is_empty()) else {
                continue;
            };
            match operator.as_slice() {
                b"=" | b"==" => choice.holds.push(text(value)),
                b"!=" => choice.fails.push(text(value)),
                _ => {}
            }
        }
        choice
    }

    /// What `self joint more` says.
    pub(super) fn join(&mut self, joint: Joint, more: Self) {
        let both = |mut left: Vec<String>, right: Vec<String>| {
            if left.is_empty() || right.is_empty() {
                return Vec::new();
            }
            left.extend(right);
            left
        };
        let any = |left: Vec<String>, right: Vec<String>| {
            if left.is_empty() { right } else { left }
        };
        let Self { holds, fails } = std::mem::take(self);
        *self = match joint {
            Joint::And => Self {
                holds: any(holds, more.holds),
                fails: both(fails, more.fails),
            },
            Joint::Or => Self {
                holds: both(holds, more.holds),
                fails: any(fails, more.fails),
            },
        };
    }

    /// The arms of what stands behind `&&` or `||`.
    pub(super) fn enter(&self, joint: Joint, arms: &mut Vec<String>) {
        match joint {
            Joint::And => self.then(arms),
            Joint::Or => self.otherwise(arms),
        }
    }

    pub(super) fn then(&self, arms: &mut Vec<String>) {
        if !self.holds.is_empty() {
            arms.clone_from(&self.holds);
        }
    }

    pub(super) fn otherwise(&self, arms: &mut Vec<String>) {
        if !self.fails.is_empty() {
            arms.clone_from(&self.fails);
        }
    }
}
