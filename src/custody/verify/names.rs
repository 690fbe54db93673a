//! What else goes by a name in the layout. Whoever starts the image names it, and must get the one that
//! was verified.

use super::super::SHELVES;
use super::Verifier;
use crate::layout::{Descriptor, HANDOVER, LayoutError, REF_NAME};
use crate::report::ProblemKind;

/// The annotation by which containerd names an image of a layout, before it looks at the other.
const CONTAINERD: &str = "io.containerd.image.name";

impl Verifier<'_> {
    /// Looks at the other entries of the index: one that goes by the image's name is refused, others
    /// are told.
    pub(super) fn names(&mut self) -> Result<(), LayoutError> {
        let index = self.layout.index()?;
        let own = &self.image.descriptor;
        let tag = self.found.image.clone();
        let mut beside = Vec::new();
        for entry in &index.manifests {
            let names = [REF_NAME, CONTAINERD].map(|name| entry.annotation(name));
            let named: Vec<&str> = names.into_iter().flatten().collect();
            let is_own = entry.digest == own.digest || named == [tag.as_str()];
            if is_own || named.iter().any(|name| is_shelf(name)) {
                continue;
            }
            if let Some(name) = named.iter().find(|name| self.means(name, &tag)) {
                let message = format!(
                    "{} goes by the name of this image, {}, too: programs differ in which they take",
                    entry.digest,
                    shown(name)
                );
                self.found.problem(None, ProblemKind::Document, message);
            } else if !self.is_before(entry) {
                beside.push(
                    named
                        .first()
                        .map_or_else(|| entry.digest.to_string(), |name| shown(name)),
                );
            }
        }
        beside.sort();
        beside.dedup();
        if !beside.is_empty() {
            let message = format!(
                "not judged: {} beside it in the layout is not of this chain",
                beside.join(", ")
            );
            self.found.remarks.push(message);
        }
        Ok(())
    }

    /// Whether a name is one by which this image is started.
    fn means(&self, name: &str, tag: &str) -> bool {
        let image = self.policy.image.as_deref();
        name == tag || image.is_some_and(|image| full(name) == full(image))
    }

    /// Whether an entry is a hand-over before this one, which is compared with its layers elsewhere.
    fn is_before(&self, entry: &Descriptor) -> bool {
        entry.annotation(HANDOVER).is_some()
    }
}

/// Whether a name is one of the places where signatures and ledgers lie.
fn is_shelf(name: &str) -> bool {
    name.starts_with("sha256-")
        && SHELVES
            .iter()
            .any(|shelf| name.ends_with(&format!(".{shelf}")))
}

/// A name as container programs complete it: with registry, folder and tag.
fn full(name: &str) -> String {
    let first = name.split('/').next().unwrap_or_default();
    let is_registry = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let name = match (is_registry, name.contains('/')) {
        (true, _) => name.to_owned(),
        (false, true) => format!("docker.io/{name}"),
        (false, false) => format!("docker.io/library/{name}"),
    };
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) {
        name
    } else {
        format!("{name}:latest")
    }
}

fn shown(name: &str) -> String {
    crate::path::escape(name.as_bytes()).into_owned()
}
