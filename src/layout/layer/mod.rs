//! Layers: tar archives with the changes that each makes to what lies below it (layer.md).

mod entry;
mod header;
mod loose;
mod pax;
mod plain;
mod read;
mod sparse;
mod told;
mod unpack;
mod write;

pub use entry::{Body, Entry, Meta};
pub use pax::is_attribute;
pub use plain::{Dropped, rewrite};
pub use read::{Fault, Limits, Summary, read};
pub use write::{Content, TarWriter};

/// How a layer is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// The compression of a layer's media type; None where it is no layer that may be passed on
/// (`nondistributable` ones may not).
#[must_use]
pub fn compression(media_type: &str) -> Option<Compression> {
    Some(match media_type {
        "application/vnd.oci.image.layer.v1.tar" => Compression::None,
        super::LAYER_GZIP | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
            Compression::Gzip
        }
        "application/vnd.oci.image.layer.v1.tar+zstd" => Compression::Zstd,
        _ => return None,
    })
}
