//! Databases and other stores, by the magic numbers that their makers document.

use super::{Format, Role, is_number, is_text, u32_both};

/// A store that begins with, or has at an offset, fixed bytes.
struct Magic {
    at: usize,
    bytes: &'static [u8],
    name: &'static str,
    role: Role,
}

const fn data(at: usize, bytes: &'static [u8], name: &'static str) -> Magic {
    Magic {
        at,
        bytes,
        name,
        role: Role::Data,
    }
}

const MAGICS: &[Magic] = &[
    // sqlite.org/fileformat2.html, "The Database Header".
    data(0, b"SQLite format 3\0", "sqlite"),
    data(0, b"** This file contains an SQLite 2", "sqlite"),
    // Samba, lib/tdb: TDB_MAGIC_FOOD.
    data(0, b"TDB file\n", "tdb"),
    // Redis, src/rdb.c; an append-only file begins by choosing a database.
    data(0, b"REDIS00", "redis"),
    data(0, b"*2\r\n$6\r\nSELECT\r\n", "redis"),
    // RRDtool, src/rrd_format.h: RRD_COOKIE.
    data(0, b"RRD\x00", "rrd"),
    // Lucene, codecs/CodecUtil: CODEC_MAGIC.
    data(0, b"\x3f\xd7\x6c\x17", "lucene"),
    // Xapian, backends/glass and chert: the version file.
    data(0, b"\x0f\x0dXapian ", "xapian"),
    // H2, MVStore "file header" and PageStore.
    data(0, b"H:2,", "h2"),
    data(0, b"-- H2 0.5/B --", "h2"),
    // MySQL, include/my_base.h: `{254, 254, 7, 1}` of an index file, and of a table's definition;
    // Aria has 9.
    data(0, b"\xfe\xfe\x07", "myisam"),
    data(0, b"\xfe\xfe\x09", "aria"),
    data(0, b"\xfe\x01\x09", "myisam"),
    data(0, b"\xfe\x01\x0a", "myisam"),
    // WiredTiger, src/include/block.h: WT_BLOCK_MAGIC; and its version file.
    data(0, b"\x41\xd8\x01\x00", "wiredtiger"),
    data(0, b"WiredTiger\nWiredTiger ", "wiredtiger"),
    // bbolt, internal/common: the page header is 16 bytes, then the magic of a meta page.
    data(16, b"\xed\xda\x0c\xed", "bolt"),
    data(16, b"\xed\x0c\xda\xed", "bolt"),
    // HyperSQL writes its properties with this first line.
    data(0, b"#HSQL Database Engine", "hsqldb"),
    // ZODB, FileStorage/format.txt.
    data(0, b"FS21", "zodb"),
    data(0, b"FS30", "zodb"),
    // Prometheus TSDB, docs/format: chunks and index.
    data(0, b"\x85\xbd\x40\xdd", "prometheus-tsdb"),
    data(0, b"\xba\xaa\xd7\x00", "prometheus-tsdb"),
    // Git, gitformat-pack(5) and gitformat-index(5).
    data(0, b"PACK\x00\x00\x00\x02", "git"),
    data(0, b"DIRC\x00\x00\x00", "git"),
    // systemd.io/JOURNAL_FILE_FORMAT.
    Magic {
        at: 0,
        bytes: b"LPKSHHRH",
        name: "journal",
        role: Role::Log,
    },
    // HotSpot's heap dump.
    Magic {
        at: 0,
        bytes: b"JAVA PROFILE 1.0.",
        name: "crash-dump",
        role: Role::Log,
    },
];

/// Recognises a store.
pub(super) fn recognise(parent: &[u8], name: &[u8], head: &[u8], size: u64) -> Option<Format> {
    let magic = MAGICS.iter().find(|magic| {
        head.get(magic.at..)
            .is_some_and(|rest| rest.starts_with(magic.bytes))
    });
    if let Some(magic) = magic {
        return Some(Format::seen(magic.name, magic.role));
    }
    by_number(head)
        .or_else(|| by_page(name, head))
        .or_else(|| by_layout(parent, name, head, size))
        .or_else(|| is_mbox(head).then_some(Format::seen("mbox", Role::Data)))
        .or_else(|| is_core(head).then_some(Format::seen("crash-dump", Role::Log)))
}

