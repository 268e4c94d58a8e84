//! Suppressions, statistics and histories.

use crate::call::Call;
use crate::graphql::code::{Code, internal};
use crate::graphql::connection::{parse_cursor, size};
use crate::graphql::objects::{
    AccountAction, AccountActionConnection, DeliveryStats, Suppression, SuppressionConnection, reader, suppression_place,
};
use async_graphql::Result;
use chrono::{NaiveDate, NaiveTime};
use domain::{Day, OrganizationId, Position, Timestamp, UserId};
use projections::{HistoryRange, account_history, delivery_stats, suppressions};

const STATS_DAYS: i32 = 30;
const STATS_DAYS_MAX: i32 = 400;

pub(super) async fn suppressions(
    call: &Call,
    organization: OrganizationId,
    first: Option<i32>,
    after: Option<String>,
) -> Result<SuppressionConnection> {
    let first = size(first)?;
    let after = parse_cursor(after.as_deref())?.map(suppression_place);
    let behind = after.is_some();
    let page = suppressions::page(&*reader(call).await?, organization, first, after).await.map_err(internal)?;
    Suppression::page(call, page, behind).await
}

pub(super) async fn delivery_stats(
    call: &Call,
    organization: OrganizationId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<DeliveryStats> {
    let to = to.map_or_else(|| call.state.clock.now().day(), day);
    let from = from.map_or(Day(to.0.saturating_sub(STATS_DAYS)), day);
    if to.0.saturating_sub(from.0) > STATS_DAYS_MAX {
        return Err(Code::BadUserInput.error("`from` and `to` are at most 400 days apart"));
    }
    let client = reader(call).await?;
    let days = delivery_stats::range(&client, organization, from, to).await.map_err(internal)?;
    let open = delivery_stats::open(&client, organization).await.map_err(internal)?;
    Ok(DeliveryStats::new(days, open))
}

fn day(date: NaiveDate) -> Day {
    Timestamp::from(date.and_time(NaiveTime::MIN).and_utc()).day()
}

pub(super) async fn history_of_user(
    call: &Call,
    user: UserId,
    until: Option<Timestamp>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<AccountActionConnection> {
    let (first, before) = (size(first)?, parse_cursor(after.as_deref())?.map(Position::from_bytes));
    let range = HistoryRange { before, until };
    let page = account_history::of_user(&*reader(call).await?, user, first, range).await.map_err(internal)?;
    AccountAction::page(call, page, before.is_some()).await
}

pub(super) async fn history_of_organization(
    call: &Call,
    organization: OrganizationId,
    until: Option<Timestamp>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<AccountActionConnection> {
    let (first, before) = (size(first)?, parse_cursor(after.as_deref())?.map(Position::from_bytes));
    let range = HistoryRange { before, until };
    let page = account_history::of_organization(&*reader(call).await?, organization, first, range).await.map_err(internal)?;
    AccountAction::page(call, page, before.is_some()).await
}
