//! An OCI image layout: a directory of blobs named by their digest, and an index of images
//! (<https://github.com/opencontainers/image-spec>, image-layout.md).
//!
//! Reading goes through `tree`: a layout that somebody handed over may hold links that lead out of
//! it, devices and pipes. Nothing of a blob counts before its digest and size were found right, and
//! nothing of a layer is ever unpacked: it is read as a stream.

mod blob;
mod digest;
mod document;
mod gzip;
mod image;
pub mod layer;
mod oci;
mod store;
#[cfg(test)]
mod tests;

pub use blob::{Blob, BlobWriter};
pub use digest::Digest;
pub use document::unambiguous;
pub use gzip::Gzip;
pub use image::{Image, Platform};
pub use oci::{Config, Descriptor, History, Index, Manifest, RootFs, Run, Value};
pub use store::{Layout, LayoutError, Lock};

/// The media type of an image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of an image's configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a layer compressed with gzip.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The annotation that names an image of an index (annotations.md).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Our annotation of a layer: the role that answers for it.
pub const OWNER: &str = "seaworthy.owner";
/// Our annotation of an image in an index: the role whose layer is its uppermost, and which hands
/// it over.
pub const HANDOVER: &str = "seaworthy.handover";
