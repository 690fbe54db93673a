//! ELF files: whatever the bytes are, reading ends, and what is read is no larger than they are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::parse::elf::{Elf, imports, verify};

fuzz_target!(|data: &[u8]| {
    let head = &data[..data.len().min(4096)];
    let Ok(elf) = Elf::read(head, &data) else {
        return;
    };
    let _ = elf.form();
    let _ = verify(&elf.header.abi(), head, true);
    let text = |bytes: &[u8]| assert!(bytes.len() <= data.len());
    if let Some(interp) = &elf.interp {
        text(interp);
    }
    let Some(dynamic) = &elf.dynamic else {
        return;
    };
    dynamic.needed().for_each(text);
    for path in [&dynamic.soname, &dynamic.rpath, &dynamic.runpath] {
        path.iter().for_each(|path| text(path));
    }
    // Each entry stands in the file; a table may be named more than once, but not without end.
    assert!(dynamic.asks.len() <= data.len() / 8 + 1);
    assert!(dynamic.needs.len() <= data.len() + 1);
    imports(&elf, head, &data, |import| text(import.name));
});
