//! Documents in JSON, read strictly: only what every program takes in the same way.
//!
//! Go compares the names of members without regard to case and takes the last of two; others take
//! the first, or only the exact one. A document with both would be one image to whoever verifies it
//! and another to whoever runs it.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::LayoutError;

/// The members of an object that some program understands.
pub(super) struct Shape {
    /// By name; what such an object is, where it is one.
    members: &'static [(&'static str, Option<&'static Shape>)],
    /// The members of another document, by which a reader might take it for that one
    /// (CVE-2021-41190).
    foreign: &'static [&'static str],
}

const fn plain(name: &'static str) -> (&'static str, Option<&'static Shape>) {
    (name, None)
}

const PLATFORM: Shape = Shape {
    members: &[
        plain("architecture"),
        plain("os"),
        plain("os.version"),
        plain("os.features"),
        plain("variant"),
        plain("features"),
    ],
    foreign: &[],
};

const DESCRIPTOR: Shape = Shape {
    members: &[
        plain("mediaType"),
        plain("digest"),
        plain("size"),
        plain("urls"),
        plain("annotations"),
        plain("data"),
        ("platform", Some(&PLATFORM)),
        plain("artifactType"),
    ],
    foreign: &[],
};

/// image-index.md, and Docker's list of manifests.
pub(super) const INDEX: Shape = Shape {
    members: &[
        plain("schemaVersion"),
        plain("mediaType"),
        plain("artifactType"),
        ("manifests", Some(&DESCRIPTOR)),
        ("subject", Some(&DESCRIPTOR)),
        plain("annotations"),
    ],
    foreign: &["config", "layers", "fsLayers", "history", "signatures"],
};

/// manifest.md, and Docker's manifest, schema 2.
pub(super) const MANIFEST: Shape = Shape {
    members: &[
        plain("schemaVersion"),
        plain("mediaType"),
        plain("artifactType"),
        ("config", Some(&DESCRIPTOR)),
        ("layers", Some(&DESCRIPTOR)),
        ("subject", Some(&DESCRIPTOR)),
        plain("annotations"),
    ],
    foreign: &["manifests", "fsLayers", "history", "signatures"],
};

/// config.md, and what Docker has beside it.
const RUN: Shape = Shape {
    members: &[
        plain("User"),
        plain("ExposedPorts"),
        plain("Env"),
        plain("Entrypoint"),
        plain("Cmd"),
        plain("Volumes"),
        plain("WorkingDir"),
        plain("Labels"),
        plain("StopSignal"),
        plain("StopTimeout"),
        plain("ArgsEscaped"),
        plain("Memory"),
        plain("MemorySwap"),
        plain("CpuShares"),
        ("Healthcheck", Some(&HEALTH)),
        plain("OnBuild"),
        plain("Shell"),
        plain("Hostname"),
        plain("Domainname"),
        plain("AttachStdin"),
        plain("AttachStdout"),
        plain("AttachStderr"),
        plain("Tty"),
        plain("OpenStdin"),
        plain("StdinOnce"),
        plain("Image"),
        plain("NetworkDisabled"),
        plain("MacAddress"),
        plain("PortSpecs"),
    ],
    foreign: &[],
};

const HEALTH: Shape = Shape {
    members: &[
        plain("Test"),
        plain("Interval"),
        plain("Timeout"),
        plain("StartPeriod"),
        plain("StartInterval"),
        plain("Retries"),
    ],
    foreign: &[],
};

/// config.md, and Docker's image.
pub(super) const CONFIG: Shape = Shape {
    members: &[
        plain("created"),
        plain("author"),
        plain("architecture"),
        plain("variant"),
        plain("os"),
        plain("os.version"),
        plain("os.features"),
        ("config", Some(&RUN)),
        (
            "rootfs",
            Some(&Shape {
                members: &[plain("type"), plain("diff_ids"), plain("base_layer")],
                foreign: &[],
            }),
        ),
        (
            "history",
            Some(&Shape {
                members: &[
                    plain("created"),
                    plain("author"),
                    plain("created_by"),
                    plain("comment"),
                    plain("empty_layer"),
                ],
                foreign: &[],
            }),
        ),
        plain("id"),
        plain("parent"),
        plain("comment"),
        plain("container"),
        ("container_config", Some(&RUN)),
        plain("docker_version"),
        plain("Size"),
    ],
    foreign: &["manifests", "layers", "mediaType"],
};

/// The file `oci-layout` (image-layout.md).
pub(super) const VERSION: Shape = Shape {
    members: &[plain("imageLayoutVersion")],
    foreign: &[],
};

