//! Writes headers and stores for tests, as small as the forms allow.

use super::header::tag;
use super::wal;

/// A header in the making.
#[derive(Default)]
pub(crate) struct Maker {
    entries: Vec<[u32; 4]>,
    values: Vec<u8>,
}

impl Maker {
    /// A package without files.
    pub(crate) fn package(name: &str, version: &str, release: &str) -> Self {
        Self::default()
            .string(tag::NAME, name)
            .string(tag::VERSION, version)
            .string(tag::RELEASE, release)
            .string(tag::ARCH, "x86_64")
            .string(tag::LICENSE, "MIT")
            .string(
                tag::SOURCERPM,
                &format!("{name}-{version}-{release}.src.rpm"),
            )
    }

    fn entry(mut self, tag: u32, kind: u32, count: usize, bytes: &[u8]) -> Self {
        let offset = u32::try_from(self.values.len()).unwrap();
        let count = u32::try_from(count).unwrap();
        self.entries.push([tag, kind, offset, count]);
        self.values.extend_from_slice(bytes);
        self
    }

    pub(crate) fn string(self, tag: u32, text: &str) -> Self {
        self.entry(tag, 6, 1, format!("{text}\0").as_bytes())
    }

    pub(crate) fn strings(self, tag: u32, texts: &[&str]) -> Self {
        let bytes: Vec<u8> = texts
            .iter()
            .flat_map(|text| [text.as_bytes(), b"\0"].concat())
            .collect();
        self.entry(tag, 8, texts.len(), &bytes)
    }

    pub(crate) fn halves(self, tag: u32, numbers: &[u16]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.entry(tag, 3, numbers.len(), &bytes)
    }

    pub(crate) fn words(self, tag: u32, numbers: &[u32]) -> Self {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.entry(tag, 4, numbers.len(), &bytes)
    }

    /// Files by directory, name, mode, flags and digest.
    pub(crate) fn files(self, files: &[(&str, &str, u16, u32, &str)]) -> Self {
        let mut dirs: Vec<&str> = files.iter().map(|file| file.0).collect();
        dirs.sort_unstable();
        dirs.dedup();
        let index =
            |dir: &str| u32::try_from(dirs.iter().position(|d| *d == dir).unwrap()).unwrap();
        self.strings(tag::DIRNAMES, &dirs)
            .strings(
                tag::BASENAMES,
                &files.iter().map(|file| file.1).collect::<Vec<_>>(),
            )
            .words(
                tag::DIRINDEXES,
                &files.iter().map(|file| index(file.0)).collect::<Vec<_>>(),
            )
            .halves(
                tag::FILEMODES,
                &files.iter().map(|file| file.2).collect::<Vec<_>>(),
            )
            .words(
                tag::FILEFLAGS,
                &files.iter().map(|file| file.3).collect::<Vec<_>>(),
            )
            .strings(
                tag::FILEDIGESTS,
                &files.iter().map(|file| file.4).collect::<Vec<_>>(),
            )
    }

    pub(crate) fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        for word in [self.entries.len(), self.values.len()] {
            blob.extend_from_slice(&u32::try_from(word).unwrap().to_be_bytes());
        }
        for word in self.entries.iter().flatten() {
            blob.extend_from_slice(&word.to_be_bytes());
        }
        blob.extend_from_slice(&self.values);
        blob
    }
}

