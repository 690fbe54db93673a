//! The list of a volume, beside it: what was copied, to compare by. It has the form of mtree(5),
//! which other programs read, too.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::fact::Kind;
use crate::tree::{Attributes, Item, Moment};

/// The SHA-256 of a file's content.
pub(super) type Sum = [u8; 32];

/// An entry of a volume; the path begins below it, and is empty for the volume itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: Moment,
    /// Bytes of a regular file.
    pub(super) size: u64,
    /// What a device file stands for.
    pub(super) device: u64,
    pub(super) sum: Option<Sum>,
    /// The text of a link.
    pub(super) text: Option<Vec<u8>>,
    pub(super) xattrs: Option<Sum>,
    /// Its identity, for as long as it is not known what its other names are.
    pub(super) id: Option<(u64, u64)>,
    /// The first of its names, where it has several here.
    pub(super) twin: Option<Vec<u8>>,
}

/// Rows by path.
pub(super) type Rows = BTreeMap<Vec<u8>, Row>;

impl Row {
    pub(super) fn new(item: &Item, xattrs: &Attributes) -> Self {
        let stat = &item.stat;
        let is_device = matches!(stat.kind, Kind::CharDevice | Kind::BlockDevice);
        let has_twins = stat.kind != Kind::Dir && stat.links > 1;
        Self {
            kind: stat.kind,
            // A link has no mode of its own (symlink(7)).
            mode: if stat.kind == Kind::Link {
                0o777
            } else {
                stat.mode
            },
            uid: stat.uid,
            gid: stat.gid,
            modified: item.modified,
            size: if stat.kind == Kind::File {
                stat.size
            } else {
                0
            },
            device: if is_device { item.device } else { 0 },
            sum: None,
            text: None,
            xattrs: digest(xattrs),
            id: has_twins.then_some(stat.id),
            twin: None,
        }
    }
}

/// Whether an attribute is a label that the host's security module gives to every entry by itself.
pub(super) fn is_label(name: &[u8]) -> bool {
    name.starts_with(b"security.") && name != b"security.capability"
}

/// The sum of what attributes say. Labels of the host's security module are not the volume's: they
/// belong to the host on which it is.
fn digest(xattrs: &Attributes) -> Option<Sum> {
    let own = xattrs.iter().filter(|(name, _)| !is_label(name));
    let mut sum = Sha256::new();
    let mut is_any = false;
    for (name, value) in own {
        is_any = true;
        sum.update((name.len() as u64).to_be_bytes());
        sum.update(name);
        sum.update((value.len() as u64).to_be_bytes());
        sum.update(value);
    }
    is_any.then(|| sum.finalize().into())
}

/// Joins the names of the same file: each has the first of them, in the order of paths.
pub(super) fn join(rows: &mut Rows) {
    let mut names: BTreeMap<(u64, u64), Vec<Vec<u8>>> = BTreeMap::new();
    for (path, row) in rows.iter() {
        if let Some(id) = row.id {
            names.entry(id).or_default().push(path.clone());
        }
    }
    for row in rows.values_mut() {
        let all = row.id.take().and_then(|id| names.get(&id));
        row.twin = all
            .filter(|all| all.len() > 1)
            .and_then(|all| all.first().cloned());
    }
}

/// The list as text.
pub(super) fn text(volume: &str, rows: &Rows) -> String {
    let mut text = format!(
        "#mtree\n# {volume}: what was copied, to compare by (mtree(5)); xattrs and hardlink are \
         seaworthy's own\n"
    );
    for (path, row) in rows {
        text += &line(path, row);
        text.push('\n');
    }
    text
}

fn line(path: &[u8], row: &Row) -> String {
    let mut line = written(path);
    let mut add = |key: &str, value: String| line += &format!(" {key}={value}");
    add("type", word(row.kind).to_owned());
    add("mode", format!("{:04o}", row.mode));
    add("uid", row.uid.to_string());
    add("gid", row.gid.to_string());
    let (seconds, part) = row.modified;
    add("time", format!("{seconds}.{part:09}"));
    if row.kind == Kind::File {
        add("size", row.size.to_string());
    }
    if let Some(sum) = &row.sum {
        add("sha256digest", hex(sum));
    }
    if let Some(text) = &row.text {
        add("link", vis(text));
    }
    if row.device != 0 {
        let (major, minor) = parts(row.device);
        add("device", format!("linux,{major},{minor}"));
    }
    if let Some(sum) = &row.xattrs {
        add("xattrs", hex(sum));
    }
    if let Some(twin) = &row.twin {
        add("hardlink", written(twin));
    }
    line
}

