//! Days of the calendar: the last day of an allowance, and the day on which a gate is run.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::value::Datetime;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// The day in UTC on which `seconds` have passed since 1970-01-01 (time(7), "The Epoch").
    /// Days after the year 9999 are taken as its last.
    #[must_use]
    pub fn of_unix_time(seconds: u64) -> Self {
        const YEARS: u64 = 400;
        const DAYS: u64 = 146_097;
        // The calendar repeats after 400 years of 146,097 days; counted from the first of March of
        // the year 0, the leap day is the last day of a year.
        let since = seconds / 86_400 + 719_468;
        let (era, of_era) = (since / DAYS, since % DAYS);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        // From March on, months are 153 days in every five.
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = (from_march + 2) % 12 + 1;
        let year = era * YEARS + year + u64::from(month <= 2);
        let narrow = || {
            Some(Self {
                year: u16::try_from(year).ok().filter(|year| *year < 10_000)?,
                month: u8::try_from(month).ok()?,
                day: u8::try_from(day).ok()?,
            })
        };
        narrow().unwrap_or(Self {
            year: 9_999,
            month: 12,
            day: 31,
        })
    }

    fn of(datetime: Datetime) -> Option<Self> {
        let date = datetime.date?;
        Some(Self {
            year: date.year,
            month: date.month,
            day: date.day,
        })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A text is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no day; write it as 2027-01-31")]
pub struct NoDay(String);

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Self, NoDay> {
        let datetime = Datetime::from_str(text).ok().filter(|d| d.time.is_none());
        datetime
            .and_then(Self::of)
            .ok_or_else(|| NoDay(text.to_owned()))
    }
}

struct DayVisitor;

impl<'de> Visitor<'de> for DayVisitor {
    type Value = Day;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day such as 2027-01-31")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Day, E> {
        text.parse().map_err(E::custom)
    }

    // In this form the TOML reader hands over its dates.
    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Day, M::Error> {
        let datetime = Datetime::deserialize(MapAccessDeserializer::new(map))?;
        Day::of(datetime).ok_or_else(|| M::Error::custom(NoDay(datetime.to_string())))
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DayVisitor)
    }
}

impl schemars::JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // A TOML date has no type of its own in JSON Schema; editors take it for a text.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_time_becomes_a_day() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_599, "2026-12-31"),
            (1_798_761_600, "2027-01-01"),
            (4_107_542_400, "2100-03-01"),
            (u64::MAX, "9999-12-31"),
        ] {
            assert_eq!(Day::of_unix_time(seconds).to_string(), day, "{seconds}");
        }
    }

    #[test]
    fn a_day_is_read_as_a_date_or_as_a_text() {
        #[derive(Deserialize)]
        struct Held {
            until: Day,
        }
        for text in ["until = 2027-01-31", "until = '2027-01-31'"] {
            let held: Held = toml::from_str(text).unwrap();
            assert_eq!(held.until, "2027-01-31".parse().unwrap());
        }
        for text in ["until = 2027", "until = 'soon'", "until = 12:00:00"] {
            assert!(toml::from_str::<Held>(text).is_err(), "{text}");
        }
        assert!("2027-02-30".parse::<Day>().is_err());
        assert!("2026-12-31".parse::<Day>().unwrap() < "2027-01-01".parse().unwrap());
    }
}