/// An `rpmdb.sqlite` with pages of 512 bytes, so that small headers need several.
pub(crate) fn sqlite(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut pages: Vec<Vec<u8>> = vec![Vec::new(), Vec::new()];
    let mut leaves = Vec::new();
    for (row, blob) in blobs.iter().enumerate() {
        let mut payload = vec![];
        let kind = varint(12 + 2 * blob.len());
        payload.extend(varint(2 + kind.len()));
        payload.push(0);
        payload.extend(kind);
        payload.extend_from_slice(blob);
        let cell = sqlite_cell(row + 1, &payload, &mut pages);
        pages.push(sqlite_page(13, &[cell], None, 0));
        leaves.push(u32::try_from(pages.len()).unwrap());
    }
    let last = leaves.pop();
    let cells: Vec<Vec<u8>> = leaves
        .iter()
        .enumerate()
        .map(|(row, page)| [page.to_be_bytes().to_vec(), varint(row + 1)].concat())
        .collect();
    pages[1] = match last {
        Some(last) => sqlite_page(5, &cells, Some(last), 0),
        None => sqlite_page(13, &[], None, 0),
    };
    // Head of 6 bytes: texts of 5, 8 and 8 bytes, an integer of one byte, an empty text.
    let mut schema = vec![6, 23, 29, 29, 1, 13];
    schema.extend_from_slice(b"tablePackagesPackages\x02");
    let cell = [vec![u8::try_from(schema.len()).unwrap(), 1], schema].concat();
    pages[0] = sqlite_page(13, &[cell], None, 100);
    pages[0][..16].copy_from_slice(b"SQLite format 3\0");
    pages[0][16..18].copy_from_slice(&512u16.to_be_bytes());
    pages[0][59] = 1;
    pages.concat()
}

/// The same database as a file whose last page is old, and a log that has the new one; behind it
/// a frame of a transaction that did not end.
pub(crate) fn sqlite_with_log(blobs: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let mut file = sqlite(blobs);
    let number = file.len() / 512;
    let page = file.split_off(file.len() - 512);
    file.extend_from_slice(&[0; 512]);
    let number = u32::try_from(number).unwrap();
    let log = wal::write(512, &[(number, number, page), (number, 0, vec![9; 512])]);
    (file, log)
}

fn sqlite_cell(row: usize, payload: &[u8], pages: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let mut cell = [varint(payload.len()), varint(row)].concat();
    let (most, least) = (512 - 35, (512 - 12) * 32 / 255 - 23);
    if payload.len() <= most {
        cell.extend_from_slice(payload);
        return cell;
    }
    let some = least + (payload.len() - least) % (512 - 4);
    let local = if some <= most { some } else { least };
    cell.extend_from_slice(&payload[..local]);
    let parts: Vec<&[u8]> = payload[local..].chunks(508).collect();
    cell.extend_from_slice(&u32::try_from(pages.len() + 1).unwrap().to_be_bytes());
    for (number, part) in parts.iter().enumerate() {
        let next = if number + 1 < parts.len() {
            pages.len() + 2
        } else {
            0
        };
        let mut page = u32::try_from(next).unwrap().to_be_bytes().to_vec();
        page.extend_from_slice(part);
        page.resize(512, 0);
        pages.push(page);
    }
    cell
}

fn sqlite_page(kind: u8, cells: &[Vec<u8>], most_right: Option<u32>, start: usize) -> Vec<u8> {
    let mut page = vec![0; 512];
    page[start] = kind;
    page[start + 3..start + 5].copy_from_slice(&u16::try_from(cells.len()).unwrap().to_be_bytes());
    let mut array = start + 8;
    if let Some(right) = most_right {
        page[array..array + 4].copy_from_slice(&right.to_be_bytes());
        array += 4;
    }
    let mut end = 512;
    for (index, cell) in cells.iter().enumerate() {
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(cell);
        let at = array + 2 * index;
        page[at..at + 2].copy_from_slice(&u16::try_from(end).unwrap().to_be_bytes());
    }
    page
}

fn varint(value: usize) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(value & 0x7f).unwrap()];
    let mut rest = value >> 7;
    while rest > 0 {
        bytes.insert(0, u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes
}

/// A `Packages.db`.
pub(crate) fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let words = |words: &[usize]| -> Vec<u8> {
        words
            .iter()
            .flat_map(|w| u32::try_from(*w).unwrap().to_le_bytes())
            .collect()
    };
    let mut file = b"RpmP".to_vec();
    file.extend(words(&[0, 1, 1, blobs.len() + 1, 0, 0, 0]));
    let mut data = Vec::new();
    for (number, blob) in blobs.iter().enumerate() {
        let place = (4096 + data.len()) / 16;
        let length = (16 + blob.len() + 12).next_multiple_of(16);
        file.extend_from_slice(b"Slot");
        file.extend(words(&[number + 1, place, length / 16]));
        let start = data.len();
        data.extend_from_slice(b"BlbS");
        data.extend(words(&[number + 1, 1, blob.len()]));
        data.extend_from_slice(blob);
        data.resize(start + length - 12, 0);
        data.extend(words(&[0, blob.len()]));
        data.extend_from_slice(b"BlbE");
    }
    while file.len() < 4096 {
        file.extend_from_slice(b"Slot");
        file.extend(words(&[0, 0, 0]));
    }
    file.extend(data);
    file
}

