//! Notes: what a program says of itself besides its code. Found by type and owner in `PT_NOTE`,
//! since a stripped file has no sections.

use serde::Deserialize;

use super::header::{Order, Segment};
use super::memory::Pages;

/// The most that is read of one note segment.
const SEGMENT: usize = 1 << 20;

const NT_GNU_BUILD_ID: u32 = 3;
const NT_GNU_PROPERTY_TYPE_0: u32 = 5;
/// systemd.io/ELF_DLOPEN_METADATA.
const NT_FDO_DLOPEN: u32 = 0x407c_0c0a;
/// systemd.io/ELF_PACKAGE_METADATA.
const NT_FDO_PACKAGE: u32 = 0xcafe_1a7e;
/// x86-64 psABI: the levels of the instruction set that the file needs, one bit each.
const GNU_PROPERTY_X86_ISA_1_NEEDED: u32 = 0xc000_8002;

/// The notes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Libraries that are opened while it runs.
    pub dlopen: Vec<Dlopen>,
    /// The package it was built for.
    pub package: Option<Package>,
    /// The build id.
    pub build_id: Option<Box<[u8]>>,
    /// The x86-64 level that is needed, from 1; 0 when nothing is said.
    pub x86_level: u8,
    /// Notes that were not understood.
    pub malformed: bool,
}

/// Libraries of which one is opened while the program runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dlopen {
    /// Names, the preferred one first; any of them will do.
    pub soname: Vec<String>,
    /// What they are for.
    #[serde(default)]
    pub feature: Option<String>,
    /// The same in words.
    #[serde(default)]
    pub description: Option<String>,
    /// How much they matter.
    #[serde(default)]
    pub priority: Priority,
}

/// How much a library matters that is opened while the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A feature few use.
    Suggested,
    /// A feature most installations want.
    #[default]
    Recommended,
    /// The program does not work without it.
    Required,
}

/// The package a file was built for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Package {
    /// `deb`, `rpm`, …
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Version.
    #[serde(default)]
    pub version: String,
    /// Architecture.
    #[serde(default)]
    pub architecture: String,
    /// The operating system as a CPE name.
    #[serde(default, rename = "osCpe")]
    pub os_cpe: String,
}

/// The notes in `segments`.
pub(super) fn read(pages: &mut Pages<'_>, segments: &[Segment]) -> Notes {
    let mut notes = Notes::default();
    for segment in segments {
        let size = usize::try_from(segment.filesz).map_or(SEGMENT, |size| size.min(SEGMENT));
        let bytes = pages.bytes(segment.offset, size);
        // GNU properties are aligned to 8 bytes in a 64-bit file, all else to 4.
        let align = if segment.align == 8 { 8 } else { 4 };
        each(pages.order, &bytes, align, |owner, kind, body| {
            take(&mut notes, pages.order, owner, kind, body);
        });
    }
    notes
}

fn each(order: Order, bytes: &[u8], align: usize, mut found: impl FnMut(&[u8], u32, &[u8])) {
    let mut rest = bytes;
    let size = |at| {
        move |rest: &[u8]| {
            order
                .u32(rest, at)
                .and_then(|size| usize::try_from(size).ok())
        }
    };
    while let (Some(name), Some(body), Some(kind)) =
        (size(0)(rest), size(4)(rest), order.u32(rest, 8))
    {
        let bounds = || {
            let name_end = name.checked_add(12)?;
            let body_at = name_end.checked_next_multiple_of(align)?;
            Some((name_end, body_at, body_at.checked_add(body)?))
        };
        let Some((name_end, body_at, end)) = bounds() else {
            return;
        };
        let (Some(owner), Some(body)) = (rest.get(12..name_end), rest.get(body_at..end)) else {
            return;
        };
        found(owner, kind, body);
        let next = end.checked_next_multiple_of(align).unwrap_or(usize::MAX);
        rest = rest.get(next..).unwrap_or_default();
    }
}

fn take(notes: &mut Notes, order: Order, owner: &[u8], kind: u32, body: &[u8]) {
    match (owner, kind) {
        (b"GNU\0", NT_GNU_BUILD_ID) => notes.build_id = Some(body.into()),
        (b"GNU\0", NT_GNU_PROPERTY_TYPE_0) => {
            notes.x86_level = notes.x86_level.max(x86_level(order, body));
        }
        (b"FDO\0", NT_FDO_DLOPEN) => match serde_json::from_slice::<Vec<Dlopen>>(json(body)) {
            Ok(list) => notes.dlopen.extend(list),
            Err(_) => notes.malformed = true,
        },
        (b"FDO\0", NT_FDO_PACKAGE) => match serde_json::from_slice(json(body)) {
            Ok(package) => notes.package = Some(package),
            Err(_) => notes.malformed = true,
        },
        _ => {}
    }
}

/// The text before the padding.
fn json(body: &[u8]) -> &[u8] {
    body.split(|&b| b == 0).next().unwrap_or_default()
}

fn x86_level(order: Order, body: &[u8]) -> u8 {
    let align = order.word_size();
    let mut rest = body;
    while let (Some(kind), Some(size)) = (order.u32(rest, 0), order.u32(rest, 4)) {
        if kind == GNU_PROPERTY_X86_ISA_1_NEEDED
            && let Some(bits) = order.u32(rest, 8)
        {
            // Bit 0 is the baseline, bit 1 x86-64-v2, and so on to v4.
            return (1..=4)
                .rev()
                .find(|level| bits & (1 << (level - 1)) != 0)
                .unwrap_or(0);
        }
        let next = usize::try_from(size)
            .ok()
            .and_then(|size| size.checked_add(8))
            .and_then(|end| end.checked_next_multiple_of(align));
        rest = next.and_then(|next| rest.get(next..)).unwrap_or_default();
    }
    0
}
