//! The telltale phrases of licence texts and agreements.

use super::licence::Freedom;

/// Phrases that must all be in a text, and what it is then. The first row that fits is taken, so
/// that the narrower stands before the wider. Phrases are in lower case, with single spaces and
/// without quotation marks.
pub(super) const TEXTS: &[(&[&str], Freedom, &str)] = {
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
        (&["ruby is copyrighted free software"], Open, "Ruby"),
        // Notices that name a text instead of holding it.
        (
            &["licensed under the apache license, version 2.0"],
            Open,
            "Apache-2.0",
        ),
        (
            &[
                "gnu affero general public license",
                "free software foundation",
            ],
            Open,
            "AGPL",
        ),
        (
            &[
                "gnu lesser general public license",
                "free software foundation",
            ],
            Open,
            "LGPL",
        ),
        (
            &["gnu general public license", "free software foundation"],
            Open,
            "GPL",
        ),
    ]
};

/// Phrases of end-user agreements: two make one.
pub(super) const AGREEMENT: &[&str] = &[
    "end user license agreement",
    "end-user license agreement",
    "end user licence agreement",
    "software license agreement",
    "licensed, not sold",
    "licenced, not sold",
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
pub(super) const BOUND: &[&str] = &[
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
