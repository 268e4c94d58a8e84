//! Who works on what: a process claims messages that are due, keeps its claims alive, and lets them go.
//!
//! Claims are working state: one that a crash of the database undoes lets two processes meet at one message, and the message's own stream decides
//! between them. So none of these statements waits for the disk.

use crate::QueryError;
use deadpool_postgres::ClientWrapper;
use domain::{EmailId, OrganizationId, SmtpServerId, Timestamp, Transport};
use tokio_postgres::Row;
use uuid::Uuid;

/// Servers looked at by one claim at most; the next one goes on behind them.
const SERVERS_MAX: i64 = 256;
/// How often a claim looks again at once, when it found nothing among those servers or lost everything to others.
const CLAIM_ATTEMPTS: usize = 8;

/// The rows of one route that are due and that nobody works on, the longest due first.
macro_rules! due_by {
    ($route:literal) => {
        concat!(
            "SELECT q.organization, q.email, q.due_at_us, q.smtp_server FROM read.delivery_queue q WHERE ",
            $route,
            " AND q.due_at_us <= $1 AND NOT EXISTS (SELECT FROM ops.delivery_lease l WHERE l.email = q.email AND l.expires_at_us > $1)
            ORDER BY q.due_at_us, q.email LIMIT $5"
        )
    };
}

/// Goes from server to server by index, so that what waits for a server that has enough to do costs nothing, however much it is. Two processes may
/// choose the same rows at the same moment: the second waits for the first one's leases, finds them valid, and gets the rest.
const CLAIM: &str = concat!(
    "WITH RECURSIVE servers AS (
        (SELECT smtp_server FROM read.delivery_queue WHERE smtp_server > $7 ORDER BY smtp_server LIMIT 1)
        UNION ALL
        SELECT next.smtp_server FROM servers CROSS JOIN LATERAL (
            SELECT q.smtp_server FROM read.delivery_queue q WHERE q.smtp_server > servers.smtp_server ORDER BY q.smtp_server LIMIT 1) next
    ), probed AS MATERIALIZED (SELECT smtp_server FROM servers LIMIT $8
    ), due AS MATERIALIZED (
        SELECT * FROM (
            SELECT by_server.* FROM probed CROSS JOIN LATERAL (",
    due_by!("q.smtp_server = probed.smtp_server"),
    ") by_server WHERE probed.smtp_server <> ALL ($6)
            UNION ALL
            (",
    due_by!("q.smtp_server IS NULL"),
    ")) by_route WHERE NOT EXISTS (SELECT FROM ops.delivery_pause WHERE resumed_at_us IS NULL)
        ORDER BY due_at_us, email LIMIT $4
    ), claimed AS (
        INSERT INTO ops.delivery_lease AS l (email, token, expires_at_us)
        SELECT email, $2, $3 FROM (SELECT set_config('synchronous_commit', 'off', true)) later, due ORDER BY email
        ON CONFLICT (email) DO UPDATE SET token = EXCLUDED.token, expires_at_us = EXCLUDED.expires_at_us WHERE l.expires_at_us <= $1
        RETURNING email
    )
    SELECT last_probed.smtp_server AS last_probed, due.*, claimed.email IS NOT NULL AS is_ours
    FROM (SELECT (SELECT smtp_server FROM probed OFFSET $8 - 1) AS smtp_server) last_probed
    LEFT JOIN due ON true LEFT JOIN claimed USING (email) ORDER BY due_at_us, email"
);

/// A message that this process may work on, for as long as its lease lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDelivery {
    pub organization: OrganizationId,
    pub email: EmailId,
    pub transport: Transport,
    pub due_at: Timestamp,
}

/// How much a process can take on.
pub struct Room<'a> {
    pub messages: usize,
    /// Of these for one server.
    pub per_server: usize,
    /// Servers that have enough to do.
    pub busy: &'a [SmtpServerId],
}

/// Where among the servers the next claim begins, when there are more than one claim looks at.
#[derive(Default)]
pub struct Round {
    after: Uuid,
}

/// Takes messages that are due at `now` and that nobody else works on, the longest due first. No two processes get the same one while its lease
/// lasts, until `until`. Nobody gets any while deliveries are [paused](super::pause()).
pub async fn claim(
    client: &ClientWrapper,
    token: Uuid,
    now: Timestamp,
    until: Timestamp,
    room: &Room<'_>,
    round: &mut Round,
) -> Result<Vec<ClaimedDelivery>, QueryError> {
    let busy: Vec<Uuid> = room.busy.iter().map(|server| server.0).collect();
    let [messages, per_server] = [room.messages, room.per_server].map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let statement = client.prepare_cached(CLAIM).await?;
    let mut from_the_first = round.after.is_nil();
    for _ in 0..CLAIM_ATTEMPTS {
        let rows = client
            .query(&statement, &[&now.micros(), &token, &until.micros(), &messages, &per_server, &busy, &round.after, &SERVERS_MAX])
            .await?;
        // Nothing behind the last one: from the first again.
        round.after = rows.first().and_then(|row| row.get("last_probed")).unwrap_or_default();
        let due: Vec<&Row> = rows.iter().filter(|row| row.get::<_, Option<Uuid>>("email").is_some()).collect();
        let claimed: Vec<_> = due.iter().filter(|row| row.get("is_ours")).map(|row| ClaimedDelivery::read(row)).collect();
        if !claimed.is_empty() || due.is_empty() && round.after.is_nil() && from_the_first {
            return Ok(claimed);
        }
        from_the_first |= round.after.is_nil();
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
    let delete = "DELETE FROM ops.delivery_lease USING (SELECT set_config('synchronous_commit', 'off', true)) later
        WHERE email = ANY ($1) AND token = $2";
    let statement = client.prepare_cached(delete).await?;
    client.execute(&statement, &[&emails, &token]).await?;
    Ok(())
}
