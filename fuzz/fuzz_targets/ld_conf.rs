//! Loader configuration, and its patterns against names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::ld_conf::{Line, glob, read};

fuzz_target!(|data: &[u8]| {
    let names: [&[u8]; 4] = [b"", b"base.conf", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b".x"];
    for line in read(data) {
        match line {
            Line::Dir(dir) => assert!(dir.starts_with(b"/") && dir.len() <= data.len()),
            Line::Include(pattern) => {
                assert!(pattern.len() <= data.len());
                for name in names {
                    let _ = glob(&pattern, name);
                }
            }
        }
    }
    let middle = data.iter().position(|&b| b == 0).unwrap_or(data.len());
    let (pattern, name) = data.split_at(middle);
    let _ = glob(pattern, name.get(1..).unwrap_or_default());
});
