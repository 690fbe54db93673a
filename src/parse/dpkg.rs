//! dpkg's database: `/var/lib/dpkg/status` and the files beside it (deb(5), dpkg(1),
//! dpkg-divert(1), dpkg-statoverride(1)).

use super::budget::RELATION;
use super::deb822::{Paragraph, paragraphs};
use super::digest::Digest;

/// A package of the status file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Name, without architecture.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// Whether it can be there for several architectures; its files beside the status file then
    /// have the architecture in their name.
    pub multi_arch: bool,
    /// The source package's name; absent where it is that of the package.
    pub source: Option<String>,
    /// The version of the source package, where it differs.
    pub source_version: Option<String>,
    /// The third word of `Status`.
    pub state: State,
    /// `Essential: yes`: every other package may count on it without naming it.
    pub essential: bool,
    /// `Priority` is one with which every ordinary system has it: required, important, standard
    /// (Debian policy, 2.5).
    pub ordinary: bool,
    /// `Pre-Depends` and `Depends`: of each group one must be there.
    pub depends: Vec<Vec<String>>,
    /// `Recommends`, likewise.
    pub recommends: Vec<Vec<String>>,
    /// Further names that it answers to.
    pub provides: Vec<String>,
    /// Configuration files.
    pub conffiles: Vec<Conffile>,
    /// The line its paragraph begins on.
    pub line: u32,
}

impl Package {
    /// How many names and paths it holds; what a package itself takes is that of eight.
    #[must_use]
    pub fn names(&self) -> usize {
        let groups = self.depends.iter().chain(&self.recommends);
        8 + groups.map(Vec::len).sum::<usize>() + self.provides.len() + self.conffiles.len()
    }
}

/// How much of a package is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// All of it, and set up.
    Installed,
    /// Its files are there, or some; it was not set up.
    Partly,
    /// It was removed and its configuration files stayed.
    ConfigFiles,
    /// Nothing.
    #[default]
    Absent,
}

/// A configuration file that dpkg leaves in place when it was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conffile {
    /// Its path.
    pub path: Vec<u8>,
    /// The MD5 of what was shipped; absent while it is being installed.
    pub digest: Option<Digest>,
    /// A newer version of the package no longer has it.
    pub obsolete: bool,
}

/// The packages of a status file, or of one in `status.d` of an image without dpkg. A paragraph
/// without a name is left out.
#[must_use]
pub fn status(text: &[u8]) -> Vec<Package> {
    paragraphs(text).filter_map(|p| package(&p)).collect()
}

fn package(paragraph: &Paragraph<'_>) -> Option<Package> {
    let name = paragraph.text("Package").filter(|name| !name.is_empty())?;
    // `name (version)`, the latter where it is not that of the package.
    let source = paragraph.text("Source").unwrap_or_default();
    let (source, source_version) = match source.split_once('(') {
        Some((source, version)) => (
            source,
            Some(version.trim_end_matches(')').trim().to_owned()),
        ),
        None => (source.as_str(), None),
    };
    let source = source.trim();
    let mut depends = relation(paragraph.get("Pre-Depends"));
    depends.append(&mut relation(paragraph.get("Depends")));
    Some(Package {
        version: paragraph.text("Version").unwrap_or_default(),
        arch: paragraph.text("Architecture").unwrap_or_default(),
        multi_arch: paragraph.get("Multi-Arch") == Some(b"same"),
        source: (!source.is_empty() && source != name).then(|| source.to_owned()),
        source_version,
        state: state(paragraph.get("Status")),
        essential: paragraph.get("Essential") == Some(b"yes"),
        ordinary: matches!(
            paragraph.get("Priority"),
            Some(b"required" | b"important" | b"standard")
        ),
        depends,
        recommends: relation(paragraph.get("Recommends")),
        provides: relation(paragraph.get("Provides"))
            .into_iter()
            .flatten()
            .collect(),
        conffiles: paragraph.lines("Conffiles").filter_map(conffile).collect(),
        line: paragraph.line,
        name,
    })
}

/// The third word of `want ok state`. Images without dpkg have packages without `Status`.
fn state(status: Option<&[u8]>) -> State {
    let Some(status) = status else {
        return State::Installed;
    };
    match status.rsplit(u8::is_ascii_whitespace).next() {
        Some(b"installed" | b"triggers-awaited" | b"triggers-pending") => State::Installed,
        Some(b"half-installed" | b"unpacked" | b"half-configured") => State::Partly,
        Some(b"config-files") => State::ConfigFiles,
        _ => State::Absent,
    }
}

