//! The target `ld_conf`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (seaworthy_fuzz::targets::by_name("ld_conf").run)(data));
