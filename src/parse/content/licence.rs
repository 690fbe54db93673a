//! Licence texts, end-user agreements and licence files that bind a program to a host.

use super::terms::{AGREEMENT, BOUND, TEXTS};

/// How much of a text is looked at: the longest of the known texts has 35 KiB.
pub const LIMIT: usize = 128 << 10;

/// How free the use is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freedom {
    /// Open source.
    Open,
    /// Proprietary.
    Proprietary,
    /// Proprietary, and bound to a host, a dongle or a count.
    Restrictive,
}

/// A licence that was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Licence {
    /// How free it is.
    pub freedom: Freedom,
    /// The identifier of the SPDX licence list, or a name.
    pub name: &'static str,
}

/// Whether a file of this name is worth reading for a licence.
#[must_use]
pub fn is_candidate(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&name, word).is_some();
    let code = [
        &b".py"[..],
        b".js",
        b".java",
        b".class",
        b".c",
        b".h",
        b".php",
        b".rb",
        b".tid",
        b".png",
        b".svg",
    ];
    (has(b"licen") || has(b"copying") || has(b"eula") || is_key_file(&name) || has(b"unlicense"))
        && !code.iter().any(|end| name.ends_with(end))
}

/// Whether a name is one of files that unlock a program.
#[must_use]
pub fn is_key_file(name: &[u8]) -> bool {
    let name = &name.to_ascii_lowercase()[..];
    [&b".lic"[..], b".v2c", b".c2v", b".licx", b".lcf"]
        .iter()
        .any(|end| name.ends_with(end))
        || name == b"lservrc"
}

/// Programs that hand out licences on a network or watch a dongle, by name.
#[must_use]
pub fn is_daemon(name: &[u8]) -> bool {
    matches!(
        name,
        b"lmgrd"
            | b"lmadmin"
            | b"lmutil"
            | b"rlm"
            | b"rlmutil"
            | b"aksusbd"
            | b"hasplmd"
            | b"hasplm"
            | b"lserv"
            | b"elmd"
            | b"i4lmd"
            | b"sntlsrvrl"
            | b"winehasp"
    )
}

/// Recognises a licence in a file of that name; nothing where it is of no known form.
#[must_use]
pub fn recognise(name: &[u8], text: &[u8]) -> Option<Licence> {
    let text = &text[..text.len().min(LIMIT)];
    if let Some(name) = lock(name, text) {
        return Some(Licence {
            freedom: Freedom::Restrictive,
            name,
        });
    }
    let plain = plain(text);
    let has = |phrase: &&str| memchr::memmem::find(plain.as_bytes(), phrase.as_bytes()).is_some();
    if let Some((_, freedom, name)) = TEXTS.iter().find(|(all, _, _)| all.iter().all(has)) {
        return Some(Licence {
            freedom: *freedom,
            name,
        });
    }
    let agreements = AGREEMENT.iter().filter(|phrase| has(phrase)).count();
    let is_bound = BOUND.iter().any(has);
    // One phrase of an agreement alone is also found in what others write about agreements.
    if agreements == 0 || agreements == 1 && !is_bound {
        return None;
    }
    let freedom = if is_bound {
        Freedom::Restrictive
    } else {
        Freedom::Proprietary
    };
    Some(Licence {
        freedom,
        name: "EULA",
    })
}

/// Lower case, runs of what is neither letter, digit nor punctuation as one space, without marks
/// of quotation and comment, so that a phrase is found across lines and in markup.
fn plain(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut tag = false;
    for &byte in text {
        match byte {
            b'<' => tag = true,
            b'>' if tag => tag = false,
            _ if tag => {}
            b'"' | b'\'' | b'`' | b'#' | b'*' | b';' if !out.is_empty() => {}
            b'!'..=b'~' => out.push(char::from(byte.to_ascii_lowercase())),
            _ if out.ends_with(' ') => {}
            _ => out.push(' '),
        }
        // A `<` that closes nowhere near is no markup.
        if tag && byte == b'\n' {
            tag = false;
        }
    }
    out
}

