//! The day as on which a command judges.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use seaworthy::policy::Day;

/// The day that was given, else that of `SOURCE_DATE_EPOCH`
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), else today.
pub(crate) fn reproducible(given: Option<Day>) -> Result<Day> {
    match given {
        Some(day) => Ok(day),
        None => Ok(Day::of_unix_time(now()?)),
    }
}

/// The day that was given, else today. `SOURCE_DATE_EPOCH` does not count: it is set to make builds
/// repeatable, and an old one would make trust that has expired hold.
pub(crate) fn trusted(given: Option<Day>) -> Result<Day> {
    match given {
        Some(day) => Ok(day),
        None => Ok(Day::of_unix_time(clock()?)),
    }
}

/// Seconds since 1970 by `SOURCE_DATE_EPOCH`, else by the clock.
pub(crate) fn now() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH {text}: not a number of seconds")),
        Err(_) => clock(),
    }
}

fn clock() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.context("the clock is before 1970: add --today DAY")?;
    Ok(since.as_secs())
}
