//! When a request must be answered (rows M8.8, M8.9, M9.3).

use crate::Timestamp;
use chrono::Months;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Answered within this time at the latest (rows M4.2, M8.8).
pub const ERASURE_DUE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Where a child's data was found (row M9.3).
pub const CHILD_ERASURE_DUE: Duration = Duration::from_secs(72 * 3600);
/// From approval until no living system has the keys.
pub const APPROVED_ERASURE_DUE: Duration = DAY;
/// The record of a case ends so long after nothing is left to certify.
pub const CASE_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The earlier of 30 days and one calendar month after the request. A month that has no such day ends on its last.
pub fn erasure_due(requested_at: Timestamp) -> Timestamp {
    let month = requested_at.to_datetime().checked_add_months(Months::new(1)).map(Timestamp::from);
    month.map_or(requested_at + ERASURE_DUE, |month| month.min(requested_at + ERASURE_DUE))
}

/// How near the end a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Urgency {
    InTime,
    /// Half of the time has passed.
    HalfGone,
    /// Four fifths of it have.
    NearlyDue,
    Overdue,
}

impl Urgency {
    pub const ALL: [Urgency; 4] = [Urgency::InTime, Urgency::HalfGone, Urgency::NearlyDue, Urgency::Overdue];

    pub fn of(requested_at: Timestamp, due_at: Timestamp, now: Timestamp) -> Self {
        let (passed, whole) = (now.since(requested_at), due_at.since(requested_at));
        match now {
            now if now >= due_at => Urgency::Overdue,
            _ if passed * 5 >= whole * 4 => Urgency::NearlyDue,
            _ if passed * 2 >= whole => Urgency::HalfGone,
            _ => Urgency::InTime,
        }
    }
}
