//! Layouts and layers, written and read back.

use std::io::{Read as _, Write as _};

use super::layer::{Body, Compression, Content, Entry, Fault, Limits, Meta, TarWriter, read};
use super::{Digest, Gzip, LAYER_GZIP, Layout, LayoutError};
use crate::path::AppPath;

fn meta() -> Meta {
    Meta {
        mode: 0o4755,
        uid: 3_000_000,
        gid: 7,
        mtime: 1_600_000_000,
        xattrs: [(b"security.capability".to_vec(), vec![1, 0, 0, 2, 0, b'\n'])].into(),
    }
}

fn entries(tar: &[u8], compression: Compression) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    read(
        tar,
        compression,
        Limits::of(tar.len() as u64),
        &mut |entry| {
            entries.push(entry);
        },
    )
    .map(|_| entries)
}

fn file(size: u64, bytes: &[u8]) -> Body {
    Body::File {
        size,
        digest: Digest::of(bytes),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let long = AppPath::new(format!("/{}/{}", "d".repeat(120), "f".repeat(200)));
    let odd = AppPath::new(b"/odd\xff\nname");
    let mut tar = TarWriter::new(Vec::new(), "");
    let mut add = |path: &AppPath, content: Content<'_>| tar.add(path, &meta(), content).unwrap();
    add(&AppPath::root(), Content::Dir);
    add(&AppPath::new("/a"), Content::Dir);
    add(&AppPath::new("/a/f"), Content::File(5, &mut &b"hello"[..]));
    add(
        &AppPath::new("/a/g"),
        Content::HardLink(&AppPath::new("/a/f")),
    );
    add(&long, Content::File(0, &mut &b""[..]));
    add(&odd, Content::Link("t".repeat(150).as_bytes()));
    add(&AppPath::new("/a/p"), Content::Fifo);
    add(&AppPath::new("/a/gone"), Content::Whiteout);
    add(&AppPath::new("/a/emptied"), Content::Opaque);
    let pieces = [(4096, 3), (1 << 40, 2)];
    add(
        &AppPath::new("/holes"),
        Content::Sparse((1 << 40) + 2, &pieces, &mut &b"abcde"[..]),
    );
    let tar = tar.finish().unwrap();
    let read = entries(&tar, Compression::None).unwrap();
    let told: Vec<(&[u8], &Body)> = read.iter().map(|e| (e.path.as_bytes(), &e.body)).collect();
    let mut stored = b"2\n4096\n3\n1099511627776\n2\n".to_vec();
    stored.resize(512, 0);
    stored.extend_from_slice(b"abcde");
    assert_eq!(
        told,
        [
            (&b"/"[..], &Body::Dir),
            (b"/a", &Body::Dir),
            (b"/a/f", &file(5, b"hello")),
            (b"/a/g", &Body::HardLink(AppPath::new("/a/f"))),
            (long.as_bytes(), &file(0, b"")),
            (odd.as_bytes(), &Body::Link(vec![b't'; 150])),
            (b"/a/p", &Body::Fifo),
            (b"/a/gone", &Body::Whiteout),
            (b"/a/emptied", &Body::Opaque),
            (b"/holes", &file((1 << 40) + 2, &stored)),
        ]
    );
    assert!(read.iter().all(|entry| entry.meta == meta()));
}

/// An archive of one entry whose header is made by `change`.
fn forged(change: impl Fn(&mut tar::Header)) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    change(&mut header);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

fn named(name: &[u8]) -> Vec<u8> {
    forged(|header| {
        let field = &mut header.as_ustar_mut().unwrap().name;
        field.fill(0);
        field[..name.len()].copy_from_slice(name);
    })
}

#[test]
fn what_would_lead_astray_is_refused() {
    for name in [
        &b"/etc/passwd"[..],
        b"../x",
        b"a/../../x",
        b".wh.",
        b".wh..wh.plnk",
        b".wh.a/b",
    ] {
        let error = entries(&named(name), Compression::None).unwrap_err();
        assert!(matches!(error, Fault::Entry { .. }), "{name:?}: {error}");
    }
    assert!(entries(&named(b"a"), Compression::None).is_ok());
    let twice = [&named(b"a")[..512], &named(b"./a")].concat();
    assert!(matches!(
        entries(&twice, Compression::None),
        Err(Fault::Entry { .. })
    ));
    let device = forged(|header| header.set_entry_type(tar::EntryType::Char));
    assert_eq!(
        entries(&device, Compression::None).unwrap()[0].body,
        Body::Device
    );
    let fat = forged(|header| {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_link_name("x").unwrap();
        header.set_size(512);
    });
    assert!(entries(&fat, Compression::None).is_err());
    let link = forged(|header| {
        header.set_entry_type(tar::EntryType::Link);
        header.as_ustar_mut().unwrap().linkname[..4].copy_from_slice(b"/etc");
    });
    assert!(entries(&link, Compression::None).is_err());
    let mut sum = named(b"a");
    sum[0] = b'b';
    assert!(matches!(
        entries(&sum, Compression::None),
        Err(Fault::Archive(_))
    ));
    let mut behind = named(b"a");
    behind.extend_from_slice(&named(b"b"));
    assert!(matches!(
        entries(&behind, Compression::None),
        Err(Fault::Archive(_))
    ));
    let cut = forged(|header| header.set_size(4000));
    assert!(matches!(
        entries(&cut, Compression::None),
        Err(Fault::Archive(_))
    ));
}

fn pressed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = Gzip::new(Vec::new(), 6).unwrap();
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn gzip_is_the_same_for_every_cut_of_what_is_written() {
    let mut noise = 1_u32;
    let bytes: Vec<u8> = (0..3_000_000)
        .map(|at: u32| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if at % 1_000_000 < 600_000 {
                noise.to_be_bytes()[0]
            } else {
                b'x'
            }
        })
        .collect();
    let whole = pressed(&bytes);
    let mut gzip = Gzip::new(Vec::new(), 6).unwrap();
    for piece in bytes.chunks(77_777) {
        gzip.write_all(piece).unwrap();
        gzip.flush().unwrap();
    }
    assert_eq!(gzip.finish().unwrap(), whole);
    let mut back = Vec::new();
    // One member: what reads only the first must find all of it.
    flate2::read::GzDecoder::new(&whole[..])
        .read_to_end(&mut back)
        .unwrap();
    assert_eq!(back, bytes);
    back.clear();
    flate2::read::GzDecoder::new(&pressed(b"")[..])
        .read_to_end(&mut back)
        .unwrap();
    assert!(back.is_empty());
}

