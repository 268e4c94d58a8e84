//! How mail fared, day by day. Nothing personal is counted by name.

use async_graphql::SimpleObject;
use chrono::NaiveDate;
use domain::Day;
use projections::OpenRecipients;

/// How an organization's mail fared.
#[derive(SimpleObject)]
pub(crate) struct DeliveryStats {
    /// Days on which anything happened, oldest first.
    pub days: Vec<DayStats>,
    /// Recipients who wait for an attempt now, or are being sent to.
    pub open_queued: i64,
    /// Recipients whose delivery is in doubt now.
    pub open_in_doubt: i64,
}

/// What happened on one day (UTC). All but `messages` count recipients.
#[derive(SimpleObject)]
pub(crate) struct DayStats {
    /// The day.
    day: NaiveDate,
    /// Messages accepted.
    messages: i64,
    /// Their recipients.
    accepted: i64,
    /// Not mailed, because the organization must not.
    suppressed: i64,
    /// Taken over by a relay.
    relayed: i64,
    /// Taken by the recipient's own server.
    delivered: i64,
    /// Put off.
    deferred: i64,
    /// Refused for good.
    bounced: i64,
    /// Fallen into doubt.
    in_doubt: i64,
    /// Given up.
    abandoned: i64,
    /// Stopped.
    cancelled: i64,
}

impl DeliveryStats {
    pub fn new(days: Vec<(Day, projections::DayStats)>, open: OpenRecipients) -> Self {
        Self { days: days.into_iter().map(DayStats::from).collect(), open_queued: open.queued, open_in_doubt: open.in_doubt }
    }
}

impl From<(Day, projections::DayStats)> for DayStats {
    fn from((day, stats): (Day, projections::DayStats)) -> Self {
        Self {
            day: day.start().to_datetime().date_naive(),
            messages: stats.messages,
            accepted: stats.accepted,
            suppressed: stats.suppressed,
            relayed: stats.relayed,
            delivered: stats.delivered,
            deferred: stats.deferred,
            bounced: stats.bounced,
            in_doubt: stats.in_doubt,
            abandoned: stats.abandoned,
            cancelled: stats.cancelled,
        }
    }
}
