//! Restricting the use of somebody's data, and objecting to it.

use super::{Outcome, acting, call, payload, token};
use crate::call::{Call, Need};
use crate::graphql::objects::{ObjectionScope, RestrictionGround};
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::message::address_code;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::{DataSubject, LimitRefusal, Request};
use domain::{LiftRefusal, OrganizationId, Personal, Position};

/// One of your recipients, whose data shall only be kept.
#[derive(InputObject)]
struct RestrictRecipientInput {
    /// Whose recipient it is. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// The person's address.
    address: String,
    /// Why.
    ground: RestrictionGround,
}

/// Your own account, whose data shall only be kept.
#[derive(InputObject)]
struct RestrictAccountInput {
    /// Why.
    ground: RestrictionGround,
}

/// Somebody whose data is restricted.
#[derive(InputObject)]
struct RestrictedPersonInput {
    /// Whose recipient it is. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// The recipient's address; your own account where none is given.
    address: Option<String>,
}

/// Somebody who objects.
#[derive(InputObject)]
struct ObjectToProcessingInput {
    /// Whose recipient it is. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// The recipient's address; your own account where none is given.
    address: Option<String>,
    /// To what. An objection to direct marketing puts the address on the suppression list, and nothing overrides it.
    scopes: Vec<ObjectionScope>,
}

/// How far the person's data may be used is recorded, and holds at once here, and within a minute in every process.
#[derive(Default, SimpleObject)]
struct ProcessingPayload {
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(super) struct ProcessingMutation;

#[Object]
impl ProcessingMutation {
    /// Restricts a recipient's data: it is kept and shown to nobody, and nothing is sent to that person.
    async fn restrict_recipient(&self, context: &Context<'_>, input: RestrictRecipientInput) -> Result<ProcessingPayload> {
        done(restrict(context, &input.organization, Some(input.address), input.ground).await)
    }

    /// Restricts the data of your own account. You can still sign in.
    async fn restrict_account(&self, context: &Context<'_>, input: RestrictAccountInput) -> Result<ProcessingPayload> {
        done(restrict(context, &None, None, input.ground).await)
    }

    /// Records that the person was told that the restriction ends: an account's holder is mailed by this, a recipient has been told by you.
    async fn announce_restriction_lift(&self, context: &Context<'_>, input: RestrictedPersonInput) -> Result<ProcessingPayload> {
        done(announce(context, input).await)
    }

    /// Lifts a restriction whose end was announced.
    async fn lift_restriction(&self, context: &Context<'_>, input: RestrictedPersonInput) -> Result<ProcessingPayload> {
        done(lift(context, input).await)
    }

    /// Objects to uses of a person's data.
    async fn object_to_processing(&self, context: &Context<'_>, input: ObjectToProcessingInput) -> Result<ProcessingPayload> {
        done(object(context, input).await)
    }
}

fn done(outcome: std::result::Result<ProcessingPayload, Outcome>) -> Result<ProcessingPayload> {
    payload(outcome, |user_errors| ProcessingPayload { user_errors, ..Default::default() })
}

async fn restrict(
    context: &Context<'_>,
    organization: &Option<ID>,
    address: Option<String>,
    ground: RestrictionGround,
) -> std::result::Result<ProcessingPayload, Outcome> {
    let call = call(context);
    let (by, subject) = subject(call, organization, address).await?;
    recorded(call, call.state.commands.restrict_processing(&by, subject, ground.into()).await).await
}

async fn announce(context: &Context<'_>, input: RestrictedPersonInput) -> std::result::Result<ProcessingPayload, Outcome> {
    let call = call(context);
    let (by, subject) = subject(call, &input.organization, input.address).await?;
    recorded(call, call.state.commands.announce_lift(&by, subject).await).await
}

async fn lift(context: &Context<'_>, input: RestrictedPersonInput) -> std::result::Result<ProcessingPayload, Outcome> {
    let call = call(context);
    let (by, subject) = subject(call, &input.organization, input.address).await?;
    recorded(call, call.state.commands.lift_restriction(&by, subject).await).await
}

async fn object(context: &Context<'_>, input: ObjectToProcessingInput) -> std::result::Result<ProcessingPayload, Outcome> {
    let call = call(context);
    if input.scopes.is_empty() {
        return Err(UserError::at("scopes", Code::Required).into());
    }
    let scopes: Vec<domain::ObjectionScope> = input.scopes.into_iter().map(Into::into).collect();
    let (by, subject) = subject(call, &input.organization, input.address).await?;
    recorded(call, call.state.commands.object_to_processing(&by, subject, &scopes).await).await
}

/// A recipient by the address, for whoever may have people forgotten there; otherwise whoever is signed in.
async fn subject(call: &Call, organization: &Option<ID>, address: Option<String>) -> std::result::Result<(Request, DataSubject), Outcome> {
    let Some(address) = address else {
        let user = call.person().map_err(Outcome::denied)?.user;
        return Ok((call.request(OrganizationId::PLATFORM).map_err(Outcome::denied)?, DataSubject::Account(user)));
    };
    let organization = acting(call, organization, Need::Erase).await?;
    let address = address.parse().map_err(|error| UserError::at("address", address_code(error)))?;
    Ok((call.request(organization).map_err(Outcome::denied)?, DataSubject::Recipient(Personal::new(address))))
}

async fn recorded(
    call: &Call,
    outcome: std::result::Result<Position, commands::Failure<LimitRefusal>>,
) -> std::result::Result<ProcessingPayload, Outcome> {
    let tell = |refusal| {
        vec![match refusal {
            LimitRefusal::Forgotten => UserError::at("address", Code::AlreadyErased),
            LimitRefusal::Lift(LiftRefusal::NotRestricted) => UserError::general(Code::NotRestricted),
            LimitRefusal::Lift(LiftRefusal::NotAnnounced) => UserError::general(Code::LiftNotAnnounced),
        }]
    };
    let position = outcome.map_err(|failure| Outcome::of(failure, tell))?;
    Ok(ProcessingPayload { position: Some(token(call, position).await?), user_errors: vec![] })
}
