//! Moments of the past, as arguments name them.

use crate::call::Call;
use crate::graphql::code::{Code, internal};
use crate::graphql::connection::{cursor, parse_cursor};
use crate::position_token::PositionToken;
use async_graphql::{Error, Result};
use chrono::{DateTime, Utc};
use domain::{Aggregate, OrganizationId, Position, Timestamp};
use history::{HistoryError, Moment, Past};

/// The moment that is meant; `None` for the present. It is looked at only when the caller may read, so that an error tells nothing of others' things.
pub(crate) async fn moment(
    call: &Call,
    organization: OrganizationId,
    time: Option<DateTime<Utc>>,
    position: Option<PositionToken>,
) -> Result<Option<Moment>> {
    let moment = match (time, position) {
        (None, None) => return Ok(None),
        (Some(time), None) => Moment::Time(Timestamp::from(time)),
        (None, Some(token)) => Moment::Position(call.state.position_of(token).await?),
        (Some(_), Some(_)) => return Err(Code::BadUserInput.error("a moment is a time or a position, not both")),
    };
    call.state.history.check(organization, moment).await.map_err(refused)?;
    Ok(Some(moment))
}

/// A page of what there was at a moment, as the read model's rows. Its cursors are places in the log.
pub(crate) struct Listed<R> {
    pub places: Vec<String>,
    pub rows: Vec<R>,
    pub has_next: bool,
    pub has_previous: bool,
}

/// Up to `first` things behind the cursor `after`, newest first. What has no row (it was never complete) is left out.
pub(crate) async fn list<A: Aggregate, R>(
    call: &Call,
    organization: OrganizationId,
    moment: Moment,
    (first, after): (usize, Option<&str>),
    keep: impl Fn(&A) -> bool,
    row: impl Fn(Past<A>) -> Option<(Position, R)>,
) -> Result<Listed<R>> {
    let before = parse_cursor(after)?.map(Position::from_bytes);
    let page = call.state.history.list(organization, moment, first, before, keep).await.map_err(refused)?;
    let (places, rows): (Vec<Position>, Vec<R>) = page.things.into_iter().filter_map(row).unzip();
    let places = places.into_iter().map(|place| cursor(&place.to_bytes())).collect();
    Ok(Listed { places, rows, has_next: page.next.is_some(), has_previous: before.is_some() })
}

/// As an error of a resolver.
pub(crate) fn refused(error: HistoryError) -> Error {
    match error {
        HistoryError::Future => Code::AsOfInFuture.error("the moment is in the future"),
        HistoryError::BeforeBeginning => Code::AsOfBeforeBeginning.error("the moment is before the organization's beginning"),
        HistoryError::Backwards => Code::BadUserInput.error("`from` is after `to`"),
        HistoryError::TooMuch => Code::LimitExceeded.error("too much happened between the two moments; choose a shorter span"),
        fault @ (HistoryError::NoState | HistoryError::Undecodable { .. } | HistoryError::Read(_)) => internal(fault),
    }
}
