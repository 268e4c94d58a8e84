//! How long things are kept, and what is held.

use super::{Outcome, acting, call, payload, token};
use crate::call::{Call, Denied, Need};
use crate::graphql::objects::{Hold, HoldGround, Organization, RetentionChangeGround};
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use commands::{RequestHold, SetRetention};
use domain::{Category, Day, FiscalYearStart, HoldId, HoldRefusal, HoldTarget, OrganizationId, OrganizationRefusal, Position, Timestamp};

/// For how long operational data shall be kept.
#[derive(InputObject)]
struct SetRetentionInput {
    /// Whose. You need not say it when you have one organization.
    organization: Option<ID>,
    /// So many days after a day has closed, the key to its data is destroyed: 1 to 3650.
    days: u32,
    /// Why it changes.
    #[graphql(default_with = "RetentionChangeGround::OwnChoice")]
    ground: RetentionChangeGround,
}

/// By which years the books are kept.
#[derive(InputObject)]
struct ChooseFiscalYearInput {
    /// Whose. You need not say it when you have one organization.
    organization: Option<ID>,
    /// The month, 1 to 12, with which your fiscal year begins.
    first_month: u8,
}

/// The organization with its new retention.
#[derive(Default, SimpleObject)]
struct SetRetentionPayload {
    /// The organization.
    organization: Option<Organization>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// The organization with its new fiscal year.
#[derive(Default, SimpleObject)]
struct ChooseFiscalYearPayload {
    /// The organization.
    organization: Option<Organization>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Days whose data shall not be destroyed for now.
#[derive(InputObject)]
struct RequestHoldInput {
    /// Whose. You need not say it when you have one organization.
    organization: Option<ID>,
    /// The first day (UTC).
    first_day: NaiveDate,
    /// The last day.
    last_day: NaiveDate,
    /// Why.
    ground: HoldGround,
    /// When it ends at the latest; within two years.
    expires_at: DateTime<Utc>,
}

/// A hold that somebody asked for.
#[derive(InputObject)]
struct ApproveHoldInput {
    /// The hold.
    hold: ID,
}

/// A hold that shall end.
#[derive(InputObject)]
struct ReleaseHoldInput {
    /// The hold.
    hold: ID,
}

macro_rules! hold_payloads {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Default, SimpleObject)]
        struct $name {
            /// The hold.
            hold: Option<Hold>,
            /// Where it is recorded.
            position: Option<PositionToken>,
            /// What is wrong with the input.
            user_errors: Vec<UserError>,
        }

        impl $name {
            fn answer(outcome: std::result::Result<(Hold, PositionToken), Outcome>) -> Result<Self> {
                let done = outcome.map(|(hold, position)| Self { hold: Some(hold), position: Some(position), user_errors: vec![] });
                payload(done, |user_errors| Self { user_errors, ..Default::default() })
            }
        }
    )*};
}

hold_payloads! {
    /// The hold, which waits for two approvals.
    RequestHoldPayload,
    /// The hold with your approval.
    ApproveHoldPayload,
    /// The ended hold.
    ReleaseHoldPayload,
}

#[derive(Default)]
pub(super) struct RetentionMutation;

#[Object]
impl RetentionMutation {
    /// Keeps operational data for longer, at once, or for less long, after a notice of seven days. Owners and admins may do so. What is destroyed already stays so.
    async fn set_retention(&self, context: &Context<'_>, input: SetRetentionInput) -> Result<SetRetentionPayload> {
        payload(set_retention(context, input).await, |user_errors| SetRetentionPayload { user_errors, ..Default::default() })
    }

    /// Keeps financial records by another fiscal year from now on. Owners and admins may do so.
    async fn choose_fiscal_year(&self, context: &Context<'_>, input: ChooseFiscalYearInput) -> Result<ChooseFiscalYearPayload> {
        payload(choose_fiscal_year(context, input).await, |user_errors| ChooseFiscalYearPayload { user_errors, ..Default::default() })
    }

    /// Asks that nothing of some days is destroyed for a while. It begins when two owners or admins have approved it.
    async fn request_hold(&self, context: &Context<'_>, input: RequestHoldInput) -> Result<RequestHoldPayload> {
        RequestHoldPayload::answer(request_hold(context, input).await)
    }

    /// Approves a hold. With the second person's approval it begins.
    async fn approve_hold(&self, context: &Context<'_>, input: ApproveHoldInput) -> Result<ApproveHoldPayload> {
        ApproveHoldPayload::answer(approve_hold(context, input).await)
    }

    /// Ends a hold, or takes back what was asked for. What is due is destroyed soon afterwards.
    async fn release_hold(&self, context: &Context<'_>, input: ReleaseHoldInput) -> Result<ReleaseHoldPayload> {
        ReleaseHoldPayload::answer(release_hold(context, input).await)
    }
}

