//! The databases of dpkg.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::dpkg;

fuzz_target!(|data: &[u8]| {
    let _ = dpkg::status(data);
    let _ = dpkg::diversions(data);
    let _ = dpkg::overrides(data);
});
