//! Saved reports, through every manifest.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy::manifest::{Input, Storage, TARGETS, make};
use seaworthy::report::Report;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice(data) else {
        return;
    };
    let Ok(report) = Report::from_json(value) else {
        return;
    };
    let input = Input {
        report: &report,
        image: None,
        start: None,
        content: None,
        secrets: false,
        parts: None,
        storage: Storage::Directories,
    };
    let targets: Vec<_> = TARGETS.iter().collect();
    let _ = make(&input, &targets);
});
