//! Licence texts, end-user agreements and licence files that bind a program to a host.

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

/// Phrases that must all be in a text, and what it is then. The first row that fits is taken, so
/// that the narrower stands before the wider. Phrases are in lower case, with single spaces and
/// without quotation marks.
const TEXTS: &[(&[&str], Freedom, &str)] = {
    use Freedom::{Open, Proprietary};
    &[
        (&["business source license 1.1"], Proprietary, "BUSL-1.1"),
        (
            &["server side public license version 1"],
            Proprietary,
            "SSPL-1.0",
        ),
        (&["elastic license 2.0"], Proprietary, "Elastic-2.0"),
        (
            &["commons clause license condition"],
            Proprietary,
            "Commons-Clause",
        ),
        (
            &["gnu affero general public license version 3, 19 november 2007"],
            Open,
            "AGPL-3.0",
        ),
        (
            &["gnu lesser general public license version 3, 29 june 2007"],
            Open,
            "LGPL-3.0",
        ),
        (
            &["gnu lesser general public license version 2.1, february 1999"],
            Open,
            "LGPL-2.1",
        ),
        (
            &["gnu library general public license version 2, june 1991"],
            Open,
            "LGPL-2.0",
        ),
        (
            &["gnu general public license version 3, 29 june 2007"],
            Open,
            "GPL-3.0",
        ),
        (
            &["gnu general public license version 2, june 1991"],
            Open,
            "GPL-2.0",
        ),
        (
            &["gnu general public license version 1, february 1989"],
            Open,
            "GPL-1.0",
        ),
        (&["gnu free documentation license version 1."], Open, "GFDL"),
        (
            &["apache license version 2.0, january 2004"],
            Open,
            "Apache-2.0",
        ),
        (
            &["apache software license, version 1.1"],
            Open,
            "Apache-1.1",
        ),
        (
            &["mozilla public license", "version 2.0", "exhibit a"],
            Open,
            "MPL-2.0",
        ),
        (&["mozilla public license version 1.1"], Open, "MPL-1.1"),
        (&["eclipse public license - v 2.0"], Open, "EPL-2.0"),
        (&["eclipse public license - v 1.0"], Open, "EPL-1.0"),
        (
            &["common development and distribution license"],
            Open,
            "CDDL-1.0",
        ),
        (&["european union public licen", "v. 1.2"], Open, "EUPL-1.2"),
        (&["the artistic license 2.0"], Open, "Artistic-2.0"),
        (&["the artistic license", "preamble"], Open, "Artistic-1.0"),
        (&["boost software license - version 1.0"], Open, "BSL-1.0"),
        (
            &["this is free and unencumbered software released into the public domain"],
            Open,
            "Unlicense",
        ),
        (&["cc0 1.0 universal"], Open, "CC0-1.0"),
        (&["sil open font license version 1.1"], Open, "OFL-1.1"),
        (
            &["python software foundation license version 2"],
            Open,
            "Python-2.0",
        ),
        (&["the php license, version 3.01"], Open, "PHP-3.01"),
        (
            &["do what the fuck you want to public license"],
            Open,
            "WTFPL",
        ),
        (&["universal permissive license"], Open, "UPL-1.0"),
        (
            &[
                "permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a written agreement",
            ],
            Open,
            "PostgreSQL",
        ),
        (
            &[
                "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
            ],
            Open,
            "ISC",
        ),
        (
            &[
                "permission to use, copy, modify, and distribute this software for any purpose with or without fee",
            ],
            Open,
            "ISC",
        ),
        (
            &[
                "permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files",
            ],
            Open,
            "MIT",
        ),
        (
            &[
                "redistribution and use in source and binary forms",
                "all advertising materials mentioning features",
            ],
            Open,
            "BSD-4-Clause",
        ),
        (
            &[
                "redistribution and use in source and binary forms",
                "endorse or promote products",
            ],
            Open,
            "BSD-3-Clause",
        ),
        (
            &["redistribution and use in source and binary forms"],
            Open,
            "BSD-2-Clause",
        ),
        (
            &["altered source versions must be plainly marked as such"],
            Open,
            "Zlib",
        ),
    ]
};

/// Phrases of end-user agreements: two make one.
const AGREEMENT: &[&str] = &[
    "end user license agreement",
    "end-user license agreement",
    "end user licence agreement",
    "software license agreement",
    "non-exclusive, non-transferable",
    "nonexclusive, nontransferable",
    "non-transferable license",
    "reverse engineer",
    "decompile",
    "disassemble",
    "proprietary and confidential",
    "confidential and proprietary",
    "evaluation license",
    "by installing",
    "do not agree to the terms",
    "you may not rent, lease",
    "licensor retains all",
    "maintenance and support fees",
    "export control laws",
];

/// Phrases that bind the use to a machine or a count.
const BOUND: &[&str] = &[
    "designated computer",
    "designated machine",
    "designated server",
    "host id",
    "hostid",
    "licensed server",
    "named user",
    "node-locked",
    "node locked",
    "number of cores",
    "number of processors",
    "per core",
    "per processor",
    "per socket",
    "license key",
    "licence key",
    "single computer",
    "single machine",
    "dongle",
    "hardware key",
];

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
    if AGREEMENT
        .iter()
        .copied()
        .filter(|phrase| has(phrase))
        .count()
        < 2
    {
        return None;
    }
    let freedom = if BOUND.iter().any(has) {
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
