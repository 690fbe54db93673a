//! The table of base images: what each ships and what its repositories offer.
//!
//! Debian's current releases come from the archive's metadata (`scripts/debian-bases.py`), the
//! others from documents. What no source says is not guessed: [`Has::Unknown`].

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::libraries::stem;
use super::table;

/// Which package of each Debian release ships a library; made by `scripts/debian-bases.py`.
const DEBIAN: &str = include_str!("../../rules/knowledge/sonames-debian.tsv");

/// A base image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Base {
    /// Short name: `debian-12`.
    pub id: String,
    /// Full name.
    pub name: String,
    /// What stands behind `FROM`.
    pub image: String,
    /// Whose packages it has: `debian`, `rhel`, …
    pub family: String,
    /// The release's number.
    pub release: String,
    /// The last day of support that needs no contract of its own, where it is known.
    pub end_of_support: Option<String>,
    /// Whether support had ended when the table was written.
    pub ended: bool,
    /// `glibc`, `musl` or `none`.
    pub libc: String,
    /// The C library's version.
    pub libc_version: String,
    /// The oldest processor it runs on: `x86-64`, `x86-64-v2`, …
    pub isa: String,
    /// How libraries for 32-bit programs are had; empty when there are none, absent when unknown.
    pub i386: Option<String>,
    /// Size of the unpacked image in megabytes, about.
    pub size_mb: Option<u32>,
    /// Whether `sonames` and what is offered are the whole truth.
    pub complete: bool,
    /// What the facts were taken from.
    pub source: String,
    /// Something its user should know.
    pub note: Option<String>,
    /// The base whose facts hold where this entry is silent.
    like: Option<String>,
    sonames: BTreeSet<String>,
    absent: BTreeSet<String>,
    offers: BTreeMap<String, String>,
    versions: BTreeMap<String, Vec<String>>,
    interpreters: BTreeMap<String, Vec<String>>,
}

/// Whether a base has a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Has {
    /// The image ships it.
    Ships,
    /// This package of its repositories brings it.
    Offers(String),
    /// Neither the image nor its repositories have it.
    Absent,
    /// The sources do not say.
    Unknown,
}

/// How a base's symbol versions stand to one that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// The base's library is new enough.
    Yes,
    /// It is too old.
    No,
    /// The table does not know the library's versions.
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base: Vec<Base>,
    #[serde(default)]
    offers: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    #[serde(default, rename = "written")]
    _written: Option<String>,
}

struct Table {
    bases: Vec<Base>,
    offers: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    debian: Debian,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut file: File = table("bases");
    file.base.extend(table::<File>("bases-debian").base);
    let originals = file.base.clone();
    for base in &mut file.base {
        let like = base.like.take();
        if let Some(other) = originals.iter().find(|b| Some(&b.id) == like.as_ref()) {
            base.fill_from(other);
        }
    }
    Table {
        bases: file.base,
        offers: file.offers,
        debian: Debian::read(DEBIAN),
    }
});

/// All bases.
#[must_use]
pub fn bases() -> &'static [Base] {
    &TABLE.bases
}

impl Base {
    /// Takes over what this entry does not say.
    fn fill_from(&mut self, other: &Self) {
        let texts = [
            (&mut self.family, &other.family),
            (&mut self.release, &other.release),
            (&mut self.libc, &other.libc),
            (&mut self.libc_version, &other.libc_version),
            (&mut self.isa, &other.isa),
            (&mut self.source, &other.source),
        ];
        for (mine, theirs) in texts {
            if mine.is_empty() {
                mine.clone_from(theirs);
            }
        }
        // An end of support of its own comes with a word of its own on whether it has passed.
        if self.end_of_support.is_none() {
            self.end_of_support.clone_from(&other.end_of_support);
            self.ended = other.ended;
        }
        self.i386 = self.i386.take().or_else(|| other.i386.clone());
        self.note = self.note.take().or_else(|| other.note.clone());
        // One that ships something else has another size too.
        if self.sonames.is_empty() {
            self.sonames.clone_from(&other.sonames);
            self.size_mb = self.size_mb.or(other.size_mb);
            self.complete = other.complete;
        }
        if self.absent.is_empty() {
            self.absent.clone_from(&other.absent);
        }
        if self.offers.is_empty() {
            self.offers.clone_from(&other.offers);
        }
        if self.versions.is_empty() {
            self.versions.clone_from(&other.versions);
        }
        if self.interpreters.is_empty() {
            self.interpreters.clone_from(&other.interpreters);
        }
    }

