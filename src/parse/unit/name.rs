//! Names of units: prefix, instance and kind, and the unit a drop-in belongs to.

use crate::path::AppPath;

/// The endings of unit files (systemd.unit(5)); `.device` and `.scope` have none.
const KINDS: [&str; 9] = [
    "service",
    "socket",
    "timer",
    "path",
    "mount",
    "automount",
    "target",
    "slice",
    "swap",
];

/// The name of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitName {
    /// The whole name, `app@main.service`.
    pub full: String,
    /// Before `@`, or before the ending: `app`.
    pub prefix: String,
    /// Between `@` and the ending: `main`; nothing for a template or a plain unit.
    pub instance: Option<String>,
    /// Whether this is a template, `app@.service`.
    pub is_template: bool,
    /// The ending: `service`.
    pub kind: String,
}

impl UnitName {
    /// Reads a file's name.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        let full = std::str::from_utf8(name).ok()?;
        let (stem, kind) = full.rsplit_once('.')?;
        if stem.is_empty() || !KINDS.contains(&kind) {
            return None;
        }
        let (prefix, instance) = match stem.split_once('@') {
            Some((prefix, instance)) => (prefix, Some(instance)),
            None => (stem, None),
        };
        Some(Self {
            full: full.to_owned(),
            prefix: prefix.to_owned(),
            instance: instance.filter(|i| !i.is_empty()).map(str::to_owned),
            is_template: instance == Some(""),
            kind: kind.to_owned(),
        })
    }

    /// The unit that a file is, or that it adds to: `app.service` for
    /// `…/app.service.d/local.conf`.
    #[must_use]
    pub fn of_file(path: &AppPath) -> Option<Self> {
        if let Some(name) = Self::parse(path.name()) {
            return Some(name);
        }
        Self::parse(dropin_of(path)?)
    }

    /// The name without its ending.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.full
            .rsplit_once('.')
            .map_or(self.full.as_str(), |(stem, _)| stem)
    }

    /// The unit of another kind with the same stem: what a socket or timer starts by default.
    #[must_use]
    pub fn sibling(&self, kind: &str) -> String {
        format!("{}.{kind}", self.stem())
    }
}

/// The name of the unit that `path` is a drop-in for: the directory's name without `.d`.
pub(super) fn dropin_of(path: &AppPath) -> Option<&[u8]> {
    if !path.name().ends_with(b".conf") {
        return None;
    }
    path.components().rev().nth(1)?.strip_suffix(b".d")
}

/// Undoes the escaping of unit names: `-` is `/`, `\xHH` a byte (systemd-escape(1)).
#[must_use]
pub fn unescape(name: &str) -> Vec<u8> {
    let dashes = name.replace('-', "/");
    crate::path::unescape(&dashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_prefix_instance_and_kind() {
        let plain = UnitName::parse(b"my-app.service").unwrap();
        assert_eq!(
            (plain.prefix.as_str(), plain.is_template),
            ("my-app", false)
        );
        let template = UnitName::parse(b"app@.service").unwrap();
        assert!(template.is_template && template.instance.is_none());
        let instance = UnitName::parse(b"app@a.b.socket").unwrap();
        assert_eq!(instance.instance.as_deref(), Some("a.b"));
        assert_eq!(instance.sibling("service"), "app@a.b.service");
        assert_eq!(UnitName::parse(b"app.conf"), None);
        assert_eq!(UnitName::parse(b".service"), None);
    }

    #[test]
    fn a_drop_in_belongs_to_the_unit_of_its_directory() {
        let path = AppPath::new("/etc/systemd/system/app.service.d/10-x.conf");
        assert_eq!(UnitName::of_file(&path).unwrap().full, "app.service");
        let other = AppPath::new("/etc/app.d/x.conf");
        assert_eq!(UnitName::of_file(&other), None);
    }

    #[test]
    fn escaped_names_give_paths() {
        assert_eq!(unescape(r"srv-my\x2ddata"), b"srv/my-data");
    }
}
