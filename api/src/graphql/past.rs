//! Moments of the past, as arguments name them.

use crate::call::Call;
use crate::graphql::code::{Code, internal};
use crate::position_token::PositionToken;
use async_graphql::{Error, Result};
use chrono::{DateTime, Utc};
use domain::{OrganizationId, Timestamp};
use history::{HistoryError, Moment};

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