    /// Whether this base has the library of that SONAME.
    #[must_use]
    pub fn has(&self, soname: &str) -> Has {
        let of_libc = match self.libc.as_str() {
            "glibc" => is_glibc_part(soname),
            "musl" => is_musl_part(soname),
            _ => false,
        };
        if of_libc || self.sonames.contains(soname) {
            return Has::Ships;
        }
        if self.absent.contains(soname) {
            return Has::Absent;
        }
        if let Some(package) = self.offered(soname) {
            return Has::Offers(package);
        }
        match self.family.as_str() {
            "debian" if self.complete => TABLE.debian.absence(soname),
            _ if self.complete => Has::Absent,
            _ => Has::Unknown,
        }
    }

    fn offered(&self, soname: &str) -> Option<String> {
        if let Some(package) = self.offers.get(soname) {
            return Some(package.clone());
        }
        if self.complete && self.family == "debian" {
            return TABLE.debian.package(soname, &self.release);
        }
        let entry = TABLE.offers.get(&self.family)?.get(soname)?;
        let (package, releases) = entry.split_first()?;
        (releases.is_empty() || releases.contains(&self.release)).then(|| package.clone())
    }

    /// Whether its copy of `library` defines the symbol version `version` (`GLIBCXX_3.4.29`).
    ///
    /// The versions of one family are cumulative: a library that defines one defines those
    /// before it.
    #[must_use]
    pub fn meets(&self, library: &str, version: &str) -> Meets {
        let Some((family, number)) = split_version(version) else {
            return Meets::Unknown;
        };
        let known = if self.libc == "glibc" && family == "GLIBC" && is_glibc_part(library) {
            Some(self.libc_version.as_str())
        } else {
            let of_library = self.versions.get(library);
            of_library
                .into_iter()
                .flatten()
                .filter_map(|known| split_version(known))
                .find(|(known, _)| *known == family)
                .map(|(_, number)| number)
        };
        match known {
            Some(known) if number_key(known) >= number_key(number) => Meets::Yes,
            Some(_) => Meets::No,
            None => Meets::Unknown,
        }
    }

    /// The versions of an interpreter that it ships or offers; absent when it is not known.
    #[must_use]
    pub fn interpreter(&self, language: &str) -> Option<&[String]> {
        self.interpreters.get(language).map(Vec::as_slice)
    }
}

/// The libraries that glibc itself ships in every release up to now, whatever the distribution.
///
/// `libnsl.so.1` and `libcrypt.so.1` are not among them: some distributions moved or dropped them.
#[must_use]
pub fn is_glibc_part(soname: &str) -> bool {
    const PARTS: [&str; 15] = [
        "libc.so.6",
        "libm.so.6",
        "libmvec.so.1",
        "libpthread.so.0",
        "libdl.so.2",
        "librt.so.1",
        "libutil.so.1",
        "libresolv.so.2",
        "libanl.so.1",
        "libthread_db.so.1",
        "libBrokenLocale.so.1",
        "libnss_files.so.2",
        "libnss_dns.so.2",
        "libnss_compat.so.2",
        "ld64.so.2",
    ];
    PARTS.contains(&soname) || soname.starts_with("ld-linux")
}

/// The names that musl's loader answers itself (`ldso/dynlink.c`).
fn is_musl_part(soname: &str) -> bool {
    let of_libc = |rest: &str| {
        let mut parts = ["c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."].iter();
        parts.any(|part| rest.starts_with(part))
    };
    soname.starts_with("ld-musl-") || soname.strip_prefix("lib").is_some_and(of_libc)
}

/// The family of a symbol version, and its number: `OPENSSL` and `1_1_1` of `OPENSSL_1_1_1`.
///
/// None for names without a number, such as `GLIBC_PRIVATE` or `libz_base`.
#[must_use]
pub fn split_version(version: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    while let Some(found) = version.get(at..)?.find('_') {
        let number = version.get(at + found + 1..)?;
        if number.starts_with(|c: char| c.is_ascii_digit()) {
            let plain = number
                .chars()
                .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || matches!(c, '.' | '_'));
            return plain.then(|| (version.get(..at + found).unwrap_or_default(), number));
        }
        at += found + 1;
    }
    None
}