/// A `Packages` of Berkeley DB with pages of 512 bytes, one package on each.
pub(crate) fn bdb(blobs: &[Vec<u8>], big_endian: bool) -> Vec<u8> {
    Berkeley {
        big_endian,
        is_tree: false,
    }
    .file(blobs)
}

/// The same as a tree.
pub(crate) fn bdb_tree(blobs: &[Vec<u8>]) -> Vec<u8> {
    Berkeley {
        big_endian: false,
        is_tree: true,
    }
    .file(blobs)
}

struct Berkeley {
    big_endian: bool,
    is_tree: bool,
}

impl Berkeley {
    fn file(&self, blobs: &[Vec<u8>]) -> Vec<u8> {
        let mut pages = vec![Vec::new()];
        // Key 0 holds the last number, as rpm keeps it.
        let counter = self.word(blobs.len());
        for (number, blob) in std::iter::once(&counter).chain(blobs).enumerate() {
            self.put(&self.word(number), blob, &mut pages);
        }
        let (kind, magic) = if self.is_tree {
            (9, 0x0005_3162)
        } else {
            (8, 0x0006_1561)
        };
        let mut head = self.page(kind, 0, 0, 0);
        head[12..16].copy_from_slice(&self.word(magic));
        head[20..24].copy_from_slice(&self.word(512));
        head[32..36].copy_from_slice(&self.word(pages.len() - 1));
        pages[0] = head;
        pages.concat()
    }

    /// A page with a key and its value; a large value on pages behind it.
    fn put(&self, key: &[u8], blob: &[u8], pages: &mut Vec<Vec<u8>>) {
        let parts: Vec<&[u8]> = if blob.len() < 256 {
            Vec::new()
        } else {
            blob.chunks(512 - 26).collect()
        };
        let value = if parts.is_empty() {
            self.item(1, blob)
        } else {
            let place = [self.word(pages.len() + 1), self.word(blob.len())].concat();
            if self.is_tree {
                [vec![0, 0, 3, 0], place].concat()
            } else {
                [vec![3, 0, 0, 0], place].concat()
            }
        };
        let key = self.item(1, key);
        let (k, v) = (512 - key.len(), 512 - key.len() - value.len());
        let mut page = self.page(if self.is_tree { 5 } else { 13 }, 0, 2, v);
        page[26..28].copy_from_slice(&self.half(k));
        page[28..30].copy_from_slice(&self.half(v));
        page[k..].copy_from_slice(&key);
        page[v..k].copy_from_slice(&value);
        pages.push(page);
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let next = if is_last { 0 } else { pages.len() + 1 };
            let mut overflow = self.page(7, next, 1, part.len());
            overflow[26..26 + part.len()].copy_from_slice(part);
            pages.push(overflow);
        }
    }

    fn item(&self, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut item = if self.is_tree {
            self.half(content.len())
        } else {
            Vec::new()
        };
        item.push(kind);
        item.extend_from_slice(content);
        item
    }

    fn page(&self, kind: u8, next: usize, count: usize, offset: usize) -> Vec<u8> {
        let mut page = vec![0; 512];
        page[16..20].copy_from_slice(&self.word(next));
        page[20..22].copy_from_slice(&self.half(count));
        page[22..24].copy_from_slice(&self.half(offset));
        page[25] = kind;
        page
    }

    fn word(&self, n: usize) -> Vec<u8> {
        let n = u32::try_from(n).unwrap();
        if self.big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
        .to_vec()
    }

    fn half(&self, n: usize) -> Vec<u8> {
        let n = u16::try_from(n).unwrap();
        if self.big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
        .to_vec()
    }
}
