//! The reader of secrets, in every manner.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::knowledge::{Manner, readable, secrets_in, spans};

fuzz_target!(|data: &[u8]| {
    let Some(text) = readable(data) else { return };
    for manner in [Manner::Settings, Manner::Shell, Manner::Code, Manner::Notes] {
        for hit in secrets_in(manner, &text) {
            assert!(hit.at.start < hit.at.end);
        }
    }
    let _ = spans(&text);
});
