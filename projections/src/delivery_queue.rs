//! What is due: one row for every message with work left. The rows are moved together with those of `emails`, whose fold says when a message is due;
//! who works on what stands in `ops.delivery_lease` (see [`claim`](claim::claim)).

mod claim;
mod pause;

pub use claim::{ClaimedDelivery, Room, Round, claim, release, release_all, release_everything, renew};
pub use pause::{Pause, Waiting, pause, paused, resume, waiting};

use crate::projection::Table;
use crate::{ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{EmailId, KeyId, OrganizationId, SmtpServerId, Timestamp};
use uuid::Uuid;

pub(crate) const TABLE: Table =
    Table { name: "read.delivery_queue", columns: "organization, email, due_at_us, smtp_server", primary_key: "organization, email" };

const PUT: &str = "INSERT INTO delivery_queue (organization, email, due_at_us, smtp_server)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::uuid[])
    ON CONFLICT (organization, email) DO UPDATE SET due_at_us = EXCLUDED.due_at_us";

const REMOVE: &str = "DELETE FROM delivery_queue q USING unnest($1::uuid[], $2::uuid[]) AS ended (organization, email)
    WHERE q.organization = ended.organization AND q.email = ended.email";

/// A message that is due at another time than before; `None`: never again.
pub(crate) struct QueueChange {
    pub organization: OrganizationId,
    pub email: EmailId,
    pub due_at: Option<Timestamp>,
    pub smtp_server: Option<SmtpServerId>,
}

pub(crate) async fn write(transaction: &Transaction<'_>, changes: &[QueueChange]) -> Result<(), ProjectionError> {
    let (due, ended): (Vec<&QueueChange>, Vec<&QueueChange>) = changes.iter().partition(|change| change.due_at.is_some());
    if !due.is_empty() {
        let (organizations, emails) = keys(&due);
        let times: Vec<Option<i64>> = due.iter().map(|change| change.due_at.map(|time| time.micros())).collect();
        let servers: Vec<Option<Uuid>> = due.iter().map(|change| change.smtp_server.map(|server| server.0)).collect();
        let statement = transaction.prepare_cached(PUT).await?;
        transaction.execute(&statement, &[&organizations, &emails, &times, &servers]).await?;
    }
    if !ended.is_empty() {
        let (organizations, emails) = keys(&ended);
        let statement = transaction.prepare_cached(REMOVE).await?;
        transaction.execute(&statement, &[&organizations, &emails]).await?;
    }
    Ok(())
}

fn keys(changes: &[&QueueChange]) -> (Vec<Uuid>, Vec<Uuid>) {
    changes.iter().map(|change| (change.organization.0, change.email.0)).unzip()
}

/// How many messages have work left: due now, and later.
pub async fn depth(client: &ClientWrapper, now: Timestamp) -> Result<(i64, i64), QueryError> {
    let statement = client
        .prepare_cached("SELECT count(*) FILTER (WHERE due_at_us <= $1), count(*) FILTER (WHERE due_at_us > $1) FROM read.delivery_queue")
        .await?;
    let row = client.query_one(&statement, &[&now.micros()]).await?;
    Ok((row.get(0), row.get(1)))
}

/// The messages with work left that go (also) to the person whom these keys seal.
pub async fn of_recipient(client: &ClientWrapper, organization: OrganizationId, keys: &[KeyId]) -> Result<Vec<EmailId>, QueryError> {
    let keys: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
    let statement = client
        .prepare_cached(
            "SELECT DISTINCT q.email FROM read.email_recipient r JOIN read.delivery_queue q USING (organization, email)
            WHERE r.organization = $1 AND r.key_id = ANY ($2) ORDER BY q.email",
        )
        .await?;
    Ok(client.query(&statement, &[&organization.0, &keys]).await?.iter().map(|row| EmailId(row.get(0))).collect())
}
