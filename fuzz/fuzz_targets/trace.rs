//! Traces: a log, or two parts of one run where a NUL stands between them.

#![no_main]

use std::io::{Cursor, Read, Result};

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::trace::{Ground, Source, read};
use seaworthy::path::AppPath;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |&b| b == 0);
    let first = parts.next().unwrap_or_default().to_vec();
    let second = parts.next().map(<[u8]>::to_vec);
    let open = |text: &Vec<u8>| -> Result<Box<dyn Read>> { Ok(Box::new(Cursor::new(text.clone()))) };
    let open_first = || open(&first);
    let mut sources = vec![Source {
        name: "log.7".into(),
        open: &open_first,
    }];
    let open_second;
    if let Some(text) = second {
        open_second = move || open(&text);
        sources.push(Source {
            name: "log.8".into(),
            open: &open_second,
        });
    }
    let ground = Ground {
        runs_scripts: |name| name == b"sh",
        top: Some(AppPath::new("/mnt")),
    };
    if let Ok(trace) = read(&sources, &ground) {
        let _ = trace.store.paths();
    }
});
