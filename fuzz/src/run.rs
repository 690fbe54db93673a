//! Gives inputs to a target, and looks that each ends soon, in little memory and without a panic.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::mutate::{Dice, change};
use crate::{Target, corpus};

/// How long one input may take. The readers' own budgets end long before.
pub const LONGEST: Duration = Duration::from_secs(20);

/// How much memory the process may have, in bytes.
pub const MOST: u64 = 1 << 30;

/// What a target did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// How many inputs were kept ones.
    pub seeds: usize,
    /// How many were made of them.
    pub made: usize,
    /// How long the slowest took.
    pub slowest: Duration,
}

/// The input that is being read, and since when.
#[derive(Default)]
struct Now(Mutex<Option<(Instant, Vec<u8>)>>);

impl Now {
    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a target with its seeds, with what was found here before, and for `time` with changes of
/// them. The inputs that are made depend on `seed`.
///
/// # Errors
/// When an input breaks it: in words, with the file that the input was written to. An input that takes
/// too long or too much ends the process, since nothing else ends the thread that reads it.
pub fn run(target: &Target, time: Duration, seed: u64) -> Result<Done, String> {
    let now = Arc::new(Now::default());
    // The watcher ends when this end is dropped.
    let (_end, ended) = mpsc::channel();
    let watched = Arc::clone(&now);
    let name = target.name;
    std::thread::spawn(move || watch(name, &watched, &ended));
    let mut done = Done::default();
    let mut kept = corpus::seeds(target);
    kept.extend(corpus::collected(target));
    for (name, bytes) in &kept {
        one(target, bytes, &now, &mut done).map_err(|told| format!("{name}: {told}"))?;
    }
    done.seeds = kept.len();
    let until = Instant::now() + time;
    let mut dice = Dice::new(seed);
    while Instant::now() < until {
        let mut input = dice
            .one(&kept)
            .map_or_else(Vec::new, |(_, bytes)| bytes.clone());
        let other = dice.one(&kept).map_or(&[][..], |(_, bytes)| bytes);
        change(&mut input, &mut dice, target.words, other);
        one(target, &input, &now, &mut done)?;
        done.made += 1;
    }
    Ok(done)
}

fn one(target: &Target, bytes: &[u8], now: &Now, done: &mut Done) -> Result<(), String> {
    let start = Instant::now();
    *now.lock() = Some((start, bytes.to_vec()));
    let ended = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    *now.lock() = None;
    done.slowest = done.slowest.max(start.elapsed());
    ended.map_err(|_| format!("{} panics on {}", target.name, keep(target.name, bytes)))
}

/// Ends the process when an input takes too long or too much.
fn watch(name: &str, now: &Now, ended: &mpsc::Receiver<()>) {
    while ended.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
        let held = now.lock();
        let Some((start, bytes)) = &*held else {
            continue;
        };
        let what = if start.elapsed() > LONGEST {
            "takes too long"
        } else if memory() > MOST {
            "takes too much memory"
        } else {
            continue;
        };
        eprintln!("{name} {what} on {}", keep(name, bytes));
        std::process::abort();
    }
}

/// Resident memory of this process, in bytes; 0 where nothing tells.
fn memory() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

/// Writes an input where cargo-fuzz writes them, too.
fn keep(name: &str, bytes: &[u8]) -> String {
    let dir = corpus::home().join("artifacts").join(name);
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let file: PathBuf = dir.join(format!("replay-{sum:016x}"));
    let written = fs::create_dir_all(&dir).and_then(|()| fs::write(&file, bytes));
    match written {
        Ok(()) => file.display().to_string(),
        Err(error) => format!("{} bytes that cannot be written: {error}", bytes.len()),
    }
}
