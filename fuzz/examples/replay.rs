//! Replays seeds and corpora on any toolchain, and searches with changes of them.
//!
//! `replay [--seconds N] [--seed N] [TARGET…]` runs targets, all of them by default; `replay --write
//! [TARGET…]` writes the seeds where cargo-fuzz looks for them; `replay --list` names the targets.

use std::process::ExitCode;
use std::time::Duration;

use seaworthy_fuzz::{TARGETS, corpus, run, targets};

fn main() -> ExitCode {
    let (mut seconds, mut seed, mut writes, mut names) = (0, 1, false, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse().ok());
        match arg.as_str() {
            "--seconds" => seconds = number().expect("--seconds wants a number"),
            "--seed" => seed = number().expect("--seed wants a number"),
            "--write" => writes = true,
            "--list" => {
                for target in TARGETS {
                    println!("{:12} {}", target.name, target.reads);
                }
                return ExitCode::SUCCESS;
            }
            _ => names.push(arg),
        }
    }
    let chosen: Vec<_> = match &names[..] {
        [] => TARGETS.iter().collect(),
        names => names.iter().map(|name| targets::by_name(name)).collect(),
    };
    let mut failed = false;
    for target in chosen {
        let told = if writes {
            let written = corpus::write(target).map_err(|error| error.to_string());
            written.map(|count| format!("{count} seeds written"))
        } else {
            run::run(target, Duration::from_secs(seconds), seed).map(|done| format!("{done:?}"))
        };
        failed |= told.is_err();
        println!("{:12} {}", target.name, told.unwrap_or_else(|wrong| wrong));
    }
    ExitCode::from(u8::from(failed))
}