/// Stores whose magic number is in the order of bytes of the machine that wrote it.
fn by_number(head: &[u8]) -> Option<Format> {
    let either = |at, wanted: &[u32]| {
        u32_both(head, at).is_some_and(|both| both.iter().any(|number| wanted.contains(number)))
    };
    let seen = |name| Some(Format::seen(name, Role::Data));
    // GDBM, src/gdbmconst.h: old, 32-bit, 64-bit, and the two with numsync.
    const GDBM: &[u32] = &[
        0x1357_9acd,
        0x1357_9ace,
        0x1357_9acf,
        0x1357_9ad0,
        0x1357_9ad1,
    ];
    // Berkeley DB, src/dbinc/db_page.h: btree, hash, queue, heap at 12, behind the log sequence
    // number and page number; version 1.85 has them at 0; a log has its own.
    const BDB: &[u32] = &[0x0005_3162, 0x0006_1561, 0x0004_2253, 0x0007_4582];
    const BDB_LOG: &[u32] = &[0x0004_0988];
    // A page of zeroes before it is a sign that this is a first page; versions are small.
    let plausible = || {
        u32_both(head, 16).is_some_and(|both| both.iter().any(|version| (1..=60).contains(version)))
    };
    if either(0, GDBM) {
        return seen("gdbm");
    }
    if either(0, &BDB[..2]) && u32_both(head, 4).is_some_and(|v| v.iter().any(|v| *v <= 4)) {
        return seen("bdb");
    }
    if (either(12, BDB) || either(12, BDB_LOG)) && plausible() {
        return seen("bdb");
    }
    // LMDB, libraries/liblmdb/mdb.c: MDB_MAGIC and version behind the page header, which is 16
    // bytes, or 12 on 32-bit machines; MDB_DATA_VERSION is 1.
    let is_lmdb = [16, 12]
        .into_iter()
        .any(|at| either(at, &[0xbeef_c0de]) && either(at + 4, &[1, 2, 999]));
    if is_lmdb {
        return seen("lmdb");
    }
    None
}

/// Stores whose pages say what they are only together with the name.
fn by_page(name: &[u8], head: &[u8]) -> Option<Format> {
    let seen = |name| Some(Format::seen(name, Role::Data));
    // InnoDB, storage/innobase/include/fil0types.h: page 0 has number 0 at 4, and at 24 the type
    // FIL_PAGE_TYPE_FSP_HDR (8).
    let innodb_name = name.starts_with(b"ibdata") || name.ends_with(b".ibd");
    let is_space = head.get(4..8) == Some(&[0; 4]) && head.get(24..26) == Some(&[0, 8]);
    if innodb_name && is_space {
        return seen("innodb");
    }
    // dBASE III to FoxPro: version, then the date of the last change as year, month, day.
    if name.to_ascii_lowercase().ends_with(b".dbf")
        && let [
            0x03 | 0x30 | 0x31 | 0x43 | 0x83 | 0x8b | 0xf5,
            _,
            1..=12,
            1..=31,
            ..,
        ] = head
    {
        return seen("dbase");
    }
    // Firebird, src/jrd/ods.h: a header page has type 1.
    if (name.ends_with(b".fdb") || name.ends_with(b".gdb")) && head.starts_with(&[1, 0]) {
        return seen("firebird");
    }
    None
}

/// Stores that are known by the names in their directory, with what those files must hold.
fn by_layout(parent: &[u8], name: &[u8], head: &[u8], size: u64) -> Option<Format> {
    let data = |name| Some(Format::seen(name, Role::Data));
    let line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    match name {
        // PostgreSQL manual, "Database File Layout": the major version number.
        b"PG_VERSION"
            if size <= 16
                && is_number(
                    &line
                        .iter()
                        .copied()
                        .filter(|b| *b != b'.')
                        .collect::<Vec<_>>(),
                ) =>
        {
            return data("postgresql");
        }
        // LevelDB, doc/impl.md: the name of the manifest.
        b"CURRENT" if line.strip_prefix(b"MANIFEST-").is_some_and(is_number) => {
            return data("leveldb");
        }
        b"service.properties" if memchr::memmem::find(head, b"derby.").is_some() => {
            return data("derby");
        }
        _ => {}
    }
    let ends = |end: &[u8]| name.len() > end.len() && name.ends_with(end);
    if ends(b".script")
        && (memchr::memmem::find(head, b"CREATE SCHEMA PUBLIC AUTHORIZATION").is_some()
            || head.starts_with(b"SET DATABASE UNIQUE NAME"))
    {
        return data("hsqldb");
    }
    let named = |name| Some(Format::named(name, Role::Data));
    if let Some(rest) = name
        .strip_prefix(b"ib_logfile")
        .or_else(|| name.strip_prefix(b"#ib_redo"))
        && is_number(rest)
    {
        return named("innodb");
    }
    // Berkeley DB's environment is made again from the files (db_recover).
    if let Some(rest) = name.strip_prefix(b"__db.")
        && rest.len() == 3
        && is_number(rest)
    {
        return Some(Format::named("bdb-environment", Role::Runtime));
    }
    // Rows of MySQL's tables beside their index file, which has the magic.
    if ends(b".MYD") || ends(b".MAD") || name.starts_with(b"aria_log") {
        return named("myisam");
    }
    // gitrepository-layout(5): a loose object.
    let hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    if parent.len() == 2 && name.len() == 38 && hex(parent) && hex(name) {
        return named("git");
    }
    // ndbm(3): a pair of files.
    if ends(b".pag") && size.is_multiple_of(1024) && !is_text(head) {
        return named("dbm");
    }
    if ends(b".jdb") && name.len() == 12 && !is_text(head) {
        return named("bdb-je");
    }
    is_maildir(parent, name).then_some(Format::named("maildir", Role::Data))
}

