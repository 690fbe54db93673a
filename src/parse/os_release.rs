//! os-release(5): which distribution a root holds.

use std::collections::BTreeMap;

use super::{env_file, line::text};

/// What os-release says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`, lower case: `debian`, `rhel`; `linux` when absent, as the manual has it.
    pub id: String,
    /// `ID_LIKE`: closely related distributions, nearest first.
    pub like: Vec<String>,
    /// `VERSION_ID`; rolling distributions have none.
    pub version: Option<String>,
    /// `PRETTY_NAME`, for people.
    pub pretty: Option<String>,
    /// Every field.
    pub fields: BTreeMap<String, String>,
}

impl OsRelease {
    /// Reads the file.
    #[must_use]
    pub fn parse(file: &[u8]) -> Self {
        let fields: BTreeMap<String, String> = env_file::parse(file)
            .0
            .into_iter()
            .map(|field| (field.name, text(&field.value)))
            .collect();
        let get = |key: &str| fields.get(key).filter(|value| !value.is_empty()).cloned();
        Self {
            id: get("ID").map_or_else(|| "linux".to_owned(), |id| id.to_ascii_lowercase()),
            like: get("ID_LIKE")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            version: get("VERSION_ID"),
            pretty: get("PRETTY_NAME"),
            fields,
        }
    }

    /// Whether the root is of this distribution or says it is like it.
    #[must_use]
    pub fn is_like(&self, id: &str) -> bool {
        self.id == id || self.like.iter().any(|like| like == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_family() {
        let release = OsRelease::parse(
            b"NAME=\"Rocky Linux\"\nVERSION_ID=\"8.9\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nPRETTY_NAME='Rocky 8'\n",
        );
        assert_eq!(release.id, "rocky");
        assert!(release.is_like("rhel") && release.is_like("rocky") && !release.is_like("debian"));
        assert_eq!(release.version.as_deref(), Some("8.9"));
        assert_eq!(release.pretty.as_deref(), Some("Rocky 8"));
        assert_eq!(OsRelease::parse(b"").id, "linux");
    }
}
