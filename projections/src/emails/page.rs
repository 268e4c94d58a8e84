//! Pages of an organisation's messages, newest first, with filters.

use super::TABLE;
use super::row::{COLUMNS, EmailRow};
use crate::page::limit;
use crate::word::words;
use crate::{Page, QueryError};
use deadpool_postgres::ClientWrapper;
use domain::{EmailId, EmailStatus, KeyId, LookupValue, OrganizationId, Timestamp};
use std::time::Duration;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// What a message must be like; everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmailFilter {
    /// Any of these; empty: whatever status.
    pub statuses: Vec<EmailStatus>,
    /// To any of the persons whom these keys seal. An empty list (an address that nobody knows) finds nothing.
    pub recipients: Option<Vec<KeyId>>,
    /// With any of these tags. An empty list finds nothing.
    pub tags: Option<Vec<LookupValue>>,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before.
    pub until: Option<Timestamp>,
}

/// An id holds the time when it was drawn, which is before the message was accepted, but not by more than this (a request repeated late keeps
/// its ids). It bounds the part of the index that a time filter reads.
const ID_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Up to `first` messages (at most 100) behind the cursor `after`.
pub async fn page(
    client: &ClientWrapper,
    organization: OrganizationId,
    filter: &EmailFilter,
    first: usize,
    after: Option<EmailId>,
) -> Result<Page<EmailRow>, QueryError> {
    let statuses = words(&filter.statuses);
    let keys: Vec<Uuid> = filter.recipients.iter().flatten().map(|key| key.0).collect();
    let tags: Vec<Uuid> = filter.tags.iter().flatten().map(|tag| Uuid::from_bytes(tag.0)).collect();
    let (since, until) = (filter.since.map(Timestamp::micros), filter.until.map(Timestamp::micros));
    let bounds = IdBounds::of(filter, after);
    let limit = limit(first);
    let mut query = Query::new(&organization.0);
    query.given(Some(&bounds.below), "e.id <");
    query.given(bounds.from.as_ref(), "e.id >=");
    query.given((!statuses.is_empty()).then_some(&statuses), "e.status = ANY");
    query.given(since.as_ref(), "e.created_at_us >=");
    query.given(until.as_ref(), "e.created_at_us <");
    query.lookup(filter.recipients.as_ref().map(|_| &keys), "read.email_recipient", "key_id");
    query.lookup(filter.tags.as_ref().map(|_| &tags), "read.email_tag", "tag");
    let statement = client.prepare_cached(&query.text(&limit)).await?;
    let rows = client.query(&statement, &query.parameters).await?;
    Ok(Page::cut(rows.iter().map(EmailRow::read).collect::<Result<_, _>>()?, first))
}

/// A statement made of fixed pieces, one for each filter that is used, so that each combination has a plan of its own.
struct Query<'a> {
    conditions: String,
    parameters: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> Query<'a> {
    /// The organisation is always the first parameter.
    fn new(organization: &'a Uuid) -> Self {
        Self { conditions: "e.organization = $1".to_owned(), parameters: vec![organization] }
    }

    fn given(&mut self, value: Option<&'a (impl ToSql + Sync)>, condition: &str) {
        if let Some(value) = value {
            self.parameters.push(value);
            self.conditions.push_str(&format!(" AND {condition} (${})", self.parameters.len()));
        }
    }

    /// Found by a key in a side table.
    fn lookup(&mut self, values: Option<&'a Vec<Uuid>>, table: &str, column: &str) {
        if let Some(values) = values {
            self.parameters.push(values);
            let number = self.parameters.len();
            self.conditions.push_str(&format!(
                " AND e.id IN (SELECT l.email FROM {table} l WHERE l.organization = $1 AND l.{column} = ANY (${number}))"
            ));
        }
    }

    fn text(&mut self, limit: &'a i64) -> String {
        self.parameters.push(limit);
        format!("SELECT {COLUMNS} FROM {TABLE} e WHERE {} ORDER BY e.id DESC LIMIT ${}", self.conditions, self.parameters.len())
    }
}

/// The ids among which the page can lie.
struct IdBounds {
    below: Uuid,
    from: Option<Uuid>,
}

impl IdBounds {
    fn of(filter: &EmailFilter, after: Option<EmailId>) -> Self {
        let until = filter.until.map_or(Uuid::max(), |until| first_id_at(until + ID_AGE_MAX));
        let below = after.map_or(until, |after| after.0.min(until));
        Self { below, from: filter.since.map(|since| first_id_at(since - ID_AGE_MAX)) }
    }
}

/// The smallest UUIDv7 of that time.
fn first_id_at(time: Timestamp) -> Uuid {
    let millis = u64::try_from(time.micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
