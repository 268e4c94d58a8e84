//! Fiscal years, by which financial records are kept: named by the month in which they end, so that a year keeps its name when the next one begins elsewhere.

use crate::{Day, Fact, Timestamp};
use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Financial records are kept for so many years after the end of their fiscal year (row M4.3).
pub const FINANCIAL_YEARS: u32 = 7;

/// The month, 1 to 12, with whose first day (UTC) an organisation's fiscal year begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct FiscalYearStart(u8);

impl Default for FiscalYearStart {
    /// The calendar year.
    fn default() -> Self {
        Self(1)
    }
}

impl Fact for FiscalYearStart {
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "integer", "minimum": 1, "maximum": 12 })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a month is a number from 1 to 12")]
pub struct MonthError;

impl TryFrom<u8> for FiscalYearStart {
    type Error = MonthError;
    fn try_from(month: u8) -> Result<Self, MonthError> {
        if (1..=12).contains(&month) { Ok(Self(month)) } else { Err(MonthError) }
    }
}

impl From<FiscalYearStart> for u8 {
    fn from(start: FiscalYearStart) -> Self {
        start.0
    }
}

impl FiscalYearStart {
    /// The fiscal year in which the day lies.
    pub fn year_of(self, day: Day) -> FiscalYear {
        let date = date_of(day);
        let months_to_end = (u32::from(self.0) + 11 - date.month()) % 12;
        FiscalYear::ending_with(date + Months::new(months_to_end))
    }
}

/// A fiscal year: the year and the month in which it ends, as 202612.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FiscalYear(pub i32);

impl FiscalYear {
    fn ending_with(date: NaiveDate) -> Self {
        Self(date.year() * 100 + i32::try_from(date.month()).expect("there are twelve months"))
    }

    /// The first day after it.
    pub fn end(self) -> Day {
        day_of(self.first_of_last_month() + Months::new(1))
    }

    /// The first day that can lie in it. A year that was cut short, since the next began elsewhere, has fewer.
    pub fn beginning(self) -> Day {
        day_of(self.first_of_last_month() - Months::new(11))
    }

    /// When its records are not kept any more.
    pub fn records_end_at(self) -> Timestamp {
        day_of(self.first_of_last_month() + Months::new(1 + 12 * FINANCIAL_YEARS)).start()
    }

    /// The last year whose records are not kept any more.
    pub fn last_due(today: Day) -> Self {
        // A month is over when the next one has begun.
        Self::ending_with(date_of(today) - Months::new(1 + 12 * FINANCIAL_YEARS))
    }

    /// The years that share a day with those from `from` to `until`: all from the first to the second.
    pub fn touching(from: Day, until: Day) -> (Self, Self) {
        (Self::ending_with(date_of(from)), Self::ending_with(date_of(until) + Months::new(11)))
    }

    fn first_of_last_month(self) -> NaiveDate {
        let month = u32::try_from(self.0.rem_euclid(100)).unwrap_or(1).clamp(1, 12);
        NaiveDate::from_ymd_opt(self.0.div_euclid(100), month, 1).unwrap_or(NaiveDate::MAX - TimeDelta::days(10_000))
    }
}

fn date_of(day: Day) -> NaiveDate {
    day.start().to_datetime().date_naive()
}

fn day_of(date: NaiveDate) -> Day {
    let days = (date - DateTime::<Utc>::UNIX_EPOCH.date_naive()).num_days();
    Day(i32::try_from(days).unwrap_or(i32::MAX))
}
