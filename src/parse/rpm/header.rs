//! One package of an rpm database: the header, a table of tags with their values.
//!
//! The form is that of rpm's `docs/manual/format_header.md`: a count of entries, the length of
//! the values, the entries (tag, type, offset, count; four bytes each), the values. All numbers
//! are big-endian, whatever the host. In a database the eight bytes of magic are left out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Fault, be16, be32, be64};
use crate::parse::digest::Digest;

/// The longest path that a program can name (`PATH_MAX`); a longer one is left out.
const MAX_PATH: usize = 4096;

/// How many bytes of paths are made of one header. The largest packages have some tens of
/// megabytes; a header that was made to harm can ask for a long directory with a million names.
const MAX_PATH_BYTES: usize = 64 << 20;

/// The tags that are used here, as rpm's `rpmtag.h` numbers them.
pub mod tag {
    #![allow(missing_docs, reason = "the names are those of rpmtag.h")]
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const LICENSE: u32 = 1014;
    pub const ARCH: u32 = 1022;
    pub const PREIN: u32 = 1023;
    pub const POSTIN: u32 = 1024;
    pub const PREUN: u32 = 1025;
    pub const POSTUN: u32 = 1026;
    pub const OLDFILENAMES: u32 = 1027;
    pub const FILESIZES: u32 = 1028;
    pub const FILESTATES: u32 = 1029;
    pub const FILEMODES: u32 = 1030;
    pub const FILEDIGESTS: u32 = 1035;
    pub const FILELINKTOS: u32 = 1036;
    pub const FILEFLAGS: u32 = 1037;
    pub const FILEUSERNAME: u32 = 1039;
    pub const FILEGROUPNAME: u32 = 1040;
    pub const SOURCERPM: u32 = 1044;
    pub const PROVIDENAME: u32 = 1047;
    pub const REQUIRENAME: u32 = 1049;
    pub const TRIGGERSCRIPTS: u32 = 1065;
    pub const PREINPROG: u32 = 1085;
    pub const POSTINPROG: u32 = 1086;
    pub const PREUNPROG: u32 = 1087;
    pub const POSTUNPROG: u32 = 1088;
    pub const DIRINDEXES: u32 = 1116;
    pub const BASENAMES: u32 = 1117;
    pub const DIRNAMES: u32 = 1118;
    pub const PRETRANS: u32 = 1151;
    pub const POSTTRANS: u32 = 1152;
    pub const PRETRANSPROG: u32 = 1153;
    pub const POSTTRANSPROG: u32 = 1154;
    pub const LONGFILESIZES: u32 = 5008;
    pub const RECOMMENDNAME: u32 = 5046;
}

/// Bits of `FILEFLAGS` (rpm's `rpmfiles.h`).
mod flag {
    pub(super) const CONFIG: u64 = 1;
    pub(super) const DOC: u64 = 1 << 1;
    pub(super) const MISSINGOK: u64 = 1 << 3;
    pub(super) const NOREPLACE: u64 = 1 << 4;
    pub(super) const GHOST: u64 = 1 << 6;
    pub(super) const LICENSE: u64 = 1 << 7;
}

/// A package as the database has it.
#[derive(Debug)]
pub struct Header<'a> {
    entries: BTreeMap<u32, Entry>,
    values: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: u32,
    offset: u32,
    count: u32,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: Vec<u8>,
    /// Type and permissions as in `st_mode` (inode(7)).
    pub mode: Option<u32>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Checksum of the content; a directory, link or ghost has none.
    pub digest: Option<Digest>,
    /// The text of a symbolic link.
    pub target: Option<Vec<u8>>,
    /// Owner by name.
    pub user: Option<String>,
    /// Group by name.
    pub group: Option<String>,
    /// `%config`: an administrator may change it.
    pub config: bool,
    /// `%config(noreplace)`: an update leaves the changed file in its place.
    pub noreplace: bool,
    /// `%ghost`: the package owns the name, and the file comes into being later.
    pub ghost: bool,
    /// `%doc` or `%license`.
    pub doc: bool,
    /// It may be absent: `%config(missingok)`.
    pub missing_ok: bool,
    /// It was put on disk: neither left out (documentation, a language) nor replaced by that of
    /// another package.
    pub installed: bool,
}

