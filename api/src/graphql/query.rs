//! Queries. Whatever belongs to an organisation that the caller does not belong to is absent, exactly like what does not exist.

mod emails;
mod erasures;
mod lists;
mod nodes;
mod state_diff;

use crate::call::{Call, Denied, Need};
use crate::graphql::connection::size;
use crate::graphql::objects::{
    AccountActionConnection, Checkpoint, DeliveryStats, Email, EmailConnection, EmailStatus, Erasure, ErasureCertificate,
    ErasureConnection, InclusionProof, Organization, StateChange, Suppression, SuppressionConnection, User, call, fresh,
};
use crate::graphql::past;
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{Category, OrganizationId, Position, Timestamp};
pub(crate) use nodes::Node;

pub(crate) struct Query;

/// Which messages are meant. Everything that is given must hold.
#[derive(Default, InputObject)]
pub(crate) struct EmailFilter {
    /// Any of these.
    status: Option<Vec<EmailStatus>>,
    /// To this address.
    recipient: Option<String>,
    /// With this label.
    tag: Option<TagFilter>,
    /// Accepted then or later.
    since: Option<DateTime<Utc>>,
    /// Accepted before.
    until: Option<DateTime<Utc>>,
}

/// A label.
#[derive(InputObject)]
pub(crate) struct TagFilter {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

/// Everything that can be asked.
#[Object]
impl Query {
    /// Whoever is signed in; null for applications and strangers.
    async fn viewer(&self, context: &Context<'_>, at_least: Option<PositionToken>) -> Result<Option<User>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        fresh(call, &["organizations"], position).await?;
        Ok(call.person().ok().map(|session| User::new(session.user)))
    }

    /// An organization: by its id, or your only one. With a moment of the past, it and all that it had then.
    async fn organization(
        &self,
        context: &Context<'_>,
        id: Option<ID>,
        #[graphql(desc = "As it was at this time, by the time at which things happened.")] as_of: Option<DateTime<Utc>>,
        #[graphql(desc = "As it was when the log had come to this place.")] as_of_position: Option<PositionToken>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<Organization>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        let Some(organization) = reading(call, &id).await? else { return Ok(None) };
        match past::moment(call, organization, as_of, as_of_position).await? {
            Some(moment) => Organization::as_of(call, organization, moment).await,
            None => Ok(Some(Organization::of(organization, position))),
        }
    }

