//! The target `typescript`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (seaworthy_fuzz::targets::by_name("typescript").run)(data)
);
