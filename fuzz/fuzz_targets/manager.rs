//! The target `manager`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (seaworthy_fuzz::targets::by_name("manager").run)(data));
