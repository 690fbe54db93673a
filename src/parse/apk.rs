//! apk's database, `/lib/apk/db/installed` (apk-package(5), apk-tools `database.c`): paragraphs of
//! lines with a letter, a colon and a value.

use std::ops::{ControlFlow, Range};

use super::digest::Digest;

/// The longest path that a program can name (`PATH_MAX`); a longer one is left out.
const MAX_PATH: usize = 4096;

/// A package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// `P:`
    pub name: String,
    /// `V:`
    pub version: String,
    /// `A:`
    pub arch: String,
    /// `L:`
    pub licence: Option<String>,
    /// `o:` the package that it was built with.
    pub origin: Option<String>,
    /// `D:` names, without versions and conflicts; `so:`, `cmd:` and `pc:` stand for what a
    /// package provides.
    pub depends: Vec<String>,
    /// `p:`
    pub provides: Vec<String>,
    /// The line its paragraph begins on.
    pub line: u32,
    /// Where its paragraph is, for [`each_file`].
    pub place: Range<usize>,
}

impl Package {
    /// How many names it holds; what a package itself takes is that of eight.
    #[must_use]
    pub fn names(&self) -> usize {
        8 + self.depends.len() + self.provides.len()
    }
}

/// A file or directory of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path, beginning with `/`.
    pub path: Vec<u8>,
    /// Whether it is a directory.
    pub directory: bool,
    /// Checksum of the content, or of a link's text.
    pub digest: Option<Digest>,
    /// Owner and group by number, and permissions, where they are not the usual ones.
    pub acl: Option<(u32, u32, u32)>,
}

/// The packages of a database. A paragraph without a name is left out.
#[must_use]
pub fn packages(text: &[u8]) -> Vec<Package> {
    let mut found = Vec::new();
    let mut now = Package::default();
    let mut begins = None;
    let mut at = 0;
    for (number, line) in (1..).zip(text.split(|&b| b == b'\n')) {
        let start = at;
        at += line.len() + 1;
        if line.is_empty() {
            finish(&mut found, &mut now, &mut begins, start);
            continue;
        }
        if begins.is_none() {
            begins = Some(start);
            now.line = number;
        }
        let Some((key, value)) = split(line) else {
            continue;
        };
        let text = || String::from_utf8_lossy(value).into_owned();
        match key {
            b'P' => now.name = text(),
            b'V' => now.version = text(),
            b'A' => now.arch = text(),
            b'L' => now.licence = Some(text()).filter(|text| !text.is_empty()),
            b'o' => now.origin = Some(text()).filter(|text| !text.is_empty()),
            b'D' => now.depends = names(value),
            b'p' => now.provides = names(value),
            _ => {}
        }
    }
    finish(&mut found, &mut now, &mut begins, text.len());
    found
}

fn finish(found: &mut Vec<Package>, now: &mut Package, begins: &mut Option<usize>, end: usize) {
    let mut package = std::mem::take(now);
    if let Some(start) = begins.take()
        && !package.name.is_empty()
    {
        package.place = start..end;
        found.push(package);
    }
}

fn split(line: &[u8]) -> Option<(u8, &[u8])> {
    match line {
        [key, b':', value @ ..] => Some((*key, value)),
        _ => None,
    }
}

/// `a>=1 !b so:libc.so=1 c@edge` as names.
fn names(value: &[u8]) -> Vec<String> {
    value
        .split(|&b| b == b' ')
        .filter(|word| !word.is_empty() && !word.starts_with(b"!"))
        .map(|word| {
            let end = word
                .iter()
                .position(|b| matches!(b, b'<' | b'>' | b'=' | b'~' | b'@'))
                .unwrap_or(word.len());
            String::from_utf8_lossy(word.get(..end).unwrap_or_default()).into_owned()
        })
        .collect()
}

/// Gives the files and directories of a package's paragraph to `visit`, until it breaks.
pub fn each_file(paragraph: &[u8], mut visit: impl FnMut(File) -> ControlFlow<()>) {
    let mut dir: &[u8] = b"";
    let mut pending: Option<File> = None;
    for line in paragraph.split(|&b| b == b'\n') {
        let Some((key, value)) = split(line) else {
            continue;
        };
        match key {
            b'F' | b'R' => {
                if let Some(file) = pending.take()
                    && visit(file).is_break()
                {
                    return;
                }
                let path = if key == b'F' {
                    dir = value;
                    [b"/", dir].concat()
                } else if dir.is_empty() {
                    [b"/", value].concat()
                } else {
                    [b"/", dir, b"/", value].concat()
                };
                pending = (path.len() < MAX_PATH).then_some(File {
                    path,
                    directory: key == b'F',
                    digest: None,
                    acl: None,
                });
            }
            b'M' | b'a' => {
                if let Some(file) = &mut pending {
                    file.acl = acl(value);
                }
            }
            b'Z' => {
                if let Some(file) = &mut pending {
                    file.digest = checksum(value);
                }
            }
            _ => {}
        }
    }
    if let Some(file) = pending {
        let _ = visit(file);
    }
}