/// mbox(5): `From `, a sender and the date as asctime(3) writes it.
fn is_mbox(head: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let Some(rest) = head.strip_prefix(b"From ") else {
        return false;
    };
    let line = rest.split(|&b| b == b'\n').next().unwrap_or_default();
    let mut words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
    words.next().is_some() && words.next().is_some_and(|day| DAYS.contains(&day))
}

/// maildir(5): `cur` and `new` hold messages named after a time, a delivery and a host.
fn is_maildir(parent: &[u8], name: &[u8]) -> bool {
    let mut parts = name.splitn(3, |&b| b == b'.');
    let time = parts.next().unwrap_or_default();
    (parent == b"cur" || parent == b"new")
        && (9..=11).contains(&time.len())
        && is_number(time)
        && parts.next().is_some_and(|part| !part.is_empty())
        && parts.next().is_some()
}

/// elf(5): `ET_CORE` is 4.
fn is_core(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
        && match head.get(5) {
            Some(1) => head.get(16..18) == Some(&[4, 0]),
            Some(2) => head.get(16..18) == Some(&[0, 4]),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(file: &str, head: &[u8]) -> Option<&'static str> {
        recognise(b"d", file.as_bytes(), head, head.len() as u64).map(|format| format.name)
    }

    fn with(at: usize, parts: &[&[u8]]) -> Vec<u8> {
        let mut head = vec![0; at];
        for part in parts {
            head.extend_from_slice(part);
        }
        head.resize(64, 0);
        head
    }

    #[test]
    fn stores_are_known_by_their_magic_in_both_orders_of_bytes() {
        assert_eq!(name_of("x", b"SQLite format 3\0...."), Some("sqlite"));
        for order in [u32::to_le_bytes, u32::to_be_bytes] {
            let magic = |at, number, version| with(at, &[&order(number), &order(version)]);
            for number in [0x0005_3162, 0x0006_1561, 0x0004_2253, 0x0004_0988] {
                assert_eq!(name_of("x", &magic(12, number, 9)), Some("bdb"));
            }
            assert_eq!(name_of("x", &magic(12, 0x0005_3162, 0x1000)), None);
            assert_eq!(name_of("x", &magic(0, 0x1357_9ace, 0)), Some("gdbm"));
            assert_eq!(name_of("x", &magic(16, 0xbeef_c0de, 1)), Some("lmdb"));
            assert_eq!(name_of("x", &magic(16, 0xbeef_c0de, 7)), None);
        }
    }

    #[test]
    fn layouts_need_name_and_content() {
        assert_eq!(name_of("PG_VERSION", b"15\n"), Some("postgresql"));
        assert_eq!(name_of("PG_VERSION", b"9.6\n"), Some("postgresql"));
        assert_eq!(name_of("PG_VERSION", b"new\n"), None);
        assert_eq!(name_of("CURRENT", b"MANIFEST-000004\n"), Some("leveldb"));
        assert_eq!(name_of("CURRENT", b"v1.2\n"), None);
        let page = with(24, &[&[0, 8]]);
        assert_eq!(name_of("ibdata1", &page), Some("innodb"));
        assert_eq!(name_of("page.bin", &page), None);
        assert_eq!(name_of("STOCK.DBF", &[3, 99, 12, 31, 0, 0]), Some("dbase"));
        assert_eq!(name_of("STOCK.DBF", b"text"), None);
    }

    #[test]
    fn mail_is_known_by_its_envelope_and_its_names() {
        let mbox = b"From ann@example.org  Mon Jan  1 00:00:00 2024\nTo: bob\n";
        assert_eq!(name_of("bob", mbox), Some("mbox"));
        assert_eq!(name_of("prose", b"From here on Monday\n"), None);
        let maildir = |parent: &[u8]| recognise(parent, b"1700000000.M1P2.host:2,S", b"To: b", 5);
        assert_eq!(maildir(b"cur").map(|f| f.name), Some("maildir"));
        assert_eq!(maildir(b"src"), None);
    }

    #[test]
    fn a_core_file_is_a_dump_and_a_program_is_not() {
        let mut elf = with(0, &[b"\x7fELF\x02\x01"]);
        elf[16] = 4;
        assert_eq!(name_of("core", &elf), Some("crash-dump"));
        elf[16] = 2;
        assert_eq!(name_of("core", &elf), None);
    }

    #[test]
    fn every_cut_of_a_head_is_taken() {
        let head = with(12, &[&0x0005_3162_u32.to_le_bytes(), &9_u32.to_le_bytes()]);
        for end in 0..head.len() {
            let _ = recognise(b"", b"ibdata1", &head[..end], end as u64);
        }
    }
}