#[test]
fn a_bomb_is_bounded() {
    let mut tar = TarWriter::new(Vec::new(), "");
    tar.add(
        &AppPath::new("/zeros"),
        &Meta::default(),
        Content::File(8 << 20, &mut std::io::repeat(0)),
    )
    .unwrap();
    let small = pressed(&tar.finish().unwrap());
    let limits = Limits {
        bytes: 1 << 20,
        entries: 10,
    };
    let error = read(&small[..], Compression::Gzip, limits, &mut |_| ()).unwrap_err();
    assert!(
        matches!(
            error,
            Fault::Bomb {
                limit: 0x10_0000,
                ..
            }
        ),
        "{error}"
    );
    let many = forged(|_| ());
    let limits = Limits {
        bytes: 1 << 20,
        entries: 0,
    };
    assert!(matches!(
        read(&many[..], Compression::None, limits, &mut |_| ()),
        Err(Fault::Bomb { .. })
    ));
    let name = forged(|header| {
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(2 << 20);
    });
    assert!(matches!(
        entries(&name, Compression::None),
        Err(Fault::Bomb { .. })
    ));
}

#[test]
fn trailing_bytes_of_a_compressed_layer_are_refused() {
    let mut small = pressed(&named(b"a"));
    assert_eq!(entries(&small, Compression::Gzip).unwrap().len(), 1);
    small.extend_from_slice(b"smuggled");
    assert!(entries(&small, Compression::Gzip).is_err());
    small.truncate(small.len() - 12);
    assert!(entries(&small, Compression::Gzip).is_err());
}

#[test]
fn blobs_are_proven() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(&dir.path().join("new")).unwrap();
    let put = layout.put(LAYER_GZIP, b"some bytes").unwrap();
    assert_eq!(layout.read(&put, 100).unwrap(), b"some bytes");
    assert!(matches!(
        layout.read(&put, 3),
        Err(LayoutError::TooLarge { .. })
    ));
    let path = layout.dir().join("blobs/sha256").join(put.digest.hex());
    std::fs::write(&path, b"same bytes").unwrap();
    assert!(matches!(
        layout.read(&put, 100),
        Err(LayoutError::Lies { .. })
    ));
    std::fs::write(&path, b"some").unwrap();
    assert!(matches!(
        layout.read(&put, 100),
        Err(LayoutError::Length { .. })
    ));
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    assert!(matches!(
        layout.read(&put, 100),
        Err(LayoutError::Absent { .. })
    ));
    rustix::fs::unlink(&path).unwrap();
    assert!(matches!(layout.blob(&put), Err(LayoutError::Absent { .. })));
    assert!(Layout::open(layout.dir()).is_ok());
    assert!(matches!(
        Layout::create(layout.dir()),
        Err(LayoutError::Disk { .. })
    ));
}

#[test]
fn a_layout_whose_blobs_are_elsewhere_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create(&dir.path().join("new")).unwrap();
    std::fs::remove_dir(layout.dir().join("blobs/sha256")).unwrap();
    std::os::unix::fs::symlink("/tmp", layout.dir().join("blobs/sha256")).unwrap();
    assert!(matches!(
        Layout::open(layout.dir()),
        Err(LayoutError::NoLayout { .. })
    ));
}
