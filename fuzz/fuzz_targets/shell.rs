//! Shell scripts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::shell::{Context, read};

fuzz_target!(|data: &[u8]| {
    let context = Context {
        script: Some(b"/opt/app/bin/run"),
        ..Context::default()
    };
    let _ = read(data, &context);
});
