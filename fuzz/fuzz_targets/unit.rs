//! systemd units, their command lines and specifiers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::unit::{Unit, commands, for_system, unescape, words};

fuzz_target!(|data: &[u8]| {
    let unit = Unit::parse(data);
    for assignment in unit.list("Service", "ExecStart") {
        let _ = commands(&assignment.value);
    }
    let _ = unit.boolean("Service", "PrivateTmp");
    let _ = commands(data);
    let _ = words(data);
    let _ = for_system(data);
    let _ = unescape(&String::from_utf8_lossy(data));
});
