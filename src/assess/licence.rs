//! Whether a licence, as a package database states it, is an open one.

/// Beginnings of the names of open licences, as package databases and SPDX write them, lower
/// case. The list errs on the short side: an unknown name makes the grade unknown.
const OPEN: &[&str] = &[
    "0bsd",
    "afl",
    "agpl",
    "apache",
    "artistic",
    "beerware",
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
    "expat",
    "fsf",
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
    "ntp",
    "ofl",
    "openldap",
    "openssh",
    "openssl",
    "perl",
    "php",
    "postgresql",
    "psf",
    "public domain",
    "public-domain",
    "publicdomain",
    "python",
    "ruby",
    "sissl",
    "sleepycat",
    "ssleay",
    "tcl",
    "unlicense",
    "vim",
    "w3c",
    "wtfpl",
    "x11",
    "zlib",
    "zpl",
];

/// Words in the name of a licence that is not an open one, lower case.
const CLOSED: &[&str] = &[
    "commercial",
    "proprietary",
    "non-free",
    "nonfree",
    "non-commercial",
    "noncommercial",
    "-nc",
    "evaluation",
    "eula",
    "all rights reserved",
    "sspl",
    "busl",
    "unredistributable",
];

/// Whether a licence field is that of open software.
///
/// An expression (`GPLv2 and MIT`, RPM and SPDX) is open when all of its parts are known open
/// licences. A list with commas is what a Debian `copyright` file says of its groups of files, the
/// one for all files first; as most authors name the others freely, it is open when the first one
/// or more than half are known, and none has a word for closed software in its name.
pub(super) fn is_open(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    if CLOSED.iter().any(|word| field.contains(word)) {
        return false;
    }
    let entries: Vec<&str> = field
        .split(", ")
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .collect();
    let known = entries.iter().filter(|entry| is_open_expression(entry));
    entries
        .first()
        .is_some_and(|first| is_open_expression(first))
        || known.count().saturating_mul(2) > entries.len()
}

fn is_open_expression(expression: &str) -> bool {
    let expression = expression.replace(['(', ')', ';', '/'], " and ");
    let mut parts = expression
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
            "GPL-2+, Expat, RSA-MD",
            "House-licence, GPL-2+, BSD-3-clause",
        ] {
            assert!(is_open(field), "{field}");
        }
        for field in [
            "",
            "Commercial",
            "GPLv2 and Commercial",
            "GPL-2+, Vendor-EULA",
            "House-licence, GPL-2+",
            "see LICENSE",
        ] {
            assert!(!is_open(field), "{field}");
        }
    }
}
