//! Whether a licence, as a package database states it, is an open one.

/// Beginnings of the names of open licences, as package databases and SPDX write them, lower
/// case. The list errs on the short side: an unknown name makes the grade unknown.
const OPEN: &[&str] = &[
    "0bsd",
    "afl",
    "agpl",
    "apache",
    "artistic",
    "asl",
    "boost",
    "bsd",
    "bsl-1.0",
    "cc-by",
    "cc0",
    "cddl",
    "cecill",
    "cpl",
    "curl",
    "epl",
    "eupl",
    "gfdl",
    "gpl",
    "gnu ",
    "gplv",
    "hpnd",
    "ijg",
    "ipl",
    "isc",
    "lgpl",
    "libpng",
    "mit",
    "mpl",
    "ncsa",
    "ofl",
    "openldap",
    "openssl",
    "perl",
    "php",
    "postgresql",
    "psf",
    "public domain",
    "publicdomain",
    "python",
    "ruby",
    "sissl",
    "sleepycat",
    "tcl",
    "unlicense",
    "vim",
    "w3c",
    "wtfpl",
    "x11",
    "zlib",
    "zpl",
];

/// Whether every part of a licence field is a known open licence.
pub(super) fn is_open(field: &str) -> bool {
    let field = field
        .to_ascii_lowercase()
        .replace(['(', ')', ',', ';', '/'], " and ");
    let mut parts = field
        .split(" and ")
        .flat_map(|part| part.split(" or "))
        .flat_map(|part| part.split(" with ").take(1))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .peekable();
    parts.peek().is_some() && parts.all(|part| OPEN.iter().any(|name| part.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn a_licence_is_open_when_all_of_its_parts_are() {
        for field in [
            "GPLv2+",
            "MIT",
            "(LGPLv2+ or Artistic) and BSD",
            "Apache-2.0 WITH LLVM-exception",
            "ASL 2.0",
        ] {
            assert!(is_open(field), "{field}");
        }
        for field in ["", "Commercial", "GPLv2 and Commercial", "see LICENSE"] {
            assert!(!is_open(field), "{field}");
        }
    }
}
