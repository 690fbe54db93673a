//! The three stores, with databases made in place; and that broken ones do no harm.

use proptest::prelude::*;

use super::fixture::{self, Maker};
use super::header::{Header, tag};
use super::*;

const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// Packages whose headers need none, one and many pages besides their own.
fn blobs() -> Vec<Vec<u8>> {
    let long = "x".repeat(3000);
    vec![
        Maker::package("one", "1.0", "1").blob(),
        Maker::package("two", "2.0", "1.el6")
            .string(tag::POSTIN, &long[..700])
            .blob(),
        Maker::package("three", "3.0", "1")
            .words(tag::EPOCH, &[7])
            .string(tag::POSTIN, &long)
            .blob(),
        Maker::default().string(tag::NAME, "tiny").blob(),
    ]
}

/// Form, file and log.
type Made = (&'static str, Vec<u8>, Option<Vec<u8>>);

fn stores(blobs: &[Vec<u8>]) -> Vec<Made> {
    let (file, log) = fixture::sqlite_with_log(blobs);
    vec![
        ("sqlite", fixture::sqlite(blobs), None),
        ("sqlite with a log", file, Some(log)),
        ("ndb", fixture::ndb(blobs), None),
        ("bdb little-endian", fixture::bdb(blobs, false), None),
        ("bdb big-endian", fixture::bdb(blobs, true), None),
        ("bdb tree", fixture::bdb_tree(blobs), None),
    ]
}

fn open(file: Vec<u8>, log: Option<Vec<u8>>) -> Result<(Store, Vec<Fault>), Fault> {
    Store::open(Box::new(file), log.map(|log| Box::new(log) as Source))
}

/// What a store yields, and how many bytes of it; as a reader would go about it.
fn read_all(file: Vec<u8>, log: Option<Vec<u8>>) -> (Vec<Vec<u8>>, Vec<Fault>) {
    let size = file.len() + log.as_ref().map_or(0, Vec::len);
    let (store, mut faults) = match open(file, log) {
        Ok(opened) => opened,
        Err(fault) => return (Vec::new(), vec![fault]),
    };
    let (slots, more) = store.slots();
    faults.extend(more);
    let (mut blobs, mut sum) = (Vec::new(), 0);
    for slot in slots {
        match store.blob(slot) {
            Ok(blob) => {
                sum += blob.len();
                blobs.push(blob);
            }
            Err(fault) => note(&mut faults, fault),
        }
        if sum > size {
            break;
        }
    }
    (blobs, faults)
}

#[test]
fn every_store_yields_its_headers_whole() {
    for (form, file, log) in stores(&blobs()) {
        let (mut found, faults) = read_all(file, log);
        let mut wanted = blobs();
        found.sort();
        wanted.sort();
        assert!(faults.is_empty(), "{form}: {faults:?}");
        assert!(found == wanted, "{form}");
    }
}

#[test]
fn an_empty_store_has_no_packages() {
    for (form, file) in [("sqlite", fixture::sqlite(&[])), ("ndb", fixture::ndb(&[]))] {
        assert_eq!(read_all(file, None), (vec![], vec![]), "{form}");
    }
    assert_eq!(read_all(fixture::bdb(&[], false), None), (vec![], vec![]));
}

#[test]
fn a_broken_log_is_reported_and_the_file_read_without_it() {
    let blobs = blobs();
    let (_, mut log) = fixture::sqlite_with_log(&blobs);
    log[30] ^= 1;
    let (found, faults) = read_all(fixture::sqlite(&blobs), Some(log));
    assert_eq!(found.len(), blobs.len());
    assert!(faults[0].message.contains("not merged"), "{faults:?}");
    // SQLite leaves an empty log behind.
    let (_, faults) = read_all(fixture::sqlite(&blobs), Some(Vec::new()));
    assert!(faults.is_empty());
}

#[test]
fn a_frame_with_a_wrong_sum_ends_the_log() {
    let (file, mut log) = fixture::sqlite_with_log(&blobs());
    log[32 + 24 + 100] ^= 1;
    let (found, faults) = read_all(file, Some(log));
    assert_eq!(found.len(), blobs().len() - 1);
    assert!(!faults.is_empty());
}

#[test]
fn a_ring_of_pages_ends() {
    // In a large item each overflow page is made to name itself.
    let mut file = fixture::bdb(&blobs(), false);
    for page in 1..file.len() / 512 {
        if file[page * 512 + 25] == 7 {
            let number = u32::try_from(page).unwrap().to_le_bytes();
            file[page * 512 + 16..page * 512 + 20].copy_from_slice(&number);
        }
    }
    let (found, _) = read_all(file, None);
    assert_eq!(found.len(), blobs().len());

    // The root of the table is made its own child.
    let mut file = fixture::sqlite(&blobs());
    file[512 + 8..512 + 12].copy_from_slice(&2u32.to_be_bytes());
    let (_, faults) = read_all(file, None);
    assert!(faults.iter().any(|fault| fault.message.contains("twice")));
}

#[test]
fn a_store_cut_short_says_so() {
    for (form, mut file, log) in stores(&blobs()) {
        file.truncate(file.len() / 2 / 512 * 512);
        let (found, faults) = read_all(file, log);
        assert!(found.len() < blobs().len(), "{form}");
        assert!(!faults.is_empty(), "{form}");
    }
}

#[test]
fn other_files_are_refused() {
    for bytes in [&b""[..], b"SQLite format 3\0", b"RpmP", &[0; 4096]] {
        assert!(open(bytes.to_vec(), None).is_err());
    }
    let mut encrypted = fixture::bdb(&[], false);
    encrypted[24] = 1;
    assert_eq!(
        open(encrypted, None).err().unwrap().kind,
        FaultKind::NotUnderstood
    );
}

fn with_files() -> Maker {
    Maker::package("mercury", "2.0", "1.el7").files(&[
        ("/etc/", "mercury.conf", 0o100_644, 1 | 16, SHA256),
        (
            "/usr/share/doc/",
            "README",
            0o100_644,
            2,
            "900150983cd24fb0d6963f7d28e17f72",
        ),
        ("/var/lib/", "mercury", 0o040_750, 0, ""),
        ("/var/log/", "mercury.log", 0o100_600, 64, ""),
    ])
}

#[test]
fn a_header_names_its_package() {
    let blob = Maker::package("my-app", "2.0", "1.el6")
        .words(tag::EPOCH, &[3])
        .blob();
    let header = Header::parse(&blob).unwrap();
    assert_eq!(header.text(tag::NAME).as_deref(), Some("my-app"));
    assert_eq!(header.version(), "3:2.0-1.el6");
    assert_eq!(header.source().as_deref(), Some("my-app"));
    assert_eq!(header.string(tag::NAME), header.strings(tag::NAME).next());
    assert!(header.numbers(tag::NAME).is_empty());
    assert!(header.strings(tag::EPOCH).next().is_none());
}

#[test]
fn files_have_what_the_columns_say() {
    let blob = with_files()
        .strings(tag::FILEUSERNAME, &["root", "root", "mercury"])
        .blob();
    let (files, fault) = Header::parse(&blob).unwrap().files();
    assert_eq!(fault, None);
    let [conf, doc, dir, log] = &files[..] else {
        panic!("{files:?}")
    };
    assert_eq!(conf.path, b"/etc/mercury.conf");
    assert!(conf.config && conf.noreplace && !conf.ghost && conf.installed);
    assert_eq!(
        conf.digest.as_ref().unwrap().algorithm,
        crate::parse::digest::Algorithm::Sha256
    );
    assert!(doc.doc && !doc.config);
    assert_eq!(
        (dir.mode, dir.user.as_deref()),
        (Some(0o040_750), Some("mercury"))
    );
    assert_eq!((log.ghost, log.user.as_deref()), (true, None));
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    let blob = Maker::package("x", "1", "1")
        .string(tag::VERSION, "2")
        .blob();
    assert_eq!(Header::parse(&blob).unwrap().version(), "2-1");
}

#[test]
fn old_headers_have_whole_paths() {
    let blob = Maker::package("x", "1", "1")
        .strings(tag::OLDFILENAMES, &["/a", "/b/c"])
        .blob();
    let (files, _) = Header::parse(&blob).unwrap().files();
    assert_eq!(files[1].path, b"/b/c");
}

#[test]
fn paths_that_multiply_are_stopped() {
    let dir = format!("/{}", "d".repeat(4000));
    let names = vec!["a"; 40_000];
    let blob = Maker::default()
        .strings(tag::DIRNAMES, &[&dir])
        .strings(tag::BASENAMES, &names)
        .words(tag::DIRINDEXES, &vec![0; names.len()])
        .blob();
    let (files, fault) = Header::parse(&blob).unwrap().files();
    assert!(files.len() < names.len());
    assert_eq!(fault.unwrap().kind, FaultKind::Limit);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_stores_never_panic_nor_yield_more_than_they_hold(
        form in 0usize..6,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (_, mut file, log) = stores(&blobs()).swap_remove(form);
        for (at, value) in damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        let size = file.len();
        let (blobs, faults) = read_all(file, log);
        prop_assert!(faults.len() < 20);
        for blob in blobs {
            prop_assert!(blob.len() <= size.max(1 << 16));
            if let Ok(header) = Header::parse(&blob) {
                let _ = (header.version(), header.source(), header.files());
            }
        }
    }

    #[test]
    fn damaged_headers_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut blob = with_files().blob();
        for (at, value) in damage {
            let at = at.index(blob.len());
            blob[at] = value;
        }
        if let Ok(header) = Header::parse(&blob) {
            let (files, _) = header.files();
            prop_assert!(files.len() <= blob.len());
        }
    }
}