impl<'a> Header<'a> {
    /// Reads the table of tags.
    ///
    /// # Errors
    /// When `blob` is no header.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Fault> {
        let count = be32(blob, 0).ok_or_else(|| Fault::malformed("a header is cut short"))?;
        let table = blob.get(8..).unwrap_or_default();
        // Counted in bytes that are there, not in those that are claimed.
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count > 0 && count.saturating_mul(16) <= table.len())
            .ok_or_else(|| Fault::malformed("a header's table of tags is larger than itself"))?;
        let (table, values) = table.split_at(count * 16);
        let mut entries = BTreeMap::new();
        for row in table.as_chunks::<16>().0 {
            let field = |at| be32(row, at).unwrap_or_default();
            // An entry after the signed region replaces the one in it: the last one counts.
            entries.insert(
                field(0),
                Entry {
                    kind: field(4),
                    offset: field(8),
                    count: field(12),
                },
            );
        }
        Ok(Self { entries, values })
    }

    fn entry(&self, tag: u32) -> Option<(&Entry, &'a [u8])> {
        let entry = self.entries.get(&tag)?;
        let start = usize::try_from(entry.offset).ok()?;
        Some((entry, self.values.get(start..)?))
    }

    /// The texts of a tag: none when it is absent or of another type.
    pub fn strings(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (count, bytes) = match self.entry(tag) {
            // Types 6, 8 and 9: string, array of strings, string in several languages.
            Some((Entry { kind: 6, .. }, bytes)) => (1, bytes),
            Some((
                Entry {
                    kind: 8 | 9, count, ..
                },
                bytes,
            )) => (*count, bytes),
            _ => (0, &[][..]),
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Strings { rest: bytes }.take(count)
    }

    /// The first text of a tag.
    #[must_use]
    pub fn string(&self, tag: u32) -> Option<&'a [u8]> {
        self.strings(tag).next()
    }

    /// The first text of a tag, for people.
    #[must_use]
    pub fn text(&self, tag: u32) -> Option<String> {
        self.string(tag)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The numbers of a tag: none when it is absent or of another type.
    #[must_use]
    pub fn numbers(&self, tag: u32) -> Vec<u64> {
        let Some((entry, bytes)) = self.entry(tag) else {
            return Vec::new();
        };
        // Types 1 to 5: character, and integers of 8, 16, 32 and 64 bits.
        let width = match entry.kind {
            1 | 2 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return Vec::new(),
        };
        let count = usize::try_from(entry.count).unwrap_or(usize::MAX);
        bytes
            .chunks_exact(width)
            .take(count)
            .map_while(|chunk| match width {
                1 => chunk.first().map(|b| u64::from(*b)),
                2 => be16(chunk, 0).map(u64::from),
                4 => be32(chunk, 0).map(u64::from),
                _ => be64(chunk, 0),
            })
            .collect()
    }

    /// `[epoch:]version-release`.
    #[must_use]
    pub fn version(&self) -> String {
        let part = |tag| self.text(tag).unwrap_or_default();
        let plain = format!("{}-{}", part(tag::VERSION), part(tag::RELEASE));
        match self.numbers(tag::EPOCH).first() {
            Some(epoch) if *epoch > 0 => format!("{epoch}:{plain}"),
            _ => plain,
        }
    }

    /// The name of the source package: `SOURCERPM` without version, release and `.src.rpm`.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        let file = self.text(tag::SOURCERPM)?;
        let mut parts = file.rsplitn(3, '-');
        let (_release, _version, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(name.to_owned())
    }

    /// Gives every path to `visit`, in the order of the header, until it breaks.
    ///
    /// # Errors
    /// When there are more than a package can have; those given so far stand.
    pub fn each_path(
        &self,
        mut visit: impl FnMut(usize, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let dirs: Vec<&[u8]> = self.strings(tag::DIRNAMES).collect();
        let mut spent = 0usize;
        let mut path = Vec::new();
        let mut give = |number: usize, dir: &[u8], name: &[u8]| {
            if dir.len() + name.len() >= MAX_PATH {
                return Ok(ControlFlow::Continue(()));
            }
            spent += dir.len() + name.len();
            if spent > MAX_PATH_BYTES {
                return Err(Fault::limit("the paths of a package are over 64 MiB"));
            }
            path.clear();
            path.extend_from_slice(dir);
            path.extend_from_slice(name);
            Ok(visit(number, &path))
        };
        let indexes = self.numbers(tag::DIRINDEXES);
        for (number, (name, index)) in self.strings(tag::BASENAMES).zip(&indexes).enumerate() {
            let dir = usize::try_from(*index).ok().and_then(|at| dirs.get(at));
            if let Some(dir) = dir
                && give(number, dir, name)?.is_break()
            {
                return Ok(());
            }
        }
        // rpm before 4.0 wrote whole paths.
        if !self.entries.contains_key(&tag::BASENAMES) {
            for (number, name) in self.strings(tag::OLDFILENAMES).enumerate() {
                if give(number, b"", name)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The files of the package, and why there are more.
    pub fn files(&self) -> (Vec<File>, Option<Fault>) {
        let columns = Columns::of(self);
        let mut files = Vec::new();
        let outcome = self.each_path(|number, path| {
            files.push(columns.file(number, path));
            ControlFlow::Continue(())
        });
        (files, outcome.err())
    }
}

/// The parallel arrays that describe files.
struct Columns<'a> {
    modes: Vec<u64>,
    sizes: Vec<u64>,
    flags: Vec<u64>,
    states: Vec<u64>,
    digests: Vec<&'a [u8]>,
    targets: Vec<&'a [u8]>,
    users: Vec<&'a [u8]>,
    groups: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(header: &Header<'a>) -> Self {
        let strings = |tag| header.strings(tag).collect::<Vec<_>>();
        let mut sizes = header.numbers(tag::FILESIZES);
        if sizes.is_empty() {
            sizes = header.numbers(tag::LONGFILESIZES);
        }
        Self {
            modes: header.numbers(tag::FILEMODES),
            sizes,
            flags: header.numbers(tag::FILEFLAGS),
            states: header.numbers(tag::FILESTATES),
            digests: strings(tag::FILEDIGESTS),
            targets: strings(tag::FILELINKTOS),
            users: strings(tag::FILEUSERNAME),
            groups: strings(tag::FILEGROUPNAME),
        }
    }

    fn file(&self, number: usize, path: &[u8]) -> File {
        let flags = self.flags.get(number).copied().unwrap_or(0);
        let has = |bit| flags & bit != 0;
        let text = |column: &[&[u8]]| {
            column
                .get(number)
                .filter(|text| !text.is_empty())
                .map(|text| String::from_utf8_lossy(text).into_owned())
        };
        File {
            path: path.to_vec(),
            mode: self
                .modes
                .get(number)
                .and_then(|mode| u32::try_from(*mode).ok()),
            size: self.sizes.get(number).copied(),
            // FILEDIGESTALGO names the algorithm; the length says the same.
            digest: self
                .digests
                .get(number)
                .and_then(|hex| Digest::from_hex(hex)),
            target: self
                .targets
                .get(number)
                .filter(|target| !target.is_empty())
                .map(|target| target.to_vec()),
            user: text(&self.users),
            group: text(&self.groups),
            config: has(flag::CONFIG),
            noreplace: has(flag::NOREPLACE),
            ghost: has(flag::GHOST),
            doc: has(flag::DOC | flag::LICENSE),
            missing_ok: has(flag::MISSINGOK),
            // RPMFILE_STATE_NORMAL is 0.
            installed: self.states.get(number).is_none_or(|state| *state == 0),
        }
    }
}

struct Strings<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(text)
    }
}
