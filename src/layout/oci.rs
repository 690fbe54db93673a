//! The documents of the image specification, as far as they are read and written here.
//!
//! `oci-spec` keeps annotations in an order that differs from run to run and drops members it does
//! not know; here the same image is the same bytes, and what a base image says beside is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::document as strict;
use super::{Digest, LayoutError};

/// A member that is kept as it is.
pub type Value = serde_json::Value;

/// What is said of a blob (descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The form of its content.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    #[serde(deserialize_with = "super::document::size")]
    pub size: u64,
    /// Other things said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Other members.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Descriptor {
    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }
}

/// The images of a layout, or the variants of an image (image-index.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// Its own form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The images.
    pub manifests: Vec<Descriptor>,
    /// Other members.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Index {
    /// Reads the index that `what` names in messages.
    ///
    /// # Errors
    /// When programs could take it differently, or it is none.
    pub fn read(what: &str, bytes: &[u8]) -> Result<Self, LayoutError> {
        let index: Self = strict::read(what, bytes, &strict::INDEX)?;
        is_second(what, index.schema_version)?;
        Ok(index)
    }

    /// An index without images.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            schema_version: 2,
            media_type: Some(super::INDEX.to_owned()),
            manifests: Vec::new(),
            other: BTreeMap::new(),
        }
    }
}

/// An image: its configuration and its layers, the lowest first (manifest.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Its own form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it is, where it is no image to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers.
    pub layers: Vec<Descriptor>,
    /// Other things said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Other members.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Manifest {
    /// Reads the manifest that `what` names in messages.
    ///
    /// # Errors
    /// When programs could take it differently, or it is none.
    pub fn read(what: &str, bytes: &[u8]) -> Result<Self, LayoutError> {
        let manifest: Self = strict::read(what, bytes, &strict::MANIFEST)?;
        is_second(what, manifest.schema_version)?;
        Ok(manifest)
    }
}

/// Whether a document is of the version that all are of.
fn is_second(what: &str, version: u32) -> Result<(), LayoutError> {
    match version {
        2 => Ok(()),
        _ => Err(LayoutError::malformed(what, "its schemaVersion is not 2")),
    }
}

/// The configuration of an image (config.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The time of making, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The processor, in Go's words: `amd64`.
    pub architecture: String,
    /// The operating system: `linux`.
    pub os: String,
    /// How to start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Run>,
    /// The layers by what they are uncompressed.
    pub rootfs: RootFs,
    /// How each layer came to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// Other members.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Config {
    /// Reads the configuration that `what` names in messages.
    ///
    /// # Errors
    /// When programs could take it differently, or it is none.
    pub fn read(what: &str, bytes: &[u8]) -> Result<Self, LayoutError> {
        let config: Self = strict::read(what, bytes, &strict::CONFIG)?;
        if config.rootfs.kind != "layers" {
            let wrong = "its rootfs is not of the type layers";
            return Err(LayoutError::malformed(what, wrong));
        }
        Ok(config)
    }
}

/// How to start an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Run {
    /// `UID:GID`, or names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `PORT/tcp` with an empty object each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, Value>>,
    /// `NAME=VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    /// Program and first arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Further arguments, which whoever starts it may replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// Paths that are kept outside, with an empty object each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<BTreeMap<String, Value>>,
    /// The working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Things said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The signal that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Other members.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// The layers, uncompressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The digest of each layer's tar archive, the lowest first.
    pub diff_ids: Vec<Digest>,
}

/// How a layer came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The time of making, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// By what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it changed no file, and so made no layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_layer: Option<bool>,
}