/// A version's number as something that compares: `1_1_1b` comes after `1_1_1` and `1_1_1a`.
#[must_use]
pub fn number_key(number: &str) -> Vec<u64> {
    let mut key = Vec::new();
    let mut digits: Option<u64> = None;
    for c in number.chars() {
        if let Some(digit) = c.to_digit(10) {
            let before = digits.unwrap_or_default();
            digits = Some(before.saturating_mul(10).saturating_add(u64::from(digit)));
        } else {
            key.extend(digits.take());
            if c.is_ascii_lowercase() {
                key.push(u64::from(u32::from(c)) - u64::from(u32::from('a')) + 1);
            }
        }
    }
    key.extend(digits);
    key
}

/// Library names to packages, a column for each release.
struct Debian {
    releases: Vec<&'static str>,
    /// The lines below the head, in the order of the names' bytes. They are searched as they stand:
    /// to take them apart costs more than all that is asked of them.
    lines: &'static str,
}

impl Debian {
    fn read(table: &'static str) -> Self {
        let (head, lines) = table.split_once('\n').unwrap_or((table, ""));
        Self {
            releases: head.split('\t').skip(1).collect(),
            lines,
        }
    }

    fn row(&self, soname: &str) -> Option<&'static str> {
        let text = self.lines.as_bytes();
        let (mut from, mut to) = (0, text.len());
        while from < to {
            let middle = from.midpoint(to);
            let begin =
                memchr::memrchr(b'\n', &text[from..middle]).map_or(from, |at| from + at + 1);
            let end = memchr::memchr(b'\n', &text[middle..to]).map_or(to, |at| middle + at);
            let line = self.lines.get(begin..end)?;
            let (name, cells) = line.split_once('\t').unwrap_or((line, ""));
            match name.cmp(soname) {
                Ordering::Equal => return Some(cells),
                Ordering::Less => from = end + 1,
                Ordering::Greater => to = begin,
            }
        }
        None
    }

    /// The package of a release that ships the library.
    fn package(&self, soname: &str, release: &str) -> Option<String> {
        let column = self.releases.iter().position(|r| *r == release)?;
        let mut package = None;
        for cell in self.row(soname)?.split('\t').take(column + 1) {
            package = match cell {
                "" => None,
                "=" => package,
                "-" => Some(customary(soname)),
                "t" => Some(customary(soname) + "t64"),
                name => Some(name.to_owned()),
            };
        }
        // A row ends with its last filled cell.
        let filled = self.row(soname)?.split('\t').count() > column;
        package.filter(|_| filled)
    }

    /// What it means that a release has no package for this library: the table leaves out what
    /// only its own package uses.
    fn absence(&self, soname: &str) -> Has {
        match self.row(soname) {
            Some(_) => Has::Absent,
            None => Has::Unknown,
        }
    }
}

