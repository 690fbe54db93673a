//! Loader caches: every name that a cache holds can be looked up, and an answer is one of its
//! paths.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::ld_cache::{Asker, Cache, flags};

fuzz_target!(|data: &[u8]| {
    let subdirs = [b"x86-64-v3".to_vec(), b"x86-64-v2".to_vec()];
    for big_endian in [false, true] {
        let Some(cache) = Cache::read(data.to_vec(), big_endian) else {
            continue;
        };
        // Smaller than the smallest entry none is: a count cannot claim more than the file has.
        assert!(cache.len() <= data.len() / 12);
        let _ = cache.generator();
        for legacy in [false, true] {
            let asker = Asker {
                flags: flags("x86-64"),
                subdirs: &subdirs,
                legacy,
            };
            let _ = cache.lookup(b"libc.so.6", &asker);
            // A cache without order may be searched in vain, but a look-up ends.
            for index in 0..cache.len().min(64) {
                let Some(entry) = cache.entry(index) else {
                    continue;
                };
                if let Some(path) = cache.lookup(entry.name, &asker) {
                    let mut paths = (0..cache.len()).filter_map(|at| cache.entry(at));
                    assert!(paths.any(|entry| entry.path == path));
                }
            }
        }
    }
});
