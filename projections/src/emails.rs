//! Messages and the fate of each of their recipients: one row a message, folded with the aggregate's own code.

mod page;
mod row;
mod work;
mod write;

pub use page::{EmailFilter, page};
pub use row::{EmailRecipientRow, EmailRow};

use crate::projection::{Projected, Table, decode};
use crate::{Projection, QueryError, delivery_queue};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{Category, EmailEvent, EmailId, KeyId, OrganizationId, RecordedEvent};
use row::COLUMNS;
use uuid::Uuid;
use work::Work;

pub(crate) const TABLE: &str = "read.emails";

pub static PROJECTION: Projection = Projection {
    name: "emails",
    version: 1,
    categories: &[Category::Email],
    tables: &[
        Table {
            name: TABLE,
            columns: "organization, id, created_at_us, scheduled_at_us, size_bytes, event_id, smtp_server, actor_id, version, due_at_us, \
                      first_due_at_us, attempts, sender_slot, interface, actor, status, states, fields, slots, sealed",
            primary_key: "organization, id",
        },
        Table { name: "read.email_recipient", columns: "organization, key_id, email", primary_key: "organization, key_id, email" },
        Table { name: "read.email_tag", columns: "organization, tag, email", primary_key: "organization, tag, email" },
        delivery_queue::TABLE,
    ],
    project,
};

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        let mut decoded = Vec::with_capacity(events.len());
        for event in events {
            decoded.push((*event, decode::<EmailEvent>(event)?));
        }
        let mut work = Work::load(transaction, &decoded).await?;
        for (recorded, event) in &decoded {
            work.apply(recorded, event)?;
        }
        write::write(transaction, &work).await?;
        delivery_queue::write(transaction, &work.queue_changes()).await
    })
}

/// `None`: the organisation has no such message.
pub async fn by_id(client: &ClientWrapper, organization: OrganizationId, id: EmailId) -> Result<Option<EmailRow>, QueryError> {
    Ok(by_ids(client, organization, &[id]).await?.pop())
}

/// All messages that went (also) to the person whom these keys seal.
pub async fn of_recipient(client: &ClientWrapper, organization: OrganizationId, keys: &[KeyId]) -> Result<Vec<EmailId>, QueryError> {
    let keys: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
    let select = "SELECT DISTINCT email FROM read.email_recipient WHERE organization = $1 AND key_id = ANY ($2)";
    let statement = client.prepare_cached(select).await?;
    Ok(client.query(&statement, &[&organization.0, &keys]).await?.iter().map(|row| EmailId(row.get(0))).collect())
}

/// Messages that are finished while their body still lies in the spool, as a crash between the two leaves them, among the `count` bodies behind `after`.
/// The second value is where the next look begins; `None`: from the start.
pub async fn finished_with_body(
    client: &ClientWrapper,
    after: EmailId,
    count: usize,
) -> Result<(Vec<EmailId>, Option<EmailId>), QueryError> {
    let select = "SELECT s.email, e.id IS NOT NULL AS finished
        FROM (SELECT email, organization FROM spool.entry WHERE email > $1 AND NOT captured ORDER BY email LIMIT $2) s
        LEFT JOIN read.emails e ON e.organization = s.organization AND e.id = s.email AND e.due_at_us IS NULL ORDER BY s.email";
    let statement = client.prepare_cached(select).await?;
    let rows = client.query(&statement, &[&after.0, &i64::try_from(count).unwrap_or(i64::MAX)]).await?;
    let last = rows.last().filter(|_| rows.len() == count).map(|row| EmailId(row.get("email")));
    Ok((rows.iter().filter(|row| row.get("finished")).map(|row| EmailId(row.get("email"))).collect(), last))
}

/// Those of the messages that exist, in no particular order.
pub async fn by_ids(client: &ClientWrapper, organization: OrganizationId, ids: &[EmailId]) -> Result<Vec<EmailRow>, QueryError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLE} e WHERE organization = $1 AND id = ANY ($2)")).await?;
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    client.query(&statement, &[&organization.0, &ids]).await?.iter().map(EmailRow::read).collect()
}
