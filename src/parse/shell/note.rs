//! What the walk keeps of the commands that it visits: variables, paths and programs.

use super::super::op::{Act, Deed, Op, Run};
use super::super::value::{ACTION, HOLE, Value, folded, is_hole, seen_from};
use super::expand::text;
use super::syntax::{Redirect, RedirectKind};
use super::walk::Walk;

/// How many operations are kept.
const MAX_OPS: usize = 8192;

impl Walk<'_> {
    /// Sets a variable and notes it.
    pub(super) fn assign(&mut self, name: &str, values: Vec<Value>) {
        let exported = self.exported.contains(name) || self.exported.contains("*");
        self.set_op(name, &values, exported);
        self.env.insert(name, values);
    }

    /// Marks a variable, or with `*` every later one, as seen by programs.
    pub(super) fn export(&mut self, name: &str) {
        self.exported.insert(name.to_owned());
        if let Some(values) = self.env.get(name).cloned() {
            self.set_op(name, &values, true);
        }
    }

    pub(super) fn set_op(&mut self, name: &str, values: &[Value], exported: bool) {
        for value in values {
            if !is_hole(value) {
                let deed = Deed::Set {
                    name: name.to_owned(),
                    value: folded(value),
                    exported,
                };
                self.op("=", deed);
            }
        }
    }

    pub(super) fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            self.line = redirect.line;
            let act = match redirect.kind {
                RedirectKind::Read => Act::Reads,
                RedirectKind::Write | RedirectKind::ReadWrite => Act::Writes,
                RedirectKind::HereDocument(number) => {
                    self.document = self.documents.get(number).cloned();
                    continue;
                }
                RedirectKind::Duplicate | RedirectKind::HereString => continue,
            };
            for target in self.expand(&redirect.target) {
                self.path(act, &target, "redirect");
            }
        }
    }

    /// Notes what is done to a path, unless nothing of it is known.
    pub(super) fn path(&mut self, act: Act, path: &[u8], by: &str) {
        if path.is_empty() || path == b"-" || path == [ACTION] || is_hole(path) {
            return;
        }
        let path = folded(&seen_from(self.cwd.as_deref(), path));
        self.op(by, Deed::Path { act, path });
    }

    /// Notes that something is put in the place of a file of which nothing is known.
    pub(super) fn replaced(&mut self, by: &str) {
        let path = folded(&[HOLE]);
        self.op(
            by,
            Deed::Path {
                act: Act::Writes,
                path,
            },
        );
    }

    /// Notes that a program is started.
    pub(super) fn ran(&mut self, run: Run) {
        if self.calling.is_some() {
            self.started(&run);
            return;
        }
        let by = run.argv.first().map(|name| text(name)).unwrap_or_default();
        self.op(&by, Deed::Run(run));
    }

    pub(super) fn op(&mut self, by: &str, deed: Deed) {
        // Of a call that is followed only what it starts is kept.
        if self.calling.is_some() {
            return;
        }
        if self.ops.len() >= MAX_OPS {
            self.cut = true;
            return;
        }
        self.ops.insert(Op {
            line: self.line,
            by: by.to_owned(),
            deed,
            arms: self.arms.clone(),
            function: self.calls.last().cloned().unwrap_or_default(),
            sure: self.sure,
        });
    }
}

/// Whether a name is one of a variable, rather than of an argument or of the shell's own state.
pub(super) fn is_variable_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}
