//! Forgetting somebody.

use super::erasure_requests::certificate_url;
use super::{Outcome, acting, call, payload, token};
use crate::call::{Call, Need};
use crate::cookies;
use crate::graphql::code::internal;
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::message::address_code;
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::{EraseAccount, EraseOrganization, EraseOrganizationRefusal, EraseRecipient, ErasureBegun, IdentityProof};
use domain::{Category, OrganizationId, Personal};

/// One of your recipients who shall be forgotten.
#[derive(InputObject)]
struct EraseRecipientInput {
    /// Whose recipient it is. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// The person's address.
    address: String,
    /// A note for the record; it is sealed, and ends with the case.
    note: Option<String>,
    /// Keeps the address on your suppression list, so that it is not mailed again by accident.
    #[graphql(default = true)]
    keep_suppressed: bool,
}

/// The person's data cannot be read any more. What remains are facts without a name.
#[derive(Default, SimpleObject)]
struct EraseRecipientPayload {
    /// The case, under which the certificate will be found.
    erasure_id: Option<ID>,
    /// Where the person finds the certificate. Shown this once; hand it on.
    certificate_url: Option<String>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Your own account, to be forgotten.
#[derive(InputObject)]
struct EraseAccountInput {
    /// A note for the record; it is sealed, and ends with the case.
    note: Option<String>,
    /// Your password. Needed when you signed in more than 15 minutes ago.
    password: Option<String>,
}

/// The account is gone: sessions are over, and organizations without another owner are closed.
#[derive(Default, SimpleObject)]
struct EraseAccountPayload {
    /// The case, under which the certificate will be found.
    erasure_id: Option<ID>,
    /// Where you find the certificate. Shown this once: keep it, since you can not sign in any more.
    certificate_url: Option<String>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// An organization of yours, to be closed and forgotten.
#[derive(InputObject)]
struct EraseOrganizationInput {
    /// Which. It must be named.
    organization: ID,
    /// A note for the record; it is sealed, and ends with the case.
    note: Option<String>,
    /// Your password. Needed when you signed in more than 15 minutes ago.
    password: Option<String>,
}

/// The organization is closed, and nothing that it knew can be read any more, but financial records.
#[derive(Default, SimpleObject)]
struct EraseOrganizationPayload {
    /// The case, under which the certificate will be found.
    erasure_id: Option<ID>,
    /// Where you find the certificate. Shown this once: keep it, since nobody can read in the organization any more.
    certificate_url: Option<String>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(super) struct ErasureMutation;

#[Object]
impl ErasureMutation {
    /// Forgets one of an organization's recipients: open deliveries end, and the keys to the person's data are destroyed.
    async fn erase_recipient(&self, context: &Context<'_>, input: EraseRecipientInput) -> Result<EraseRecipientPayload> {
        payload(erase_recipient(context, input).await, |user_errors| EraseRecipientPayload { user_errors, ..Default::default() })
    }

    /// Forgets the account of whoever is signed in.
    async fn erase_account(&self, context: &Context<'_>, input: EraseAccountInput) -> Result<EraseAccountPayload> {
        payload(erase_account(context, input).await, |user_errors| EraseAccountPayload { user_errors, ..Default::default() })
    }

    /// Closes an organization and forgets it with everybody whom it knew. For its owners.
    async fn erase_organization(&self, context: &Context<'_>, input: EraseOrganizationInput) -> Result<EraseOrganizationPayload> {
        payload(erase_organization(context, input).await, |user_errors| EraseOrganizationPayload { user_errors, ..Default::default() })
    }
}

async fn erase_recipient(context: &Context<'_>, input: EraseRecipientInput) -> Result<EraseRecipientPayload, Outcome> {
    let call = call(context);
    let organization = acting(call, &input.organization, Need::Erase).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let address = input.address.parse().map_err(|error| UserError::at("address", address_code(error)))?;
    let request =
        EraseRecipient { address: Personal::new(address), note: input.note.map(Personal::new), keep_suppressed: input.keep_suppressed };
    let begun = call.state.commands.erase_recipient(&by, request).await.map_err(|fault| Outcome::Failed(internal(fault)))?;
    let user_errors = on_hold(&begun, "address");
    Ok(EraseRecipientPayload {
        erasure_id: Some(NodeId::new(Category::Erasure, organization, begun.erasure.0).into()),
        certificate_url: url(call, &begun),
        position: Some(token(call, begun.position).await?),
        user_errors,
    })
}

async fn erase_account(context: &Context<'_>, input: EraseAccountInput) -> Result<EraseAccountPayload, Outcome> {
    let call = call(context);
    let user = call.person().map_err(Outcome::denied)?.user;
    let by = call.request(OrganizationId::PLATFORM).map_err(Outcome::denied)?;
    let (proof, not_shown) = proof(call, input.password)?;
    let request = EraseAccount { user, note: input.note.map(Personal::new), proof };
    let begun = call.state.commands.erase_account(&by, request).await;
    let begun = begun.map_err(|failure| Outcome::of(failure, |_| vec![not_shown]))?;
    let user_errors = on_hold_general(&begun);
    if user_errors.is_empty() {
        context.append_http_header("set-cookie", cookies::ended_session_cookie());
    }
    Ok(EraseAccountPayload {
        erasure_id: Some(NodeId::new(Category::Erasure, OrganizationId::PLATFORM, begun.erasure.0).into()),
        certificate_url: url(call, &begun),
        position: Some(token(call, begun.position).await?),
        user_errors,
    })
}

async fn erase_organization(context: &Context<'_>, input: EraseOrganizationInput) -> Result<EraseOrganizationPayload, Outcome> {
    let call = call(context);
    let owner = call.person().map_err(Outcome::denied)?.user;
    let organization = acting(call, &Some(input.organization), Need::Administer).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let (proof, not_shown) = proof(call, input.password)?;
    let request = EraseOrganization { owner, note: input.note.map(Personal::new), proof };
    let begun = call.state.commands.erase_organization(&by, request).await;
    let tell = |refusal| {
        vec![match refusal {
            EraseOrganizationRefusal::NotOwner => UserError::at("organization", Code::OwnerRequired),
            EraseOrganizationRefusal::IdentityNotShown => not_shown,
        }]
    };
    let begun = begun.map_err(|failure| Outcome::of(failure, tell))?;
    let user_errors = on_hold(&begun, "organization");
    Ok(EraseOrganizationPayload {
        erasure_id: Some(NodeId::new(Category::Erasure, organization, begun.erasure.0).into()),
        certificate_url: url(call, &begun),
        position: Some(token(call, begun.position).await?),
        user_errors,
    })
}

/// What shows that the holder asks, and what to say when it does not.
fn proof(call: &Call, password: Option<String>) -> Result<(IdentityProof, UserError), Outcome> {
    let session = call.person().map_err(Outcome::denied)?.session;
    Ok(match password {
        Some(password) => (IdentityProof::Password(Personal::new(password)), UserError::at("password", Code::CredentialsInvalid)),
        None => (IdentityProof::Session(session), UserError::at("password", Code::PasswordRequired)),
    })
}

fn on_hold_general(begun: &ErasureBegun) -> Vec<UserError> {
    if begun.held { vec![UserError::general(Code::OnHold)] } else { vec![] }
}

/// The case is there, and refused: nothing was destroyed.
fn on_hold(begun: &ErasureBegun, field: &str) -> Vec<UserError> {
    if begun.held { vec![UserError::at(field, Code::OnHold)] } else { vec![] }
}

fn url(call: &Call, begun: &ErasureBegun) -> Option<String> {
    begun.link.as_ref().map(|link| certificate_url(call, link))
}
