//! The databases of package managers.

use seaworthy::parse::rpm::{Store, header::Header};
use seaworthy::parse::{apk, dpkg};
use std::ops::ControlFlow;

use super::{Target, from};

pub(super) const DPKG: Target = Target {
    name: "dpkg",
    reads: "the databases of dpkg",
    from: &[
        from("sample-apps", "dpkg/status", b""),
        from("sample-apps", ".md5sums", b""),
        from("sample-apps", ".list", b""),
    ],
    words: &[
        b"Package: a\n",
        b"Status: install ok installed\n",
        b"Depends: a (>= 1) | b [amd64] <!x>, c\n",
        b"Conffiles:\n /etc/a 0123\n",
        b"\n\n",
        b" .\n",
        b"Provides: ",
    ],
    run: dpkg,
};

fn dpkg(data: &[u8]) {
    let _ = dpkg::status(data);
    let _ = dpkg::diversions(data);
    let _ = dpkg::overrides(data);
    assert!(dpkg::md5sums(data).count() <= data.len());
    assert!(dpkg::list(data).count() <= data.len());
    let _ = dpkg::ucf_registry(data).count() + dpkg::ucf_sums(data).count();
}

pub(super) const APK: Target = Target {
    name: "apk",
    reads: "the database of apk, and the archive of its scripts",
    from: &[],
    words: &[
        b"P:a\n",
        b"V:1\n",
        b"D:b c>1 so:d.so.1\n",
        b"F:etc\n",
        b"R:a\n",
        b"Z:Q1",
        b"a:0:0:755\n",
        b"M:0:0:1777\n",
        b"\n",
        b"p:so:a=1\n",
        b"ustar\0",
    ],
    run: apk,
};

fn apk(data: &[u8]) {
    let packages = apk::packages(data);
    assert!(packages.len() <= data.len());
    let mut files = 0;
    apk::each_file(data, |_| {
        files += 1;
        ControlFlow::Continue(())
    });
    assert!(files <= data.len());
    let scripts = apk::scripts(data);
    assert!(scripts.iter().map(|(_, text)| text.len()).sum::<usize>() <= data.len());
}

pub(super) const RPM: Target = Target {
    name: "rpm",
    reads: "rpm's three stores; what follows the mark WAL! is SQLite's write-ahead log",
    from: &[],
    words: &[
        b"SQLite format 3\0",
        b"RpmP",
        b"Slot",
        b"BlbS",
        b"\x61\x15\x06\0",
        b"\0\x06\x15\x61",
        b"WAL!",
        b"\x37\x7f\x06\x82",
    ],
    run: rpm,
};

fn rpm(data: &[u8]) {
    let log = data.windows(4).position(|four| four == b"WAL!");
    let (store, wal) = match log {
        Some(at) => (&data[..at], Some(&data[at + 4..])),
        None => (data, None),
    };
    let boxed = |bytes: &[u8]| -> seaworthy::parse::rpm::Source { Box::new(bytes.to_vec()) };
    let Ok((store, _)) = Store::open(boxed(store), wal.map(boxed)) else {
        return;
    };
    let (slots, _) = store.slots();
    for slot in slots.into_iter().take(200) {
        if let Ok(blob) = store.blob(slot) {
            // A header may be told to lie on the same pages again and again, but no longer than once
            // over all of them.
            assert!(blob.len() <= data.len() * 2);
            rpm_header(&blob);
        }
    }
}

pub(super) const RPM_HEADER: Target = Target {
    name: "rpm_header",
    reads: "the headers of rpm's packages",
    from: &[],
    words: &[
        b"\0\0\x03\xe8\0\0\0\x06",
        b"\0\0\x04\x5c\0\0\0\x04",
        b"\xff\xff\xff\xff",
    ],
    run: rpm_header,
};

fn rpm_header(data: &[u8]) {
    let Ok(header) = Header::parse(data) else {
        return;
    };
    let _ = (header.version(), header.source());
    let (files, _) = header.files();
    assert!(files.len() <= data.len());
    for tag in [1000, 1022, 1047, 1049, 1118] {
        let _ = header.text(tag);
        assert!(header.numbers(tag).len() <= data.len());
        assert!(header.strings(tag).count() <= data.len());
    }
}
