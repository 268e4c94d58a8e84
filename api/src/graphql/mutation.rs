//! Mutations, by what they are about. Each translates its input, asks one command, and translates the answer.

mod account;
mod email;
mod erasure;
mod erasure_requests;
mod organization;
mod processing;
mod retention;

use crate::call::{Call, Denied};
use crate::graphql::code;
use crate::graphql::user_error::{UserError, UserErrorCode};
use crate::position_token::PositionToken;
use async_graphql::{Context, Error, ID, MergedObject, Result};
use domain::{OrganizationId, Position};

/// Everything that can be changed.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    account::AccountMutation,
    organization::OrganizationMutation,
    email::EmailMutation,
    erasure::ErasureMutation,
    erasure_requests::ErasureRequestMutation,
    processing::ProcessingMutation,
    retention::RetentionMutation,
);

/// How a mutation ends when it is neither done nor a fault.
pub(super) enum Outcome {
    Refused(Vec<UserError>),
    Failed(Error),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        Outcome::Failed(error)
    }
}

impl From<UserError> for Outcome {
    fn from(error: UserError) -> Self {
        Outcome::Refused(vec![error])
    }
}

impl Outcome {
    /// Somebody else's organisation looks like none at all; where none was named, a person has to.
    pub fn denied(denied: Denied) -> Self {
        match denied {
            Denied::NoSuchOrganization => UserError::at("organization", UserErrorCode::NotFound).into(),
            Denied::OrganizationRequired => UserError::at("organization", UserErrorCode::OrganizationRequired).into(),
            denied => Outcome::Failed(denied.into()),
        }
    }

    /// A command that failed: its refusal told as data, a fault reported.
    pub fn of<R>(failure: commands::Failure<R>, tell: impl FnOnce(R) -> Vec<UserError>) -> Self {
        match failure {
            commands::Failure::Refused(refusal) => Outcome::Refused(tell(refusal)),
            commands::Failure::Fault(fault) => Outcome::Failed(code::fault(fault)),
        }
    }
}

/// A payload is either filled, or holds what is wrong.
pub(super) fn payload<P: Default>(outcome: std::result::Result<P, Outcome>, refused: impl FnOnce(Vec<UserError>) -> P) -> Result<P> {
    match outcome {
        Ok(payload) => Ok(payload),
        Err(Outcome::Refused(errors)) => Ok(refused(errors)),
        Err(Outcome::Failed(error)) => Err(error),
    }
}

pub(super) fn call<'a>(context: &Context<'a>) -> &'a Call {
    context.data_unchecked::<Call>()
}

pub(super) async fn token(call: &Call, position: Position) -> Result<PositionToken> {
    call.state.position_token(position).await.map_err(code::internal)
}

pub(super) fn named(organization: &Option<ID>) -> Option<&str> {
    organization.as_ref().map(|id| id.as_str())
}

/// The organisation of a request, in the words of a mutation.
pub(super) async fn acting(
    call: &Call,
    organization: &Option<ID>,
    need: crate::call::Need,
) -> std::result::Result<OrganizationId, Outcome> {
    call.organization(named(organization), need).await.map_err(Outcome::denied)
}
