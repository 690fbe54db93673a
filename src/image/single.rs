//! Images of a single layer: the unified tarball of LXD and Incus, and the appc image of rkt.

use std::io::Write;

use super::{PackError, Settled, Source, architecture};
use crate::layout::layer::{Meta, TarWriter};
use crate::manifest::{self, Settings};

/// The year 9999, in seconds since 1970.
const LATEST: i64 = 253_370_764_800;

/// What kind of image has a single layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// LXD and Incus: `metadata.yaml` and `rootfs` (their documentation, Image format).
    Lxd,
    /// rkt: `manifest` and `rootfs` (appc specification, App Container Image).
    Aci,
}

/// Begins the archive with what describes the image.
pub(super) fn begin<W: Write>(
    kind: Kind,
    source: &Source<'_>,
    settings: &Settings,
    settled: &Settled,
    out: W,
) -> Result<TarWriter<W>, PackError> {
    let mut tar = TarWriter::new(out, "rootfs/");
    let (name, text) = match kind {
        Kind::Lxd => ("metadata.yaml", metadata(source, settings, settled)),
        Kind::Aci => (
            "manifest",
            manifest::appc(
                source.report,
                settled.start.as_deref(),
                architecture(source),
            ),
        ),
    };
    let meta = Meta {
        mode: 0o644,
        ..Meta::default()
    };
    tar.beside(name, &meta, text.as_bytes())
        .map_err(PackError::write)?;
    Ok(tar)
}

/// The description for LXD; its machines have the kernel's names. JSON is YAML, too (YAML 1.2,
/// section 1.3), so that no name needs another way of quoting.
fn metadata(source: &Source<'_>, settings: &Settings, settled: &Settled) -> String {
    let machine = match architecture(source) {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "386" => "i686",
        "arm" => "armv7l",
        other => other,
    };
    let metadata = serde_json::json!({
        "architecture": machine,
        // 0 counts as none, and years beyond 9999 cannot be written (Go's time, MarshalJSON).
        "creation_date": if settled.newest < LATEST { settled.newest.max(1) } else { 1 },
        "properties": {
            "description": format!("{}, packed by seaworthy", settings.name),
            "name": settings.name,
            "os": source.report.target.system,
        },
    });
    serde_json::to_string_pretty(&metadata).unwrap_or_default() + "\n"
}
