//! Messages: one, or a page of those that fit a filter.

use super::{EmailFilter, TagFilter, readable};
use crate::call::Call;
use crate::graphql::code::{Code, internal};
use crate::graphql::connection::{parse_cursor, size};
use crate::graphql::objects::{Email, EmailBatch, EmailConnection, reader};
use async_graphql::Result;
use commands::TAG_LOOKUP;
use domain::{Category, Class, Day, EmailAddress, EmailId, KeyId, LookupValue, OrganizationId, Position, Timestamp};
use projections::emails;
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