/// Reads the document `what`, which has the shape of `shape`.
pub(super) fn read<T: DeserializeOwned>(
    what: &str,
    bytes: &[u8],
    shape: &'static Shape,
) -> Result<T, LayoutError> {
    let failed = |error: serde_json::Error| LayoutError::malformed(what, error);
    let mut check = serde_json::Deserializer::from_slice(bytes);
    Strict(Some(shape))
        .deserialize(&mut check)
        .map_err(failed)?;
    check.end().map_err(failed)?;
    serde_json::from_slice(bytes).map_err(failed)
}

/// Reads a document of which nothing is known beforehand: no object of it has a member twice.
///
/// # Errors
/// When one has, or it is no `T`.
pub fn unambiguous<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let mut check = serde_json::Deserializer::from_slice(bytes);
    Strict(None).deserialize(&mut check)?;
    check.end()?;
    serde_json::from_slice(bytes)
}

/// A value that is looked at and not kept: an object of a shape, or a list of such.
#[derive(Clone, Copy)]
struct Strict(Option<&'static Shape>);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let wrong = <A::Error as serde::de::Error>::custom::<String>;
        let mut names = BTreeSet::new();
        while let Some(name) = object.next_key::<String>()? {
            let mut inner = None;
            if let Some(shape) = self.0 {
                inner = shape.member(&name).map_err(wrong)?;
            }
            object.next_value_seed(Strict(inner))?;
            if let Some(name) = names.replace(name) {
                return Err(wrong(format!("the member {name:?} comes twice")));
            }
        }
        Ok(())
    }
}

impl Shape {
    /// What a member is. A name that only looks like a known one is refused.
    fn member(&self, name: &str) -> Result<Option<&'static Shape>, String> {
        let folded = fold(name);
        for (known, shape) in self.members {
            if *known == name {
                return Ok(*shape);
            }
            if fold(known) == folded {
                return Err(format!(
                    "the member {name:?} is {known:?} to programs that do not look at case"
                ));
            }
        }
        if self.foreign.iter().any(|foreign| fold(foreign) == folded) {
            return Err(format!(
                "the member {name:?} is one of another document, for which some program might take it"
            ));
        }
        Ok(None)
    }
}

/// A name as Go's encoding/json compares it: by Unicode's simple folding, in which two letters beyond
/// ASCII are `s` and `k`.
fn fold(name: &str) -> String {
    let letter = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => letter.to_ascii_lowercase(),
    };
    name.chars().map(letter).collect()
}

/// Reads a number of bytes as Go does, whose numbers are signed.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = i64::deserialize(deserializer)?;
    u64::try_from(size).map_err(|_| serde::de::Error::custom("a size below 0"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn members_that_programs_read_differently_are_refused() {
        let index = |text: &str| read::<Value>("index", text.as_bytes(), &INDEX);
        assert!(index(r#"{"schemaVersion": 2, "x": {"a": 1, "A": 2}, "manifests": []}"#).is_ok());
        for text in [
            r#"{"manifests": [], "manifests": []}"#,
            r#"{"manifests": [], "MANIFESTS": []}"#,
            r#"{"manife\u017fts": []}"#,
            r#"{"manifests": [{"mediaType": "a", "MediaType": "b"}]}"#,
            r#"{"manifests": [{"platform": {"OS": "linux"}}]}"#,
            r#"{"x": {"a": 1, "a": 2}}"#,
            r#"{"x": [[{"a": 1, "\u0061": 2}]]}"#,
            r#"{"manifests": [], "Layers": []}"#,
            r#"{"manifests": [], "config": null}"#,
            r#"{"manifests": []} {}"#,
            r#"{"x": "\ud800"}"#,
        ] {
            assert!(index(text).is_err(), "{text}");
        }
        let config = |text: &str| read::<Value>("config", text.as_bytes(), &CONFIG);
        assert!(config(r#"{"config": {"Labels": {"a": "", "A": ""}}, "Kernel": 1}"#).is_ok());
        assert!(config(r#"{"config": {"\u212aernel": 1}}"#).is_ok());
        for text in [
            r#"{"config": {"user": "0"}}"#,
            r#"{"config": {"Healthcheck": {"test": []}}}"#,
            r#"{"rootfs": {"Type": "layers"}}"#,
            r#"{"rootf\u017f": {}}"#,
            r#"{"history": [{"Empty_Layer": true}]}"#,
            r#"{"config": {"Labels": {"a": "", "a": ""}}}"#,
        ] {
            assert!(config(text).is_err(), "{text}");
        }
    }
}
