//! How much work one text may cost: a table in one place. Parsers that are not linear in their input count
//! steps and processor time, and look whether the run is to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What one text of a kind may cost. A file of an honest application stays far below: what reaches a
/// bound is told in the coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of what.
    pub kind: &'static str,
    /// Bytes that are read of it.
    pub bytes: usize,
    /// Steps of work; what a step is, its parser says.
    pub steps: u64,
    /// Milliseconds of processor time of the thread that reads it.
    pub millis: u64,
}

/// Programs by syntax tree. A step is a hundred operations of the parser, of which a text needs a few
/// for each byte; where the text is no program it may search long for each of them.
pub const PROGRAM: Budget = Budget {
    kind: "program",
    bytes: 512 << 10,
    steps: 2_000 + (512 << 10) / 8,
    millis: 2_500,
};

/// Tables of cron. A step is an entry; crontab(1) of some systems takes no more than 1000 either.
pub const CRONTAB: Budget = Budget {
    kind: "crontab",
    bytes: 8 << 20,
    steps: 1_000,
    millis: 2_000,
};

/// Settings. A step is a path that a setting names.
pub const SETTINGS: Budget = Budget {
    kind: "settings",
    bytes: 4 << 20,
    steps: 4_000,
    millis: 10_000,
};

/// What a package of dpkg says that it needs. A step is a name.
pub const RELATION: Budget = Budget {
    kind: "dependencies of a package",
    bytes: 1 << 20,
    steps: 20_000,
    millis: 1_000,
};

/// A text database of packages: dpkg's and apk's. A step is a name or a path that is kept: of what
/// packages need and provide, of their settings; hosts have some ten thousand of them.
pub const PACKAGES: Budget = Budget {
    kind: "database of packages",
    bytes: 256 << 20,
    steps: 1_000_000,
    millis: 60_000,
};

/// The files of one package, as its database lists them. A step is a file.
pub const FILES: Budget = Budget {
    kind: "files of a package",
    bytes: 64 << 20,
    steps: 400_000,
    millis: 10_000,
};

/// The classes of a Java program. The bytes are those of one class: methods have at most 64 KiB each, and
/// few classes have many. A step is an instruction, of which each pass over the classes may do so many; the
/// time is that of all passes.
pub const CLASSES: Budget = Budget {
    kind: "classes of a Java program",
    bytes: 2 << 20,
    steps: 4_000_000,
    millis: 30_000,
};

/// Every budget.
pub const BUDGETS: &[Budget] = &[
    PROGRAM, CRONTAB, SETTINGS, RELATION, PACKAGES, FILES, CLASSES,
];

/// Whether the run is to end: whoever asked for it waits for no text to be read to its end.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Ends all work that is metered.
pub fn stop() {
    STOPPED.store(true, Ordering::Relaxed);
}

/// Whether the run is to end.
#[must_use]
pub fn is_stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

/// Counts the work on one text.
#[derive(Debug)]
pub struct Meter {
    left: u64,
    until: Option<Duration>,
    tick: u8,
}

impl Meter {
    /// A meter for a text of which `steps` may be done, at most as many as the budget has.
    #[must_use]
    pub fn new(budget: &Budget, steps: u64) -> Self {
        Self {
            left: steps.min(budget.steps),
            until: Some(spent() + Duration::from_millis(budget.millis)),
            tick: 0,
        }
    }

    /// Whether one more step may be done.
    pub fn step(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.tick = self.tick.wrapping_add(1);
        // Asking for the time costs more than most steps.
        if self.tick.is_multiple_of(8)
            && (is_stopped() || self.until.is_some_and(|end| spent() > end))
        {
            self.left = 0;
        }
        self.left > 0
    }
}

/// The processor time of this thread (clock_gettime(2)): how busy the machine is does not count.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_at_its_steps_and_at_its_time() {
        let mut few = Meter::new(&CRONTAB, 3);
        assert!(few.step() && few.step() && !few.step());
        let none = Budget {
            millis: 0,
            ..PROGRAM
        };
        let mut late = Meter::new(&none, u64::MAX);
        let mut steps = 0_u32;
        while late.step() {
            steps += 1;
            std::hint::black_box((0..10_000).sum::<u64>());
        }
        assert!(steps < 1_000);
        for budget in BUDGETS {
            assert!(
                budget.bytes > 0 && budget.steps > 0 && budget.millis > 0,
                "{}",
                budget.kind
            );
        }
    }
}
