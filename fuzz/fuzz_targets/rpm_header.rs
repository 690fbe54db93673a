//! The target `rpm_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (seaworthy_fuzz::targets::by_name("rpm_header").run)(data)
);
