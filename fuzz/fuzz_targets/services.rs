//! The files that name modules which are opened later: none of them panics or takes long.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::{nsswitch, openssl_conf, pam};

fuzz_target!(|bytes: &[u8]| {
    let _ = nsswitch::read(bytes);
    let _ = pam::read(bytes);
    let _ = openssl_conf::read(bytes);
});
