//! The target `in_toto`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (seaworthy_fuzz::targets::by_name("in_toto").run)(data));
