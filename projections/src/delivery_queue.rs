//! What is due: one row for every message with work left. The rows are moved together with those of `emails`, whose fold says when a message is due;
//! who works on what stands in `ops.delivery_lease`.

use crate::projection::Table;
use crate::{ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{EmailId, KeyId, OrganizationId, SmtpServerId, Timestamp, Transport};
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) const TABLE: Table =
    Table { name: "read.delivery_queue", columns: "organization, email, due_at_us, smtp_server", primary_key: "organization, email" };

const PUT: &str = "INSERT INTO delivery_queue (organization, email, due_at_us, smtp_server)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::uuid[])
    ON CONFLICT (organization, email) DO UPDATE SET due_at_us = EXCLUDED.due_at_us";

const REMOVE: &str = "DELETE FROM delivery_queue q USING unnest($1::uuid[], $2::uuid[]) AS ended (organization, email)
    WHERE q.organization = ended.organization AND q.email = ended.email";

/// Two processes may choose the same rows at the same moment: the second waits for the first one's leases, finds them valid, and gets the rest.
const CLAIM: &str = "WITH due AS MATERIALIZED (
        SELECT q.organization, q.email, q.due_at_us, q.smtp_server FROM read.delivery_queue q
        WHERE q.due_at_us <= $1 AND (q.smtp_server IS NULL OR q.smtp_server <> ALL ($5))
            AND NOT EXISTS (SELECT FROM ops.delivery_lease l WHERE l.email = q.email AND l.expires_at_us > $1)
        ORDER BY q.due_at_us, q.email LIMIT $4
    ), claimed AS (
        INSERT INTO ops.delivery_lease AS l (email, token, expires_at_us) SELECT email, $2, $3 FROM due ORDER BY email
        ON CONFLICT (email) DO UPDATE SET token = EXCLUDED.token, expires_at_us = EXCLUDED.expires_at_us WHERE l.expires_at_us <= $1
        RETURNING email
    )
    SELECT due.*, claimed.email IS NOT NULL AS is_ours FROM due LEFT JOIN claimed USING (email) ORDER BY due_at_us, email";

/// How often a claim that lost everything to others looks again at once.
const CLAIM_ATTEMPTS: usize = 4;

/// A message that this process may work on, for as long as its lease lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDelivery {
    pub organization: OrganizationId,
    pub email: EmailId,
    pub transport: Transport,
    pub due_at: Timestamp,
}

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

/// Takes up to `limit` messages that are due at `now` and that nobody else works on, the longest due first, leaving out servers that have enough to do. No two processes get the same one
/// while its lease lasts.
pub async fn claim(
    client: &ClientWrapper,
    token: Uuid,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
    busy: &[SmtpServerId],
) -> Result<Vec<ClaimedDelivery>, QueryError> {
    let busy: Vec<Uuid> = busy.iter().map(|server| server.0).collect();
    let statement = client.prepare_cached(CLAIM).await?;
    for _ in 0..CLAIM_ATTEMPTS {
        let due = client.query(&statement, &[&now.micros(), &token, &until.micros(), &limit, &busy]).await?;
        let claimed: Vec<_> = due.iter().filter(|row| row.get("is_ours")).map(ClaimedDelivery::read).collect();
        if due.is_empty() || !claimed.is_empty() {
            return Ok(claimed);
        }
    }
    Ok(vec![])
}

impl ClaimedDelivery {
    fn read(row: &Row) -> Self {
        let server: Option<Uuid> = row.get("smtp_server");
        Self {
            organization: OrganizationId(row.get("organization")),
            email: EmailId(row.get("email")),
            transport: server.map_or(Transport::Sandbox, |server| Transport::SmtpServer(SmtpServerId(server))),
            due_at: Timestamp::from_micros(row.get("due_at_us")),
        }
    }
}

/// Ends all claims. Only for a process that knows to be the only one: what others had claimed before died with them.
pub async fn release_everything(client: &ClientWrapper) -> Result<(), QueryError> {
    client.execute("DELETE FROM ops.delivery_lease", &[]).await?;
    Ok(())
}

/// Prolongs the claims on these messages, as far as they are still this token's.
pub async fn renew(client: &ClientWrapper, emails: &[EmailId], token: Uuid, until: Timestamp) -> Result<(), QueryError> {
    let emails: Vec<Uuid> = emails.iter().map(|email| email.0).collect();
    let update = "UPDATE ops.delivery_lease SET expires_at_us = $3 WHERE token = $1 AND email = ANY ($2)";
    client.execute(update, &[&token, &emails, &until.micros()]).await?;
    Ok(())
}

/// Lets a message go. While the projection has not yet seen what was recorded about it, it may be claimed once more: whoever claims asks its
/// stream what is left to do.
pub async fn release(client: &ClientWrapper, email: EmailId, token: Uuid) -> Result<(), QueryError> {
    release_all(client, &[email], token).await
}

pub async fn release_all(client: &ClientWrapper, emails: &[EmailId], token: Uuid) -> Result<(), QueryError> {
    let emails: Vec<Uuid> = emails.iter().map(|email| email.0).collect();
    let statement = client.prepare_cached("DELETE FROM ops.delivery_lease WHERE email = ANY ($1) AND token = $2").await?;
    client.execute(&statement, &[&emails, &token]).await?;
    Ok(())
}

/// When the next message is due; `None` while there is none.
pub async fn next_due_at(client: &ClientWrapper) -> Result<Option<Timestamp>, QueryError> {
    let statement = client.prepare_cached("SELECT due_at_us FROM read.delivery_queue ORDER BY due_at_us LIMIT 1").await?;
    Ok(client.query_opt(&statement, &[]).await?.map(|row| Timestamp::from_micros(row.get(0))))
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