/// `a (>= 1) | b:any, c [amd64]` as names only.
fn relation(value: Option<&[u8]>) -> Vec<Vec<String>> {
    let name = |one: &[u8]| {
        let one = one.trim_ascii();
        let end = one
            .iter()
            .position(|b| matches!(b, b' ' | b'\t' | b'\n' | b'(' | b'[' | b'<' | b':'))
            .unwrap_or(one.len());
        String::from_utf8_lossy(one.get(..end).unwrap_or_default()).into_owned()
    };
    let value = value.unwrap_or_default();
    value
        .get(..RELATION.bytes)
        .unwrap_or(value)
        .split(|&b| b == b',')
        .map(|group| {
            let names = group.split(|&b| b == b'|').map(name);
            names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
        })
        .filter(|group| !group.is_empty())
        .take(usize::try_from(RELATION.steps).unwrap_or(usize::MAX))
        .collect()
}

/// `path md5 [obsolete] [remove-on-upgrade]`; a path may have blanks.
fn conffile(line: &[u8]) -> Option<Conffile> {
    let mut rest = line;
    let mut obsolete = false;
    loop {
        let cut = rest.iter().rposition(|&b| b == b' ')?;
        let (path, last) = (rest.get(..cut)?.trim_ascii_end(), rest.get(cut + 1..)?);
        match last {
            b"obsolete" => obsolete = true,
            b"remove-on-upgrade" => {}
            sum => {
                return path.starts_with(b"/").then(|| Conffile {
                    path: path.to_vec(),
                    digest: Digest::from_hex(sum),
                    obsolete,
                });
            }
        }
        rest = path;
    }
}

/// The paths of `info/*.list`, one on each line, with the line.
pub fn list(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    (1..)
        .zip(text.split(|&b| b == b'\n'))
        .filter(|(_, path)| path.starts_with(b"/"))
}

/// The paths of `info/*.conffiles`.
pub fn conffiles(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    list(text).map(|(_, path)| path)
}

/// The checksums of `info/*.md5sums`: paths, beginning with `/`, and MD5.
pub fn md5sums(text: &[u8]) -> impl Iterator<Item = (Vec<u8>, Digest)> {
    text.split(|&b| b == b'\n').filter_map(|line| {
        let (sum, rest) = line.split_at_checked(32)?;
        // md5sum(1): a blank, then a blank for text or `*` for binary.
        let path = rest
            .strip_prefix(b"  ")
            .or_else(|| rest.strip_prefix(b" *"))?;
        let path = path.strip_prefix(b"./").unwrap_or(path);
        Some(([b"/", path].concat(), Digest::from_hex(sum)?))
    })
}

/// The configuration files that ucf(1) keeps for packages, from its registry: package and path.
pub fn ucf_registry(text: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    text.split(|&b| b == b'\n').filter_map(|line| {
        let cut = line.iter().position(|&b| b == b' ')?;
        let (package, path) = line.split_at(cut);
        let path = path.trim_ascii();
        path.starts_with(b"/")
            .then(|| (String::from_utf8_lossy(package).into_owned(), path))
    })
}

/// The checksums of what packages last offered to ucf(1), from its hash file.
pub fn ucf_sums(text: &[u8]) -> impl Iterator<Item = (&[u8], Digest)> {
    text.split(|&b| b == b'\n').filter_map(|line| {
        let (sum, path) = line.split_at_checked(32)?;
        Some((path.trim_ascii(), Digest::from_hex(sum)?))
    })
}

/// A file that is kept under another name, so that a package's own can stand in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// The path as packages ship it.
    pub from: Vec<u8>,
    /// Where dpkg puts it.
    pub to: Vec<u8>,
    /// The package whose file keeps its name; absent when the administrator diverted it.
    pub by: Option<String>,
}

/// The diversions of `/var/lib/dpkg/diversions`: three lines each.
#[must_use]
pub fn diversions(text: &[u8]) -> Vec<Diversion> {
    let lines: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
    let read = |[from, to, by]: &[&[u8]; 3]| {
        (from.starts_with(b"/") && to.starts_with(b"/")).then(|| Diversion {
            from: from.to_vec(),
            to: to.to_vec(),
            by: (*by != b":").then(|| String::from_utf8_lossy(by).into_owned()),
        })
    };
    lines.as_chunks::<3>().0.iter().filter_map(read).collect()
}

/// An owner and mode that the administrator chose instead of the package's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The path.
    pub path: Vec<u8>,
    /// Owner, by name or as `#number`.
    pub user: String,
    /// Group, likewise.
    pub group: String,
    /// Permissions.
    pub mode: u32,
}