async fn set_retention(context: &Context<'_>, input: SetRetentionInput) -> Result<SetRetentionPayload, Outcome> {
    let call = call(context);
    let organization = acting(call, &input.organization, Need::Administer).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    // More than fits is out of range too.
    let request = SetRetention { days: u16::try_from(input.days).unwrap_or(u16::MAX), ground: input.ground.into() };
    let position = call.state.commands.set_retention(&by, request).await.map_err(refused)?;
    let (organization, position) = (Some(Organization::at(organization, position)), Some(token(call, position).await?));
    Ok(SetRetentionPayload { organization, position, user_errors: vec![] })
}

async fn choose_fiscal_year(context: &Context<'_>, input: ChooseFiscalYearInput) -> Result<ChooseFiscalYearPayload, Outcome> {
    let call = call(context);
    let organization = acting(call, &input.organization, Need::Administer).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let first_month = FiscalYearStart::try_from(input.first_month).map_err(|_| UserError::at("firstMonth", Code::MonthInvalid))?;
    let position = call.state.commands.choose_fiscal_year(&by, first_month).await.map_err(refused)?;
    let (organization, position) = (Some(Organization::at(organization, position)), Some(token(call, position).await?));
    Ok(ChooseFiscalYearPayload { organization, position, user_errors: vec![] })
}

fn refused(failure: commands::Failure<OrganizationRefusal>) -> Outcome {
    Outcome::of(failure, |refusal| {
        vec![match refusal {
            OrganizationRefusal::NotOpen => UserError::at("organization", Code::NotFound),
            OrganizationRefusal::RetentionOutOfRange => UserError::at("days", Code::RetentionOutOfRange),
        }]
    })
}

async fn request_hold(context: &Context<'_>, input: RequestHoldInput) -> Result<(Hold, PositionToken), Outcome> {
    let call = call(context);
    let organization = acting(call, &input.organization, Need::Administer).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let target = HoldTarget::Days { from: day(input.first_day), until: day(input.last_day) };
    let request = RequestHold { target, ground: input.ground.into(), expires_at: input.expires_at.into() };
    let (hold, position) = call.state.commands.request_hold(&by, request).await.map_err(hold_refused)?;
    answer(call, organization, hold, position).await
}

async fn approve_hold(context: &Context<'_>, input: ApproveHoldInput) -> Result<(Hold, PositionToken), Outcome> {
    let call = call(context);
    let (organization, hold) = named_hold(call, &input.hold).await?;
    let approver = call.person().map_err(Outcome::denied)?.user;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let position = call.state.commands.approve_hold(&by, hold, approver).await.map_err(hold_refused)?;
    answer(call, organization, hold, position).await
}

async fn release_hold(context: &Context<'_>, input: ReleaseHoldInput) -> Result<(Hold, PositionToken), Outcome> {
    let call = call(context);
    let (organization, hold) = named_hold(call, &input.hold).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let position = call.state.commands.release_hold(&by, hold).await.map_err(hold_refused)?;
    answer(call, organization, hold, position).await
}

/// Somebody else's hold is none.
async fn named_hold(call: &Call, id: &ID) -> Result<(OrganizationId, HoldId), Outcome> {
    let unknown = || Outcome::from(UserError::at("hold", Code::NotFound));
    call.request(OrganizationId::PLATFORM).map_err(Outcome::denied)?;
    let node = NodeId::parse_as(Category::Hold, id.as_str()).ok_or_else(unknown)?;
    match call.allow(node.organization, Need::Administer).await {
        Ok(organization) => Ok((organization, HoldId(node.id))),
        Err(Denied::NoSuchOrganization) => Err(unknown()),
        Err(denied) => Err(Outcome::denied(denied)),
    }
}

async fn answer(call: &Call, organization: OrganizationId, hold: HoldId, position: Position) -> Result<(Hold, PositionToken), Outcome> {
    let unknown = || Outcome::from(UserError::at("hold", Code::NotFound));
    let found = Hold::since(call, organization, hold, position).await?.ok_or_else(unknown)?;
    Ok((found, token(call, position).await?))
}

fn hold_refused(failure: commands::Failure<HoldRefusal>) -> Outcome {
    Outcome::of(failure, |refusal| {
        vec![match refusal {
            HoldRefusal::DaysInvalid => UserError::at("lastDay", Code::DaysInvalid),
            HoldRefusal::ExpiryInvalid => UserError::at("expiresAt", Code::ExpiryInvalid),
            HoldRefusal::NotFound | HoldRefusal::NothingToHold => UserError::at("hold", Code::NotFound),
            HoldRefusal::Ended => UserError::at("hold", Code::HoldEnded),
        }]
    })
}

fn day(date: NaiveDate) -> Day {
    Timestamp::from(date.and_time(NaiveTime::MIN).and_utc()).day()
}
