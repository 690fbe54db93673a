//! The day as on which a command judges.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use seaworthy::policy::Day;

/// The day that was given, else that of `SOURCE_DATE_EPOCH`
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), else today.
pub(crate) fn today(given: Option<Day>) -> Result<Day> {
    match given {
        Some(day) => Ok(day),
        None => Ok(Day::of_unix_time(now()?)),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH {text}: not a number of seconds")),
        Err(_) => Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock is before 1970: add --today DAY")?
            .as_secs()),
    }
}