/// The package name that Debian's policy (8.1) gives to a SONAME; the table's `-`.
fn customary(soname: &str) -> String {
    let stem = stem(soname);
    let number = soname.get(stem.len()..).unwrap_or_default();
    let joined = match number.strip_prefix(".so.") {
        Some(number) if stem.ends_with(|c: char| c.is_ascii_digit()) => format!("{stem}-{number}"),
        Some(number) => format!("{stem}{number}"),
        None => match stem.rsplit_once('-') {
            Some((before, after)) => format!("{before}{after}"),
            None => stem.to_owned(),
        },
    };
    joined.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_found() {
        let debian = Debian::read(DEBIAN);
        for line in DEBIAN.lines().skip(1) {
            let (name, cells) = line.split_once('\t').unwrap_or((line, ""));
            assert_eq!(debian.row(name), Some(cells));
        }
        for name in ["", "a", "libz.so.0x", "zzz", "soname"] {
            assert_eq!(debian.row(name), None);
        }
    }

    fn base(id: &str) -> &'static Base {
        bases().iter().find(|base| base.id == id).unwrap()
    }

    fn offers(package: &str) -> Has {
        Has::Offers(package.to_owned())
    }

    #[test]
    fn every_entry_is_whole() {
        assert!(bases().len() >= 20);
        let mut ids: Vec<_> = bases().iter().map(|base| &base.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), bases().len());
        for base in bases() {
            assert!(!base.source.is_empty(), "{} has no source", base.id);
            assert!(["glibc", "musl", "none"].contains(&base.libc.as_str()));
            assert_eq!(base.libc == "none", base.libc_version.is_empty());
            assert!(!base.image.is_empty() && !base.isa.is_empty());
            for soname in &base.absent {
                assert!(!base.sonames.contains(soname), "{}: {soname}", base.id);
            }
        }
    }

    #[test]
    fn debian_names_the_package_of_each_release() {
        assert_eq!(base("debian-11").has("libssl.so.1.1"), Has::Ships);
        assert_eq!(base("debian-12").has("libssl.so.1.1"), Has::Absent);
        assert_eq!(base("debian-12").has("libssl.so.3"), offers("libssl3"));
        assert_eq!(base("debian-13").has("libssl.so.3"), Has::Ships);
        assert_eq!(
            base("debian-12").has("libncurses.so.5"),
            offers("libncurses5")
        );
        assert_eq!(base("debian-13").has("libncurses.so.5"), Has::Absent);
        assert_eq!(base("debian-11").has("libX11.so.6"), offers("libx11-6"));
        assert_eq!(base("debian-13").has("libX11.so.6"), offers("libx11-6"));
        assert_eq!(base("debian-12").has("libbilling.so.3"), Has::Unknown);
    }

    #[test]
    fn the_debian_table_is_in_order() {
        let name = |line: &'static str| line.split('\t').next();
        let names: Vec<_> = TABLE.debian.lines.lines().map(name).collect();
        assert!(names.len() > 5000);
        assert!(names.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_offer_holds_for_the_releases_it_names() {
        assert_eq!(
            base("ubi-8").has("libssl.so.10"),
            offers("compat-openssl10")
        );
        assert_eq!(base("ubi-9").has("libssl.so.10"), Has::Absent);
        assert_eq!(
            base("ubi-9").has("libcrypt.so.1"),
            offers("libxcrypt-compat")
        );
        assert_eq!(base("ubi-9").has("libbilling.so.3"), Has::Unknown);
        assert_eq!(base("centos-7").has("libcrypt.so.1"), Has::Ships);
    }

    #[test]
    fn an_entry_takes_over_what_it_does_not_say() {
        let minimal = base("ubi-9-minimal");
        assert_eq!(minimal.libc_version, "2.34");
        assert_eq!(
            minimal.meets("libstdc++.so.6", "GLIBCXX_3.4.29"),
            Meets::Yes
        );
        assert!(!base("bci-15.7").ended);
        assert!(base("bci-15.6").ended);
        assert!(base("ubi-7").ended);
    }

    #[test]
    fn versions_of_a_family_are_cumulative() {
        let bookworm = base("debian-12");
        assert_eq!(bookworm.meets("libc.so.6", "GLIBC_2.36"), Meets::Yes);
        assert_eq!(bookworm.meets("libm.so.6", "GLIBC_2.38"), Meets::No);
        assert_eq!(
            bookworm.meets("libstdc++.so.6", "GLIBCXX_3.4.9"),
            Meets::Yes
        );
        assert_eq!(bookworm.meets("libstdc++.so.6", "CXXABI_1.3.15"), Meets::No);
        assert_eq!(
            bookworm.meets("libbilling.so.3", "BILL_1.0"),
            Meets::Unknown
        );
        let old = base("debian-11");
        assert_eq!(old.meets("libssl.so.1.1", "OPENSSL_1_1_1"), Meets::Yes);
        assert_eq!(old.meets("libssl.so.1.1", "OPENSSL_1_1_1b"), Meets::No);
    }

    #[test]
    fn a_version_is_its_family_and_a_number() {
        assert_eq!(split_version("GLIBC_2.2.5"), Some(("GLIBC", "2.2.5")));
        assert_eq!(split_version("OPENSSL_1_1_0d"), Some(("OPENSSL", "1_1_0d")));
        assert_eq!(
            split_version("NCURSES6_TINFO_5.0.19991023"),
            Some(("NCURSES6_TINFO", "5.0.19991023"))
        );
        assert_eq!(split_version("GLIBC_PRIVATE"), None);
        assert_eq!(split_version("GLIBC_ABI_DT_RELR"), None);
        assert_eq!(split_version("krb5_3_MIT"), None);
        assert!(number_key("2.10") > number_key("2.9"));
        assert!(number_key("1_1_1b") > number_key("1_1_1"));
        assert_eq!(number_key("99999999999999999999999"), [u64::MAX]);
    }
}