    /// A message by its id. With a moment of the past, as it was then; null when it was not there yet.
    async fn email(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(desc = "As it was at this time, by the time at which things happened.")] as_of: Option<DateTime<Utc>>,
        #[graphql(desc = "As it was when the log had come to this place.")] as_of_position: Option<PositionToken>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<Email>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        if as_of.is_some() || as_of_position.is_some() {
            return emails::by_id_as_of(call, id.as_str(), as_of, as_of_position).await;
        }
        emails::by_id(call, id.as_str(), position).await
    }

    /// What changed between two moments, field by field, with the events that did it: of an organization with its keys, servers and
    /// suppressions, or of one thing by its id. Null when there is no such thing.
    #[allow(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn state_diff(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of an organization, a message, an API key, a mail server, a suppression, or of yourself.")] id: ID,
        #[graphql(desc = "The first moment, by the time at which things happened; the beginning where none is given.")] from: Option<
            DateTime<Utc>,
        >,
        #[graphql(desc = "The first moment, as a place in the log.")] from_position: Option<PositionToken>,
        #[graphql(desc = "The second moment; now where none is given.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "The second moment, as a place in the log.")] to_position: Option<PositionToken>,
    ) -> Result<Option<Vec<StateChange>>> {
        state_diff::of(call(context), id.as_str(), (from, from_position), (to, to_position)).await
    }

    /// An organization's messages, newest first. Null when there is no such organization.
    #[allow(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn emails(
        &self,
        context: &Context<'_>,
        organization: Option<ID>,
        filter: Option<EmailFilter>,
        #[graphql(desc = "How many; 25 where it is not given, and at most 100.")] first: Option<i32>,
        #[graphql(desc = "Go on behind this cursor.")] after: Option<String>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<EmailConnection>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        let Some(organization) = reading(call, &organization).await? else { return Ok(None) };
        fresh(call, &["emails"], position).await?;
        emails::page(call, organization, filter.unwrap_or_default(), first, after).await.map(Some)
    }

    /// Addresses that an organization must not mail, newest first. Null when there is no such organization. With a moment of the past, those that it
    /// must not mail then, the last first that was put on the list for the first time.
    #[allow(clippy::too_many_arguments, reason = "one for each argument of the field")]
    async fn suppressions(
        &self,
        context: &Context<'_>,
        organization: Option<ID>,
        #[graphql(desc = "As they were at this time, by the time at which things happened.")] as_of: Option<DateTime<Utc>>,
        #[graphql(desc = "As they were when the log had come to this place.")] as_of_position: Option<PositionToken>,
        #[graphql(desc = "How many; 25 where it is not given, and at most 100.")] first: Option<i32>,
        #[graphql(desc = "Go on behind this cursor.")] after: Option<String>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<SuppressionConnection>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        let Some(organization) = reading(call, &organization).await? else { return Ok(None) };
        if let Some(moment) = past::moment(call, organization, as_of, as_of_position).await? {
            return Suppression::page_as_of(call, organization, moment, size(first)?, after.as_deref()).await.map(Some);
        }
        fresh(call, &["suppressions"], position).await?;
        lists::suppressions(call, organization, first, after).await.map(Some)
    }

    /// How an organization's mail fared, day by day. Null when there is no such organization.
    async fn delivery_stats(
        &self,
        context: &Context<'_>,
        organization: Option<ID>,
        #[graphql(desc = "The first day (UTC); thirty days before the last where it is not given.")] from: Option<NaiveDate>,
        #[graphql(desc = "The last day (UTC); today where it is not given.")] to: Option<NaiveDate>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<DeliveryStats>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        let Some(organization) = reading(call, &organization).await? else { return Ok(None) };
        fresh(call, &["delivery_stats", "emails"], position).await?;
        lists::delivery_stats(call, organization, from, to).await.map(Some)
    }

    /// Who did what, when and from where, newest first: in an organization, for its owners and admins; or, for a person who names none,
    /// whatever that person did. Null when there is no such organization.
    async fn account_history(
        &self,
        context: &Context<'_>,
        organization: Option<ID>,
        #[graphql(desc = "Only what had happened by this time.")] as_of: Option<DateTime<Utc>>,
        #[graphql(desc = "How many; 25 where it is not given, and at most 100.")] first: Option<i32>,
        #[graphql(desc = "Go on behind this cursor.")] after: Option<String>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<AccountActionConnection>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        fresh(call, &["account_history", "emails"], position).await?;
        let until = as_of.map(Timestamp::from);
        if let (Ok(session), None) = (call.person(), &organization) {
            return lists::history_of_user(call, session.user, until, first, after).await.map(Some);
        }
        // Where the members come from is for those who answer for the organisation.
        let allowed = call.organization(organization.as_ref().map(|id| id.as_str()), Need::Administer).await;
        let Some(organization) = absent(allowed)? else { return Ok(None) };
        lists::history_of_organization(call, organization, until, first, after).await.map(Some)
    }

    /// A request to be forgotten by its id. Null when there is none, or it is not yours.
    async fn erasure(&self, context: &Context<'_>, id: ID, at_least: Option<PositionToken>) -> Result<Option<Erasure>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        fresh(call, &["erasures"], position).await?;
        erasures::by_id(call, id.as_str()).await
    }

    /// An organization's requests to be forgotten, newest first. Null when there is no such organization.
    async fn erasures(
        &self,
        context: &Context<'_>,
        organization: Option<ID>,
        #[graphql(desc = "How many; 25 where it is not given, and at most 100.")] first: Option<i32>,
        #[graphql(desc = "Go on behind this cursor.")] after: Option<String>,
        at_least: Option<PositionToken>,
    ) -> Result<Option<ErasureConnection>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        let Some(organization) = reading(call, &organization).await? else { return Ok(None) };
        fresh(call, &["erasures"], position).await?;
        erasures::page(call, organization, first, after).await.map(Some)
    }

    /// What an erasure's certificate says by now. Null when there is no such case, or it is not yours.
    async fn erasure_certificate(&self, context: &Context<'_>, id: ID) -> Result<Option<ErasureCertificate>> {
        erasures::certificate(call(context), id.as_str()).await
    }

    /// The newest signed checkpoint of an organization's history. Null when there is no such organization, or nothing is signed yet.
    async fn checkpoint(&self, context: &Context<'_>, organization: Option<ID>) -> Result<Option<Checkpoint>> {
        let call = call(context);
        let Some(organization) = reading(call, &organization).await? else { return Ok(None) };
        Checkpoint::of(call, organization).await
    }

    /// The proof that an event stands in an organization's history. Null when it does not, or no checkpoint covers it yet.
    async fn inclusion_proof(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The event's id.")] event: ID,
        organization: Option<ID>,
    ) -> Result<Option<InclusionProof>> {
        let call = call(context);
        let Some(organization) = reading(call, &organization).await? else { return Ok(None) };
        InclusionProof::of(call, organization, &event).await
    }

    /// Anything with an id.
    async fn node(&self, context: &Context<'_>, id: ID, at_least: Option<PositionToken>) -> Result<Option<Node>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        Ok(nodes::by_ids(call, &[id], position).await?.pop().flatten())
    }

    /// Up to 100 things with ids, in the order asked; null for each that there is not.
    async fn nodes(&self, context: &Context<'_>, ids: Vec<ID>, at_least: Option<PositionToken>) -> Result<Vec<Option<Node>>> {
        let call = call(context);
        let position = position(call, at_least).await?;
        nodes::by_ids(call, &ids, position).await
    }
}

/// The organisation to read in; `None` when there is none such for the caller.
async fn reading(call: &Call, organization: &Option<ID>) -> Result<Option<OrganizationId>> {
    absent(call.organization(organization.as_ref().map(|id| id.as_str()), Need::Read).await)
}

/// Somebody else's is none.
fn absent<T>(allowed: std::result::Result<T, Denied>) -> Result<Option<T>> {
    match allowed {
        Ok(allowed) => Ok(Some(allowed)),
        Err(Denied::NoSuchOrganization) => Ok(None),
        Err(denied) => Err(denied.into()),
    }
}

async fn position(call: &Call, at_least: Option<PositionToken>) -> Result<Option<Position>> {
    match at_least {
        Some(token) => Ok(Some(call.state.position_of(token).await?)),
        None => Ok(None),
    }
}

/// The organisation of an id of that kind, when the caller may read there.
pub(crate) async fn readable(call: &Call, category: Category, id: &str) -> Result<Option<NodeId>> {
    if !call.caller.is_known() {
        return Err(Denied::Unauthenticated.into());
    }
    let Some(node) = NodeId::parse_as(category, id) else { return Ok(None) };
    Ok(absent(call.allow(node.organization, Need::Read).await)?.map(|_| node))
}
