//! Layers: the first byte chooses the compression.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::layout::layer::{Compression, Limits, read};

fuzz_target!(|data: &[u8]| {
    let Some((&first, archive)) = data.split_first() else {
        return;
    };
    let compression = match first % 3 {
        0 => Compression::None,
        1 => Compression::Gzip,
        _ => Compression::Zstd,
    };
    let limits = Limits {
        bytes: 16 << 20,
        entries: 10_000,
    };
    let _ = read(archive, compression, limits, &mut |_| ());
});