/// Major and minor number (makedev(3), the GNU library's form).
pub(super) fn parts(device: u64) -> (u64, u64) {
    let major = ((device >> 32) & 0xffff_f000) | ((device >> 8) & 0xfff);
    let minor = ((device >> 12) & 0xffff_ff00) | (device & 0xff);
    (major, minor)
}

fn join_parts(major: u64, minor: u64) -> u64 {
    ((major & 0xffff_f000) << 32)
        | ((major & 0xfff) << 8)
        | ((minor & 0xffff_ff00) << 12)
        | (minor & 0xff)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Dir => "dir",
        Kind::File => "file",
        Kind::Link => "link",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
        Kind::CharDevice => "char",
        Kind::BlockDevice => "block",
    }
}

fn kind(word: &str) -> Option<Kind> {
    let kinds = [
        Kind::Dir,
        Kind::File,
        Kind::Link,
        Kind::Fifo,
        Kind::Socket,
        Kind::CharDevice,
        Kind::BlockDevice,
    ];
    kinds.into_iter().find(|kind| self::word(*kind) == word)
}

fn written(path: &[u8]) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    format!("./{}", vis(path))
}

/// A name as mtree(5) has it: every byte that is no printable letter as three octal digits.
fn vis(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_graphic() && !b"\\#=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("\\{byte:03o}");
        }
    }
    text
}

fn unvis(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let octal = text.get(at + 1..at + 4).filter(|_| byte == b'\\');
        match octal.and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(code) => {
                found.push(code);
                at += 4;
            }
            None => {
                found.push(byte);
                at += 1;
            }
        }
    }
    found
}

fn hex(sum: &Sum) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Sum> {
    let mut sum = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (at, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(sum)
}

/// Reads a list back; where a line is none of a list, its number.
pub(super) fn parse(text: &str) -> Result<Rows, usize> {
    let mut rows = Rows::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (path, row) = parse_line(line).ok_or(number + 1)?;
        rows.insert(path, row);
    }
    Ok(rows)
}

fn parse_line(line: &str) -> Option<(Vec<u8>, Row)> {
    let unwritten = |name: &str| unvis(name.strip_prefix("./").unwrap_or_default());
    let mut words = line.split(' ');
    let name = words.next()?;
    if name != "." && !name.starts_with("./") {
        return None;
    }
    let mut row = Row {
        kind: Kind::File,
        mode: 0,
        uid: 0,
        gid: 0,
        modified: (0, 0),
        size: 0,
        device: 0,
        sum: None,
        text: None,
        xattrs: None,
        id: None,
        twin: None,
    };
    for word in words {
        let (key, value) = word.split_once('=')?;
        match key {
            "type" => row.kind = kind(value)?,
            "mode" => row.mode = u32::from_str_radix(value, 8).ok()?,
            "uid" => row.uid = value.parse().ok()?,
            "gid" => row.gid = value.parse().ok()?,
            "time" => {
                let (seconds, part) = value.split_once('.')?;
                row.modified = (seconds.parse().ok()?, part.parse().ok()?);
            }
            "size" => row.size = value.parse().ok()?,
            "sha256digest" => row.sum = Some(unhex(value)?),
            "link" => row.text = Some(unvis(value)),
            "device" => {
                let (major, minor) = value.strip_prefix("linux,")?.split_once(',')?;
                row.device = join_parts(major.parse().ok()?, minor.parse().ok()?);
            }
            "xattrs" => row.xattrs = Some(unhex(value)?),
            "hardlink" => row.twin = Some(unwritten(value)),
            _ => {}
        }
    }
    Some((unwritten(name), row))
}

/// What differs between two rows of the same path, in words.
pub(super) fn differences(was: &Row, is: &Row) -> Vec<&'static str> {
    let pairs = [
        (was.kind != is.kind, "kind"),
        (was.mode != is.mode, "mode"),
        ((was.uid, was.gid) != (is.uid, is.gid), "owner"),
        (was.modified != is.modified, "time"),
        (was.size != is.size, "size"),
        (was.device != is.device, "device"),
        (was.sum != is.sum, "content"),
        (was.text != is.text, "target"),
        (was.xattrs != is.xattrs, "extended attributes"),
        (was.twin != is.twin, "other names"),
    ];
    let differing = pairs.into_iter().filter(|(differs, _)| *differs);
    differing.map(|(_, word)| word).collect()
}

/// The sum of a file without content.
pub(super) fn nothing() -> Sum {
    Sha256::digest(b"").into()
}
