//! Forgetting somebody.

use super::{Outcome, acting, call, payload, token};
use crate::call::Need;
use crate::cookies;
use crate::graphql::code::internal;
use crate::graphql::user_error::UserError;
use crate::message::address_code;
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::{EraseAccount, EraseRecipient};
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
}

/// The account is gone: sessions are over, and organizations without another owner are closed.
#[derive(Default, SimpleObject)]
struct EraseAccountPayload {
    /// The case, under which the certificate will be found.
    erasure_id: Option<ID>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// Always empty.
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
        let call = call(context);
        let user = call.person()?.user;
        let by = call.request(OrganizationId::PLATFORM)?;
        let request = EraseAccount { user, note: input.note.map(Personal::new) };
        let begun = call.state.commands.erase_account(&by, request).await.map_err(internal)?;
        context.append_http_header("set-cookie", cookies::ended_session_cookie());
        Ok(EraseAccountPayload {
            erasure_id: Some(NodeId::new(Category::Erasure, OrganizationId::PLATFORM, begun.erasure.0).into()),
            position: Some(token(call, begun.position).await?),
            user_errors: vec![],
        })
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
    Ok(EraseRecipientPayload {
        erasure_id: Some(NodeId::new(Category::Erasure, organization, begun.erasure.0).into()),
        position: Some(token(call, begun.position).await?),
        user_errors: vec![],
    })
}
