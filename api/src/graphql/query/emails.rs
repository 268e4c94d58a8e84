//! Messages: one, or a page of those that fit a filter.

use super::{EmailFilter, TagFilter, readable};
use crate::call::Call;
use crate::graphql::code::{Code, internal};
use crate::graphql::connection::{parse_cursor, size};
use crate::graphql::objects::{Email, EmailBatch, EmailConnection, reader};
use crate::graphql::past;
use crate::position_token::PositionToken;
use async_graphql::Result;
use chrono::{DateTime, Utc};
use commands::TAG_LOOKUP;
use domain::{Category, Class, Day, EmailAddress, EmailId, KeyId, LookupValue, OrganizationId, Position, Timestamp};
use history::Past;
use projections::{EmailRecipientRow, EmailRow, emails};
use uuid::Uuid;

/// A label is looked for this many days back; no log is kept longer by default.
const TAG_DAYS: i32 = 90;
/// Where a filter says since when, its days are looked through, but not more than these.
const TAG_DAYS_MAX: i32 = 400;

pub(super) async fn by_id(call: &Call, id: &str, position: Option<Position>) -> Result<Option<Email>> {
    let Some(node) = readable(call, Category::Email, id).await? else { return Ok(None) };
    let id = EmailId(node.id);
    let batch = EmailBatch::of_ids(node.organization, vec![id], position);
    let exists = batch.row(call, id).await?.is_some();
    Ok(exists.then(|| Email::all_of(batch)).and_then(|mut emails| emails.pop()))
}

/// As it was at a moment; `None` when it was not there yet.
pub(super) async fn by_id_as_of(
    call: &Call,
    id: &str,
    time: Option<DateTime<Utc>>,
    position: Option<PositionToken>,
) -> Result<Option<Email>> {
    let Some(node) = readable(call, Category::Email, id).await? else { return Ok(None) };
    let moment = past::moment(call, node.organization, time, position).await?.unwrap_or_else(|| call.state.history.now());
    let past = call.state.history.as_of(node.organization, node.id, moment).await.map_err(past::refused)?;
    let batch = past.and_then(row_as_of).map(|row| EmailBatch::as_of(row, moment));
    Ok(batch.and_then(|batch| Email::all_of(batch).pop()))
}

/// As the read model would have shown it.
fn row_as_of(past: Past<domain::Email>) -> Option<EmailRow> {
    let Past { stream, state, version, .. } = past;
    let queued = state.queued?;
    let recipients = (0..).zip(queued.recipients).zip(&state.delivery.states);
    Some(EmailRow {
        organization: stream.organization,
        id: EmailId(stream.id),
        created_at: queued.queued_at,
        scheduled_at: state.delivery.scheduled_at,
        status: state.delivery.status(),
        attempts: state.delivery.attempts,
        due_at: state.delivery.due_at,
        size_bytes: queued.size_bytes,
        transport: queued.transport,
        interface: queued.interface,
        actor: queued.queued_by,
        sender: queued.sender,
        recipients: recipients
            .map(|((number, recipient), state)| EmailRecipientRow {
                number,
                field: recipient.field,
                state: *state,
                details: recipient.details,
            })
            .collect(),
        version,
    })
}

pub(super) async fn page(
    call: &Call,
    organization: OrganizationId,
    filter: EmailFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<EmailConnection> {
    let first = size(first)?;
    let after = parse_cursor(after.as_deref())?.map(|bytes| EmailId(Uuid::from_bytes(bytes)));
    let filter = translate(call, organization, filter).await?;
    let page = emails::page(&*reader(call).await?, organization, &filter, first, after).await.map_err(internal)?;
    Ok(Email::page(organization, page, after.is_some()))
}

/// Addresses and labels stand nowhere in clear: they are turned into what stands for them.
async fn translate(call: &Call, organization: OrganizationId, filter: EmailFilter) -> Result<projections::EmailFilter> {
    let (since, until) = (filter.since.map(Timestamp::from), filter.until.map(Timestamp::from));
    let recipients = match &filter.recipient {
        Some(address) => Some(keys_of(call, organization, address).await?),
        None => None,
    };
    let tags = match &filter.tag {
        Some(tag) => Some(lookups(call, organization, tag, since, until).await?),
        None => None,
    };
    let statuses = filter.status.unwrap_or_default().into_iter().map(Into::into).collect();
    Ok(projections::EmailFilter { statuses, recipients, tags, since, until })
}

async fn keys_of(call: &Call, organization: OrganizationId, address: &str) -> Result<Vec<KeyId>> {
    let address: EmailAddress = address.parse().map_err(|_| Code::BadUserInput.error("`recipient` is not an address"))?;
    let key = call.state.vault.find_recipient(organization, Class::Ops, &address.normalized()).await.map_err(internal)?;
    Ok(key.into_iter().collect())
}

/// What stands for a label on each of the days that come into question.
async fn lookups(
    call: &Call,
    organization: OrganizationId,
    tag: &TagFilter,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<LookupValue>> {
    let last = until.unwrap_or(Timestamp::from_micros(i64::MAX)).min(call.state.clock.now()).day().0;
    let first = since.map_or(last - TAG_DAYS, |since| since.day().0).max(last - TAG_DAYS_MAX);
    let days: Vec<Day> = (first..=last).map(Day).collect();
    let data = [tag.name.as_bytes(), tag.value.as_bytes()];
    let found = call.state.vault.existing_fingerprints(organization, &days, TAG_LOOKUP, &data).await.map_err(internal)?;
    let lookup = |fingerprint: [u8; 32]| LookupValue(*fingerprint.first_chunk().expect("an HMAC is longer than 16 bytes"));
    Ok(found.into_iter().flatten().map(lookup).collect())
}
