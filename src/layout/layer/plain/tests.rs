//! Odd archives of honest makers, and what stays refused.

use std::io::{self, Read};

use super::super::{Body, Compression, Entry, Limits, TarWriter, read};
use super::{Dropped, rewrite};

/// A header of any form, filled as old writers do.
fn odd(name: &[u8], kind: u8, size: u64, change: impl Fn(&mut [u8; 512])) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    let field = |block: &mut [u8; 512], at: usize, text: &str| {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    for (at, text) in [
        (100, "   644 \0".to_owned()),
        (108, "     0 \0".to_owned()),
        (116, "     0 \0".to_owned()),
        (124, format!("{size:11o} ")),
        (136, format!("{:11o} ", 7)),
    ] {
        field(&mut block, at, &text);
    }
    block[156] = kind;
    change(&mut block);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    field(&mut block, 148, &format!("{sum:6o}\0 "));
    block.to_vec()
}

fn filled(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn anew(archive: &[u8]) -> Result<(Vec<Entry>, Dropped), String> {
    let mut out = TarWriter::new(Vec::new(), "");
    let limits = Limits::of(archive.len() as u64);
    let bytes = archive.to_vec();
    let mut open = || Ok(Box::new(io::Cursor::new(bytes.clone())) as Box<dyn Read>);
    let dropped = rewrite(&mut open, Compression::None, limits, &mut out)
        .map_err(|fault| fault.to_string())?;
    let plain = out.finish().unwrap();
    let mut entries = Vec::new();
    read(plain.as_slice(), Compression::None, limits, &mut |entry| {
        entries.push(entry)
    })
    .expect("what was written anew is read strictly");
    Ok((entries, dropped))
}

#[test]
fn odd_but_honest_archives_are_written_anew() {
    let posix = |block: &mut [u8; 512]| block[257..265].copy_from_slice(b"ustar\x0000");
    let gnu = |block: &mut [u8; 512]| block[257..265].copy_from_slice(b"ustar  \0");
    let record = |key: &str, value: &str| {
        let text = format!("{key}={value}\n");
        let length = (text.len() + 3..).find(|n| n.to_string().len() + 1 + text.len() == *n);
        format!("{} {text}", length.unwrap_or_default())
    };
    let pax = |text: &str| {
        [
            odd(b"x", b'x', text.len() as u64, posix),
            filled(text.as_bytes()),
        ]
        .concat()
    };
    let end = vec![0; 1024];
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        // The oldest form has no magic, and directories are files with a slash.
        (
            "V7",
            [
                odd(b"etc/", 0, 0, |_| ()),
                odd(b"etc/a", 0, 2, |_| ()),
                filled(b"hi"),
            ]
            .concat(),
            &["/etc Dir", "/etc/a File 2"],
        ),
        // star: times where others have the end of the prefix.
        (
            "star",
            odd(b"a", b'0', 0, |block| {
                posix(block);
                block[345..348].copy_from_slice(b"dir");
                block[476..488].copy_from_slice(b"00000000001 ");
                block[508..512].copy_from_slice(b"tar\0");
            }),
            &["/dir/a File 0"],
        ),
        // GNU with times behind the name.
        (
            "GNU",
            odd(b"a", b'0', 0, |block| {
                gnu(block);
                block[345..357].copy_from_slice(b"14123123123\0");
            }),
            &["/a File 0"],
        ),
        (
            "absolute",
            odd(b"/etc/a", b'0', 0, posix),
            &["/etc/a File 0"],
        ),
        (
            "size of a directory",
            odd(b"d", b'5', 4096, posix),
            &["/d Dir"],
        ),
        (
            "a name that comes again",
            [
                odd(b"a", b'0', 1, posix),
                filled(b"x"),
                odd(b"a", b'0', 2, posix),
                filled(b"yz"),
            ]
            .concat(),
            &["/a File 2"],
        ),
        (
            "keys that only some know",
            [
                pax(&(record("LIBARCHIVE.xattr.user.a", "MQ") + &record("path", "b"))),
                odd(b"a", b'0', 0, posix),
            ]
            .concat(),
            &["/b File 0"],
        ),
        (
            "holes in the oldest form",
            [
                odd(b"s", b'S', 3, |block| {
                    gnu(block);
                    block[386..410].copy_from_slice(b"00000010000\x0000000000003\0");
                    block[410..434].copy_from_slice(b"00000020000\x0000000000000\0");
                    block[483..495].copy_from_slice(b"00000020000\0");
                }),
                filled(b"abc"),
            ]
            .concat(),
            &["/s File 8192"],
        ),
        (
            "holes in the form 0.1",
            [
                pax(&(record("GNU.sparse.size", "5000")
                    + &record("GNU.sparse.map", "4096,3")
                    + &record("GNU.sparse.name", "s"))),
                odd(b"GNUSparseFile.1/s", b'0', 3, posix),
                filled(b"abc"),
            ]
            .concat(),
            &["/s File 5000"],
        ),
    ];
    for (what, archive, want) in cases {
        let archive = [archive, end.clone()].concat();
        let strict = read(
            archive.as_slice(),
            Compression::None,
            Limits::of(0),
            &mut |_| (),
        );
        assert!(strict.is_err(), "{what}: the strict reader takes it");
        let (entries, _) = anew(&archive).unwrap_or_else(|told| panic!("{what}: {told}"));
        let shown: Vec<String> = entries
            .iter()
            .map(|entry| match &entry.body {
                Body::File { size, .. } => format!("{} File {size}", entry.path),
                body => format!("{} {body:?}", entry.path),
            })
            .collect();
        assert_eq!(shown, want, "{what}");
    }
}

#[test]
fn what_tells_no_meaning_is_not_written_anew() {
    let posix = |block: &mut [u8; 512]| block[257..265].copy_from_slice(b"ustar\x0000");
    let link = |block: &mut [u8; 512]| {
        posix(block);
        block[157] = b'a';
    };
    for (what, archive) in [
        ("..", odd(b"../a", b'0', 0, posix)),
        ("an unknown kind", odd(b"a", b'Q', 0, posix)),
        (
            "a removal with content",
            [odd(b".wh.a", b'0', 1, posix), filled(b"x")].concat(),
        ),
        ("cut off", odd(b"a", b'0', 5000, posix)),
        ("a link that leads nowhere", odd(b"a", b'2', 0, posix)),
        (
            "another name of one of two",
            [
                odd(b"a", b'0', 0, posix),
                odd(b"b", b'1', 0, link),
                odd(b"a", b'0', 0, posix),
            ]
            .concat(),
        ),
        (
            "a checksum that is wrong",
            odd(b"a", b'0', 0, posix)
                .iter()
                .map(|byte| byte ^ (*byte == b'a') as u8)
                .collect(),
        ),
    ] {
        assert!(anew(&[archive, vec![0; 1024]].concat()).is_err(), "{what}");
    }
    // What has no place in a layer is left out, and told.
    let (entries, dropped) = anew(
        &[
            odd(b"dev/null", b'3', 0, posix),
            odd(b"a", b'0', 0, posix),
            vec![0; 1024],
            b"more".to_vec(),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(entries.len(), 1);
    let reasons: Vec<&str> = dropped.keys().copied().collect();
    assert_eq!(
        reasons,
        ["a device, which no image needs", "something behind its end"]
    );
}