/// Files that bind a program to a host: FlexNet's (License Administration Guide, "License File
/// Format"), RLM's, Sentinel's, and others that name a host and an end.
fn lock(name: &[u8], text: &[u8]) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if lower == b"lservrc" {
        return Some("Sentinel licence file");
    }
    let has = |needle: &[u8]| memchr::memmem::find(text, needle).is_some();
    if has(b"<hasp_info") || has(b"<sentinel_ldk") || has(b"<haspscope") {
        return Some("Sentinel licence file");
    }
    let (mut flex, mut rlm) = (false, false);
    for line in text.split(|&b| b == b'\n').take(2000) {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let count = words.clone().count();
        let second = words.nth(1).unwrap_or_default();
        match first {
            // INCREMENT feature vendor version date count …
            b"INCREMENT" | b"FEATURE" => flex |= count >= 5,
            // SERVER host hostid [port]
            b"SERVER" => flex |= (2..=4).contains(&count) && is_host_id(second),
            // LICENSE isv product version date count … / HOST name hostid port
            b"LICENSE" => rlm |= count >= 5 && memchr::memmem::find(line, b"sig=").is_some(),
            b"HOST" => rlm |= (2..=3).contains(&count) && is_host_id(second),
            _ => {}
        }
    }
    if flex {
        return Some("FlexNet licence file");
    }
    if rlm {
        return Some("RLM licence file");
    }
    if !is_key_file(&lower) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let bound = [
        &b"hostid"[..],
        b"host_id",
        b"host-id",
        b"macaddr",
        b"mac=",
        b"node",
        b"machine",
        b"serial",
        b"expir",
        b"dongle",
    ];
    let signed = [&b"sign"[..], b"key", b"hash", b"checksum"];
    let has = |words: &[&[u8]]| {
        words
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
    };
    (has(&bound) && has(&signed)).then_some("licence file")
}

/// A host in FlexNet's sense: a hardware address, `ANY`, or `KIND=…`.
fn is_host_id(word: &[u8]) -> bool {
    let hex = word.iter().filter(|b| **b != b':' && **b != b'-');
    matches!(word, b"ANY" | b"DEMO" | b"any" | b"this_host")
        || word.contains(&b'=')
        || (8..=17).contains(&word.len()) && hex.clone().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: &str) -> Option<(Freedom, &'static str)> {
        recognise(name.as_bytes(), text.as_bytes()).map(|found| (found.freedom, found.name))
    }

    #[test]
    fn known_texts_are_found_across_lines_and_marks() {
        let gpl = "		    GNU GENERAL PUBLIC LICENSE\n		       Version 2, June 1991\n";
        assert_eq!(of("COPYING", gpl), Some((Freedom::Open, "GPL-2.0")));
        let apache = "                Apache License\n           Version 2.0, January 2004\n";
        assert_eq!(of("LICENSE", apache), Some((Freedom::Open, "Apache-2.0")));
        let html = "<h1>GNU <b>General</b> Public License</h1> <p>Version 3, 29 June 2007</p>";
        assert_eq!(of("l.html", html), Some((Freedom::Open, "GPL-3.0")));
        let bsd = "Redistribution and use in source and binary forms, with\n * or without";
        assert_eq!(of("LICENSE", bsd), Some((Freedom::Open, "BSD-2-Clause")));
        assert_eq!(of("LICENSE", "see the file COPYING"), None);
    }

    #[test]
    fn an_agreement_is_proprietary_and_restrictive_when_it_binds() {
        let eula = "END USER LICENSE AGREEMENT\nYou may not decompile the Software.\n";
        assert_eq!(of("EULA", eula), Some((Freedom::Proprietary, "EULA")));
        let bound = format!("{eula}It may run on a single\ncomputer only.");
        assert_eq!(of("EULA", &bound), Some((Freedom::Restrictive, "EULA")));
        assert_eq!(of("LICENSE", "You may not decompile."), None);
        let counted = "Licensed, not sold, for use on the\nnumber of processors named there.";
        assert_eq!(of("LICENSE", counted), Some((Freedom::Restrictive, "EULA")));
    }

    #[test]
    fn licence_files_bind_to_a_host() {
        let flex = "SERVER lic1 001122334455 27000\nVENDOR acmed\n\
                    FEATURE app acmed 1.0 31-dec-2030 1 SIGN=00\n";
        assert_eq!(
            of("license.dat", flex),
            Some((Freedom::Restrictive, "FlexNet licence file"))
        );
        let rlm = "HOST lic1 001122334455 5053\nISV acme\n\
                   LICENSE acme app 1.0 permanent uncounted hostid=ANY sig=\"x\"\n";
        assert_eq!(
            of("a.lic", rlm),
            Some((Freedom::Restrictive, "RLM licence file"))
        );
        let own = "customer=A\nhostid=1234\nexpires=never\nsignature=zz\n";
        assert_eq!(
            of("app.lic", own),
            Some((Freedom::Restrictive, "licence file"))
        );
        assert_eq!(of("notes.txt", own), None);
        assert_eq!(of("n", "SERVER is a word\nFEATURE list of the app\n"), None);
    }

    #[test]
    fn candidates_are_texts_about_licences() {
        for name in [
            "LICENSE.txt",
            "COPYING",
            "Eula.rtf",
            "app.lic",
            "3rd-party-licenses",
        ] {
            assert!(is_candidate(name.as_bytes()), "{name}");
        }
        for name in ["license.py", "License.class", "public.key", "README"] {
            assert!(!is_candidate(name.as_bytes()), "{name}");
        }
    }
}
