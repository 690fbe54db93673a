//! Which licences a Debian package is under, from `/usr/share/doc/PACKAGE/copyright`.
//!
//! Most packages follow the machine-readable form (copyright-format 1.0, once DEP-5). Of the
//! others, what shows is to which texts in `/usr/share/common-licenses` they refer, as the Debian
//! Policy Manual, section 12.5, asks them to.

use super::deb822::{Paragraph, paragraphs};

/// The longest name that is taken for one.
const MAX_NAME: usize = 120;

const COMMON: &[u8] = b"/usr/share/common-licenses/";

/// The names of the licences, that of the work as a whole first, each once.
#[must_use]
pub fn licences(text: &[u8]) -> Vec<String> {
    let mut paragraphs = paragraphs(text);
    let Some(first) = paragraphs.next().filter(is_machine_readable) else {
        return common_licences(text);
    };
    let mut names = Vec::new();
    note(&mut names, name(&first));
    let rest: Vec<_> = paragraphs.filter(|p| p.get("Files").is_some()).collect();
    // What no other paragraph names is under the licence of `*`.
    let (all, some): (Vec<_>, Vec<_>) = rest.iter().partition(|p| is_whole(p));
    for paragraph in all.into_iter().chain(some) {
        note(&mut names, name(paragraph));
    }
    names
}

fn is_machine_readable(paragraph: &Paragraph<'_>) -> bool {
    ["Format", "Format-Specification"]
        .iter()
        .any(|field| paragraph.get(field).is_some())
}

fn is_whole(paragraph: &Paragraph<'_>) -> bool {
    let files = paragraph.get("Files").unwrap_or_default();
    files
        .split(u8::is_ascii_whitespace)
        .any(|word| word == b"*")
}

/// The first line of `License`; the text follows on further lines.
fn name(paragraph: &Paragraph<'_>) -> Option<String> {
    paragraph
        .lines("License")
        .next()
        .filter(|name| !name.is_empty() && name.len() <= MAX_NAME)
        .map(|name| String::from_utf8_lossy(name).into_owned())
}

fn note(names: &mut Vec<String>, name: Option<String>) {
    if let Some(name) = name
        && !names.contains(&name)
    {
        names.push(name);
    }
}

fn common_licences(text: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for at in memchr::memmem::find_iter(text, COMMON) {
        let rest = text.get(at + COMMON.len()..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'+')))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        // A full stop ends the sentence.
        let word = word.strip_suffix(b".").unwrap_or(word);
        if !word.is_empty() && word.len() <= MAX_NAME {
            note(&mut names, Some(String::from_utf8_lossy(word).into_owned()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_licence_of_the_whole_comes_first() {
        let text =
            b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
Files: debian/*\nLicense: GPL-2+\n\n\
Files: *\nCopyright: x\nLicense: Expat\n Permission is hereby granted\n\n\
Files: lib/*\nLicense: Expat\n\n\
License: GPL-2+\n The text\n";
        assert_eq!(licences(text), ["Expat", "GPL-2+"]);
    }

    #[test]
    fn the_header_speaks_for_all() {
        let text = b"Format: x\nLicense: GPL-3 or Artistic\n\nFiles: *\nLicense: Expat\n";
        assert_eq!(licences(text), ["GPL-3 or Artistic", "Expat"]);
    }

    #[test]
    fn prose_names_the_texts_it_refers_to() {
        let text = b"This package is free: see /usr/share/common-licenses/GPL-2.\n\
or `/usr/share/common-licenses/Apache-2.0', again /usr/share/common-licenses/GPL-2\n";
        assert_eq!(licences(text), ["GPL-2", "Apache-2.0"]);
        assert!(licences(b"All rights reserved.\n").is_empty());
        assert!(licences(b"").is_empty());
    }
}
