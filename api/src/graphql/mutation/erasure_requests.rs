//! Asking that somebody be forgotten, and deciding on it.

use super::{Outcome, acting, call, payload, token};
use crate::call::{Call, Denied, Need};
use crate::caller::Caller;
use crate::graphql::code::internal;
use crate::graphql::objects::ErasureRefusalGround;
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::message::address_code;
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::{Request, RequestRecipientErasure};
use domain::{Category, ErasureDecisionRefusal, ErasureId, OrganizationId, Personal, Position};

/// One of your recipients who asks to be forgotten.
#[derive(InputObject)]
struct RequestErasureInput {
    /// Whose recipient it is. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// The person's address.
    address: String,
    /// A note for the record; it is sealed, and ends with the case.
    note: Option<String>,
    /// Keeps the address on your suppression list, so that it is not mailed again by accident.
    #[graphql(default = true)]
    keep_suppressed: bool,
    /// The person is a child: nobody has to approve, and it is done at once.
    #[graphql(default = false)]
    child: bool,
}

/// The case waits for a decision, and its date runs.
#[derive(Default, SimpleObject)]
struct RequestErasurePayload {
    /// The case.
    erasure_id: Option<ID>,
    /// Where the person finds how far it is, and the certificate. Shown this once; hand it on.
    certificate_url: Option<String>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// A case to be carried out.
#[derive(InputObject)]
struct ApproveErasureInput {
    /// The case.
    erasure: ID,
}

/// A case that is not to be carried out.
#[derive(InputObject)]
struct RefuseErasureInput {
    /// The case.
    erasure: ID,
    /// Why. The person is told.
    ground: ErasureRefusalGround,
}

/// What was decided.
#[derive(Default, SimpleObject)]
struct DecideErasurePayload {
    /// The case.
    erasure_id: Option<ID>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(super) struct ErasureRequestMutation;

#[Object]
impl ErasureRequestMutation {
    /// Records that one of an organization's recipients asks to be forgotten. An owner or admin, or a program with the scope, decides.
    async fn request_erasure(&self, context: &Context<'_>, input: RequestErasureInput) -> Result<RequestErasurePayload> {
        payload(request(context, input).await, |user_errors| RequestErasurePayload { user_errors, ..Default::default() })
    }

    /// Has a request carried out: you vouch that it is the person's, and the keys are destroyed.
    async fn approve_erasure(&self, context: &Context<'_>, input: ApproveErasureInput) -> Result<DecideErasurePayload> {
        payload(approve(context, input).await, |user_errors| DecideErasurePayload { user_errors, ..Default::default() })
    }

    /// Refuses a request, for a reason that the law knows.
    async fn refuse_erasure(&self, context: &Context<'_>, input: RefuseErasureInput) -> Result<DecideErasurePayload> {
        payload(refuse(context, input).await, |user_errors| DecideErasurePayload { user_errors, ..Default::default() })
    }
}

async fn request(context: &Context<'_>, input: RequestErasureInput) -> Result<RequestErasurePayload, Outcome> {
    let call = call(context);
    // Any member may write down what a person asks; what is done at once needs the right to do it.
    let need = match &call.caller {
        Caller::Person(_) if !input.child => Need::Read,
        _ => Need::Erase,
    };
    let organization = acting(call, &input.organization, need).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let address = Personal::new(input.address.parse().map_err(|error| UserError::at("address", address_code(error)))?);
    let RequestErasureInput { note, keep_suppressed, child, .. } = input;
    let request = RequestRecipientErasure { address, note: note.map(Personal::new), keep_suppressed, child };
    let opened = call.state.commands.request_erasure(&by, request).await.map_err(|fault| Outcome::Failed(internal(fault)))?;
    Ok(RequestErasurePayload {
        erasure_id: Some(NodeId::new(Category::Erasure, organization, opened.erasure.0).into()),
        certificate_url: Some(certificate_url(call, &opened.link)),
        position: Some(token(call, opened.position).await?),
        user_errors: vec![],
    })
}

async fn approve(context: &Context<'_>, input: ApproveErasureInput) -> Result<DecideErasurePayload, Outcome> {
    let call = call(context);
    let (by, erasure) = case(call, &input.erasure).await?;
    let begun = call.state.commands.approve_erasure(&by, erasure).await.map_err(|failure| Outcome::of(failure, not_decided))?;
    decided(call, by.organization, erasure, begun.position).await
}

async fn refuse(context: &Context<'_>, input: RefuseErasureInput) -> Result<DecideErasurePayload, Outcome> {
    let call = call(context);
    let (by, erasure) = case(call, &input.erasure).await?;
    let refused = call.state.commands.refuse_erasure(&by, erasure, input.ground.into()).await;
    let position = refused.map_err(|failure| Outcome::of(failure, not_decided))?;
    decided(call, by.organization, erasure, position).await
}

/// A recipient's case in an organisation where the caller may decide. Cases of accounts and organisations are decided by their holders' own acts.
async fn case(call: &Call, id: &ID) -> Result<(Request, ErasureId), Outcome> {
    let unknown = || Outcome::from(UserError::at("erasure", Code::NotFound));
    if !call.caller.is_known() {
        return Err(Outcome::denied(Denied::Unauthenticated));
    }
    let node = NodeId::parse_as(Category::Erasure, id.as_str()).ok_or_else(unknown)?;
    let allowed = call.allow(node.organization, Need::Erase).await.map_err(|denied| match denied {
        Denied::NoSuchOrganization => unknown(),
        denied => Outcome::denied(denied),
    })?;
    let erasure = ErasureId(node.id);
    let folded = call.state.commands.load_erasure(allowed, erasure).await.map_err(|fault| Outcome::Failed(internal(fault)))?;
    if folded.state.target != Some(domain::ErasureTarget::Recipient) {
        return Err(unknown());
    }
    Ok((call.request(allowed).map_err(Outcome::denied)?, erasure))
}

fn not_decided(refusal: ErasureDecisionRefusal) -> Vec<UserError> {
    vec![UserError::at(
        "erasure",
        match refusal {
            ErasureDecisionRefusal::Unknown => Code::NotFound,
            ErasureDecisionRefusal::Refused => Code::ErasureRefused,
            ErasureDecisionRefusal::Started => Code::ErasureStarted,
            ErasureDecisionRefusal::OnHold => Code::OnHold,
        },
    )]
}

async fn decided(
    call: &Call,
    organization: OrganizationId,
    erasure: ErasureId,
    position: Position,
) -> Result<DecideErasurePayload, Outcome> {
    Ok(DecideErasurePayload {
        erasure_id: Some(NodeId::new(Category::Erasure, organization, erasure.0).into()),
        position: Some(token(call, position).await?),
        user_errors: vec![],
    })
}

pub(super) fn certificate_url(call: &Call, link: &Personal<String>) -> String {
    format!("{}/erasure/{}", call.state.settings.public_url, link.expose())
}