/// The overrides of `/var/lib/dpkg/statoverride`: `user group mode path`.
#[must_use]
pub fn overrides(text: &[u8]) -> Vec<Override> {
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let read = |line: &[u8]| {
        let mut words = line.splitn(4, |&b| b == b' ');
        let (user, group) = (words.next()?, words.next()?);
        let mode = std::str::from_utf8(words.next()?).ok()?;
        let path = words.next().filter(|path| path.starts_with(b"/"))?;
        Some(Override {
            path: path.to_vec(),
            user: text_of(user),
            group: text_of(group),
            mode: u32::from_str_radix(mode, 8).ok()? & 0o7777,
        })
    };
    text.split(|&b| b == b'\n').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &[u8] = b"Package: mercury-core\n\
Status: install ok installed\n\
Architecture: amd64\n\
Multi-Arch: same\n\
Source: mercury (2.0-1)\n\
Version: 2.0-1+b1\n\
Provides: mail-agent (= 1), mta\n\
Depends: libc6 (>= 2.34), default-mta | mta,\n perl:any <!nocheck>\n\
Pre-Depends: init-system-helpers (>= 1.54~)\n\
Recommends: mercury-doc\n\
Conffiles:\n\
\x20/etc/mercury/a b.conf 900150983cd24fb0d6963f7d28e17f72\n\
\x20/etc/mercury/old.conf 900150983cd24fb0d6963f7d28e17f72 obsolete\n\
\x20/etc/mercury/new.conf newconffile\n\
Description: x\n Package: not-one\n\n\
Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";

    #[test]
    fn a_paragraph_becomes_a_package() {
        let found = status(STATUS);
        assert_eq!(found.len(), 2);
        let one = &found[0];
        assert_eq!(
            (&*one.name, &*one.arch, one.line),
            ("mercury-core", "amd64", 1)
        );
        assert_eq!(one.source.as_deref(), Some("mercury"));
        assert_eq!(one.source_version.as_deref(), Some("2.0-1"));
        assert_eq!(one.provides, ["mail-agent", "mta"]);
        assert_eq!(
            one.depends,
            [
                vec!["init-system-helpers"],
                vec!["libc6"],
                vec!["default-mta", "mta"],
                vec!["perl"]
            ]
        );
        assert_eq!(one.recommends, [["mercury-doc"]]);
        assert_eq!(found[1].state, State::ConfigFiles);
        assert_eq!(found[1].source, None);
    }

    #[test]
    fn conffiles_keep_their_blanks_and_flags() {
        let found = status(STATUS).remove(0).conffiles;
        assert_eq!(found[0].path, b"/etc/mercury/a b.conf");
        assert!(found[0].digest.is_some() && !found[0].obsolete);
        assert!(found[1].obsolete);
        assert_eq!(found[1].path, b"/etc/mercury/old.conf");
        assert_eq!(found[2].digest, None);
    }

    #[test]
    fn sums_are_of_absolute_paths() {
        let text = b"900150983cd24fb0d6963f7d28e17f72  usr/bin/x y\nshort\n\
900150983cd24fb0d6963f7d28e17f72 *./etc/z\n";
        let paths: Vec<_> = md5sums(text).map(|(path, _)| path).collect();
        assert_eq!(paths, [&b"/usr/bin/x y"[..], b"/etc/z"]);
    }

    #[test]
    fn ucf_names_package_path_and_sum() {
        let found: Vec<_> = ucf_registry(b"mercury /etc/default/mercury\nbroken\n").collect();
        assert_eq!(
            found,
            [("mercury".to_owned(), &b"/etc/default/mercury"[..])]
        );
        let text = b"900150983cd24fb0d6963f7d28e17f72  /etc/default/mercury\n";
        assert_eq!(ucf_sums(text).next().unwrap().0, b"/etc/default/mercury");
    }

    #[test]
    fn diversions_and_overrides_are_read_line_by_line() {
        let found = diversions(b"/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n/cut\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].by.as_deref(), Some("dash"));
        assert_eq!(found[1].by, None);

        let found = overrides(b"root mail 2755 /usr/bin/a b\n#7 x 9 /y\nroot root\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].mode, &*found[0].group), (0o2755, "mail"));
        assert_eq!(found[0].path, b"/usr/bin/a b");
    }

    #[test]
    fn an_image_without_dpkg_has_packages_without_a_state() {
        assert_eq!(status(b"Package: x\n")[0].state, State::Installed);
    }
}
