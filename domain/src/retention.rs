//! How long an organisation's data is kept. A change decides only when keys of buckets die: no event is ever touched (rows M4.4, M4.5).

use crate::fact::{facts, vocabulary};
use crate::{Day, FiscalYearStart, RequestOrigin, Slot, Timestamp};
use std::ops::RangeInclusive;
use std::time::Duration;

/// For so many days a day's operational data is kept where an organisation chose nothing else.
pub const RETENTION_DAYS_DEFAULT: u16 = 90;
/// What it may choose.
pub const RETENTION_DAYS_ALLOWED: RangeInclusive<u16> = 1..=3650;
/// Technical data of visits is kept for so many days, for everybody (row M1.7).
pub const WEB_DAYS: u16 = 30;
/// A shorter retention takes effect so long after it was decided.
pub const SHORTENING_NOTICE: Duration = Duration::from_secs(7 * 24 * 3600);

vocabulary! {
    /// Why data is kept for longer, or for less long, than before.
    pub enum RetentionChangeGround {
        /// The organisation wants it so.
        OwnChoice,
        /// It has a plan that allows more now.
        PlanUpgraded,
        /// It has a plan that allows less now.
        PlanDowngraded,
    }
    /// Why a bucket's key is destroyed when it is.
    pub enum EndGround {
        Default,
        Extension,
        /// A shorter retention, its notice included.
        Shortening,
        Hold,
        /// Tax and accounting law: not before.
        LegalObligation,
    }
}

facts! {
    /// The keys of days are destroyed later from now on. What was destroyed before stays so.
    pub struct RetentionExtended {
        pub days: u16,
        pub ground: RetentionChangeGround,
        pub effective_at: Timestamp,
        pub origin: Slot<RequestOrigin>,
    }
    /// The keys of days are destroyed earlier, once the notice has run out.
    pub struct RetentionShortened {
        pub days: u16,
        pub ground: RetentionChangeGround,
        pub effective_at: Timestamp,
        pub origin: Slot<RequestOrigin>,
    }
    /// Financial records are kept by years that begin with this month. Those of years before keep their names, and their ends.
    pub struct FiscalYearChosen {
        pub first_month: FiscalYearStart,
        pub origin: Slot<RequestOrigin>,
    }
}

/// How long data is kept, since when, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionTerm {
    pub days: u16,
    pub ground: RetentionChangeGround,
    pub effective_at: Timestamp,
}

/// What an organisation decided about its retention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// `None`: nothing else than the default.
    chosen: Option<RetentionTerm>,
    /// A shortening that was in its notice when the last event was recorded.
    noticed: Option<RetentionTerm>,
}

/// When a bucket's key is due to be destroyed. The sweeper comes by once an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketEnd {
    pub at: Timestamp,
    pub ground: EndGround,
}

impl Retention {
    pub(crate) fn extended(&mut self, event: &RetentionExtended) {
        self.chosen = Some(RetentionTerm { days: event.days, ground: event.ground, effective_at: event.effective_at });
        self.noticed = None;
    }

    pub(crate) fn shortened(&mut self, event: &RetentionShortened, occurred_at: Timestamp) {
        self.chosen = self.term_at(occurred_at);
        self.noticed = Some(RetentionTerm { days: event.days, ground: event.ground, effective_at: event.effective_at });
    }

    /// What holds at a time after the last event; `None` for the default.
    pub fn term_at(&self, time: Timestamp) -> Option<RetentionTerm> {
        self.noticed.filter(|term| term.effective_at <= time).or(self.chosen)
    }

    /// A shortening whose notice runs at that time.
    pub fn upcoming_at(&self, time: Timestamp) -> Option<RetentionTerm> {
        self.noticed.filter(|term| time < term.effective_at)
    }

    /// What was decided last, in force or not yet.
    pub fn decided(&self) -> Option<RetentionTerm> {
        self.noticed.or(self.chosen)
    }

    pub fn days_at(&self, time: Timestamp) -> u16 {
        self.term_at(time).map_or(RETENTION_DAYS_DEFAULT, |term| term.days)
    }

    /// Whether every day ends as it would if nothing had ever been decided.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The last day whose key is due. A day closes at its end, so its youngest data has been kept for the whole term.
    pub fn last_day_due(&self, now: Timestamp) -> Day {
        last_day_due(self.days_at(now), now)
    }

    /// When the key of a day is due, as things stand now.
    pub fn end_of(&self, day: Day, now: Timestamp) -> BucketEnd {
        let days = self.days_at(now);
        let ground = match days {
            days if days > RETENTION_DAYS_DEFAULT => EndGround::Extension,
            days if days < RETENTION_DAYS_DEFAULT => EndGround::Shortening,
            _ => EndGround::Default,
        };
        let end = BucketEnd { at: end_after(day, days), ground };
        let noticed = |term: RetentionTerm| end_after(day, term.days).max(term.effective_at);
        match self.upcoming_at(now).map(noticed) {
            Some(at) if at < end.at => BucketEnd { at, ground: EndGround::Shortening },
            _ => end,
        }
    }
}

/// The last day whose key is due when days are kept for `days`.
pub fn last_day_due(days: u16, now: Timestamp) -> Day {
    Day(now.day().0 - i32::from(days) - 1)
}

/// When a day's key is due when days are kept for `days`.
pub fn end_after(day: Day, days: u16) -> Timestamp {
    Day(day.0 + i32::from(days) + 1).start()
}
