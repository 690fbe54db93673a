//! What a target that starts a single process leaves out, by name.

use crate::report::EnvVar;

use super::process::Process;
use super::service::Service;
use super::{Limit, Out};

impl Service<'_> {
    /// The processes that are not started.
    pub(super) fn only_first(&self, out: &mut Out) {
        for process in &self.processes[1..] {
            out.limit(
                &process.name,
                "this target starts one process",
                format!(
                    "only {} is started; make a second instance with its volumes for it: {}",
                    self.first().name,
                    process.command.join(" ")
                ),
            );
        }
    }

    /// The processes that are not started, and what they alone have.
    pub(super) fn without_others(&self, out: &mut Out) {
        self.only_first(out);
        for process in &self.processes[1..] {
            self.without(process, out);
        }
        for volume in &self.volumes {
            if !self.uses(self.first(), volume) {
                out.limit(
                    &volume.path,
                    "it serves none but processes that this target does not start",
                    format!("left out: mount {} in their instance", self.place(volume)),
                );
            }
        }
    }

    fn without(&self, process: &Process, out: &mut Out) {
        let first = self.first();
        for variable in process.env.iter().filter(|v| !first.env.contains(v)) {
            out.limit(
                format!("variable {}", variable.name),
                format!("it is that of {}, which is not started here", process.name),
                "left out: set it in that instance",
            );
        }
        let own = self.capabilities(first);
        for given in self.capabilities(process) {
            if own.iter().all(|mine| mine.name != given.name) {
                out.limit(
                    &given.name,
                    format!("{} asks for it, which is not started here", process.name),
                    "not given: give it to that instance",
                );
            }
        }
    }

    /// What of the first process an image does not hold: variables that are its own, since the
    /// containers of others are made from it, too, and groups besides the one (OCI image
    /// specification, `config.User`).
    pub(super) fn apart(&self) -> Vec<Limit> {
        let first = self.first();
        let own = first.env.iter().filter(|v| !self.env.contains(v));
        let limit = |variable: &EnvVar| {
            Limit::new(
                format!("variable {}", variable.name),
                format!(
                    "it is that of {} alone, and others start from this image",
                    first.name
                ),
                "left out of the image: give it when the container is started",
            )
        };
        let groups = first.without_groups(
            "an image names one group",
            "give these when the container is started, with --group-add",
        );
        own.map(limit).chain(groups).collect()
    }
}