/// The scripts of `/lib/apk/db/scripts.tar`: name of the member and text. Names are
/// `package-version.checksum.stage`.
#[must_use]
pub fn scripts(tar: &[u8]) -> Vec<(String, &[u8])> {
    let mut found = Vec::new();
    let mut rest = tar;
    // ustar (pax(1)): a head of 512 bytes, then the content, filled up to a multiple of 512.
    while let Some((head, after)) = rest.split_at_checked(512) {
        let field = |from: usize, to: usize| {
            let bytes = head.get(from..to).unwrap_or_default();
            let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
            String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
        };
        let size = usize::from_str_radix(field(124, 136).trim(), 8);
        let Some(content) = size.ok().and_then(|size| after.get(..size)) else {
            break;
        };
        if matches!(head.get(156), Some(b'0' | 0)) && !content.is_empty() {
            found.push((field(0, 100), content));
        }
        let filled = content.len().next_multiple_of(512);
        rest = after.get(filled..).unwrap_or_default();
    }
    found
}

/// `Q1` and SHA-1, or `Q2` and SHA-256, in base 64.
fn checksum(value: &[u8]) -> Option<Digest> {
    let sum = value
        .strip_prefix(b"Q1")
        .or_else(|| value.strip_prefix(b"Q2"))?;
    Digest::from_base64(sum)
}

/// `uid:gid:mode[:checksum of extended attributes]`
fn acl(value: &[u8]) -> Option<(u32, u32, u32)> {
    let mut parts = std::str::from_utf8(value).ok()?.split(':');
    let user = parts.next()?.parse().ok()?;
    let group = parts.next()?.parse().ok()?;
    let mode = u32::from_str_radix(parts.next()?, 8).ok()?;
    Some((user, group, mode & 0o7777))
}

/// Whether apk keeps the file at `path` when it was changed: `/etc` without `/etc/apk` (the
/// protected paths of apk-tools). In `/etc/init.d` only links are protected.
#[must_use]
pub fn is_protected(path: &[u8]) -> bool {
    path.starts_with(b"/etc/")
        && !path.starts_with(b"/etc/apk/")
        && !path.starts_with(b"/etc/init.d/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: &[u8] = b"C:Q1x\nP:mercury\nV:2.0-r1\nA:x86_64\nL:MIT AND BSD-2-Clause\n\
o:mercury-src\nD:so:libc.musl-x86_64.so.1 busybox>=1.2 !old /bin/sh\np:cmd:mercury=2.0-r1\n\
F:\nR:top\nF:etc\nF:var/lib/mercury\nM:100:101:750\nF:usr/bin\nR:mercury\na:0:0:4755\n\
Z:Q1qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\nR:plain\n\nV:nameless\n\nP:last\nV:1\n";

    #[test]
    fn a_paragraph_becomes_a_package() {
        let found = packages(INSTALLED);
        assert_eq!(found.len(), 2);
        let one = &found[0];
        assert_eq!((&*one.name, &*one.version), ("mercury", "2.0-r1"));
        assert_eq!(one.licence.as_deref(), Some("MIT AND BSD-2-Clause"));
        assert_eq!(one.origin.as_deref(), Some("mercury-src"));
        assert_eq!(
            one.depends,
            ["so:libc.musl-x86_64.so.1", "busybox", "/bin/sh"]
        );
        assert_eq!(one.provides, ["cmd:mercury"]);
        assert_eq!((one.line, found[1].line), (1, 22));
        assert_eq!(&INSTALLED[found[1].place.clone()], b"P:last\nV:1\n");
    }

    #[test]
    fn files_have_their_directory_owner_and_sum() {
        let mut found = Vec::new();
        each_file(&INSTALLED[packages(INSTALLED)[0].place.clone()], |file| {
            found.push(file);
            ControlFlow::Continue(())
        });
        let paths: Vec<_> = found
            .iter()
            .map(|f| String::from_utf8_lossy(&f.path))
            .collect();
        assert_eq!(
            paths,
            [
                "/",
                "/top",
                "/etc",
                "/var/lib/mercury",
                "/usr/bin",
                "/usr/bin/mercury",
                "/usr/bin/plain"
            ]
        );
        assert_eq!(found[3].acl, Some((100, 101, 0o750)));
        assert!(found[3].directory && !found[5].directory);
        assert_eq!(found[5].acl, Some((0, 0, 0o4755)));
        assert!(found[5].digest.is_some());
        assert_eq!(found[6].digest, None);
    }

    #[test]
    fn scripts_are_members_of_a_tar() {
        let member = |name: &str, text: &[u8]| {
            let mut bytes = vec![0; 512 + text.len().next_multiple_of(512)];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            bytes[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
            bytes[156] = b'0';
            bytes[512..512 + text.len()].copy_from_slice(text);
            bytes
        };
        let name = "mercury-2.0-r1.Q1x=.post-install";
        let mut tar = [member("a-1.Q1.trigger", b"x"), member(name, &[b'y'; 600])].concat();
        tar.extend_from_slice(&[0; 1024]);
        let found = scripts(&tar);
        assert_eq!(found[1], (name.to_owned(), &[b'y'; 600][..]));
        assert_eq!(found.len(), 2);
        // A member that claims more than there is ends the reading.
        assert_eq!(scripts(&tar[..1600]).len(), 1);
    }

    #[test]
    fn what_apk_protects_is_configuration() {
        assert!(is_protected(b"/etc/mercury.conf"));
        assert!(!is_protected(b"/etc/apk/world") && !is_protected(b"/usr/etc/x"));
        assert!(!is_protected(b"/etc/init.d/mercury"));
    }
}
