//! What became of an organisation's mail, day by day: counts of what happened, by the day on which it happened.

use crate::projection::{Projected, Table, decode};
use crate::{Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{Category, Day, EmailEvent, OrganizationId, RecordedEvent};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use uuid::Uuid;

pub static PROJECTION: Projection = Projection {
    name: "delivery_stats",
    version: 1,
    categories: &[Category::Email],
    tables: &[Table {
        name: "read.delivery_stats",
        columns: "organization, day, messages, accepted, suppressed, relayed, delivered, deferred, bounced, in_doubt, abandoned, cancelled",
        primary_key: "organization, day",
    }],
    project,
};

/// Exact because it is in the transaction that moves the bookmark: no event is ever counted twice.
const ADD: &str = "INSERT INTO delivery_stats AS s
        (organization, day, messages, accepted, suppressed, relayed, delivered, deferred, bounced, in_doubt, abandoned, cancelled)
    SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[],
        $11::int8[], $12::int8[])
    ON CONFLICT (organization, day) DO UPDATE SET messages = s.messages + EXCLUDED.messages, accepted = s.accepted + EXCLUDED.accepted,
        suppressed = s.suppressed + EXCLUDED.suppressed, relayed = s.relayed + EXCLUDED.relayed, delivered = s.delivered + EXCLUDED.delivered,
        deferred = s.deferred + EXCLUDED.deferred, bounced = s.bounced + EXCLUDED.bounced, in_doubt = s.in_doubt + EXCLUDED.in_doubt,
        abandoned = s.abandoned + EXCLUDED.abandoned, cancelled = s.cancelled + EXCLUDED.cancelled";

/// Counts of recipients, except `messages`. A recipient ends once: as relayed, delivered, bounced, suppressed, cancelled or abandoned. It may be
/// deferred, or fall into doubt, more than once before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayStats {
    pub messages: i64,
    pub accepted: i64,
    pub suppressed: i64,
    pub relayed: i64,
    pub delivered: i64,
    pub deferred: i64,
    pub bounced: i64,
    pub in_doubt: i64,
    pub abandoned: i64,
    pub cancelled: i64,
}

impl DayStats {
    fn count(&mut self, event: &EmailEvent) {
        let recipients = i64::try_from(event.recipients().len()).unwrap_or(0);
        match event {
            EmailEvent::EmailQueued(_) => {
                self.messages += 1;
                self.accepted += recipients;
            }
            EmailEvent::EmailSuppressed(_) => self.suppressed += recipients,
            EmailEvent::TransmissionStarted(_) => {}
            EmailEvent::EmailRelayed(_) => self.relayed += recipients,
            EmailEvent::EmailDelivered(_) => self.delivered += recipients,
            EmailEvent::EmailDeferred(_) => self.deferred += recipients,
            EmailEvent::EmailBounced(_) => self.bounced += recipients,
            EmailEvent::DeliveryInDoubt(_) => self.in_doubt += recipients,
            EmailEvent::DeliveryAbandoned(_) => self.abandoned += recipients,
            EmailEvent::EmailCancelled(_) => self.cancelled += recipients,
        }
    }

    /// Recipients whose delivery ended, in whatever way.
    pub fn ended(&self) -> i64 {
        self.suppressed + self.relayed + self.delivered + self.bounced + self.abandoned + self.cancelled
    }

    fn read(row: &Row) -> Self {
        Self {
            messages: row.get("messages"),
            accepted: row.get("accepted"),
            suppressed: row.get("suppressed"),
            relayed: row.get("relayed"),
            delivered: row.get("delivered"),
            deferred: row.get("deferred"),
            bounced: row.get("bounced"),
            in_doubt: row.get("in_doubt"),
            abandoned: row.get("abandoned"),
            cancelled: row.get("cancelled"),
        }
    }
}

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        let mut days: BTreeMap<(OrganizationId, Day), DayStats> = BTreeMap::new();
        for event in events {
            let header = &event.header;
            days.entry((header.organization, header.occurred_at.day())).or_default().count(&decode(event)?);
        }
        add(transaction, &days).await
    })
}

async fn add(transaction: &Transaction<'_>, days: &BTreeMap<(OrganizationId, Day), DayStats>) -> Result<(), ProjectionError> {
    let (organizations, numbers): (Vec<Uuid>, Vec<i32>) = days.keys().map(|(organization, day)| (organization.0, day.0)).unzip();
    let column = |count: fn(&DayStats) -> i64| days.values().map(count).collect::<Vec<i64>>();
    let statement = transaction.prepare_cached(ADD).await?;
    transaction
        .execute(
            &statement,
            &[
                &organizations,
                &numbers,
                &column(|day| day.messages),
                &column(|day| day.accepted),
                &column(|day| day.suppressed),
                &column(|day| day.relayed),
                &column(|day| day.delivered),
                &column(|day| day.deferred),
                &column(|day| day.bounced),
                &column(|day| day.in_doubt),
                &column(|day| day.abandoned),
                &column(|day| day.cancelled),
            ],
        )
        .await?;
    Ok(())
}

/// The days from `from` up to and with `to` on which anything happened, oldest first.
pub async fn range(client: &ClientWrapper, organization: OrganizationId, from: Day, to: Day) -> Result<Vec<(Day, DayStats)>, QueryError> {
    let query = "SELECT day, messages, accepted, suppressed, relayed, delivered, deferred, bounced, in_doubt, abandoned, cancelled
        FROM read.delivery_stats WHERE organization = $1 AND day BETWEEN $2 AND $3 ORDER BY day";
    let statement = client.prepare_cached(query).await?;
    let rows = client.query(&statement, &[&organization.0, &from.0, &to.0]).await?;
    Ok(rows.iter().map(|row| (Day(row.get("day")), DayStats::read(row))).collect())
}

/// Recipients whose delivery has not ended, by where they stand now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenRecipients {
    /// Waiting for the first attempt or the next one, or being transmitted.
    pub queued: i64,
    pub in_doubt: i64,
}

/// Counts what is open now. Whatever is open has a row in the delivery queue, so this costs what is open, not what was ever sent.
pub async fn open(client: &ClientWrapper, organization: OrganizationId) -> Result<OpenRecipients, QueryError> {
    let query = "SELECT count(*) FILTER (WHERE state IN ('queued', 'transmitting', 'deferred')) AS queued,
            count(*) FILTER (WHERE state = 'in_doubt') AS in_doubt
        FROM read.delivery_queue q JOIN read.emails e ON e.organization = q.organization AND e.id = q.email CROSS JOIN unnest(e.states) AS state
        WHERE q.organization = $1";
    let statement = client.prepare_cached(query).await?;
    let row = client.query_one(&statement, &[&organization.0]).await?;
    Ok(OpenRecipients { queued: row.get("queued"), in_doubt: row.get("in_doubt") })
}
