//! What changed between two moments.

use super::absent;
use crate::call::{Call, Denied, Need};
use crate::graphql::objects::StateChange;
use crate::graphql::past;
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::Result;
use chrono::{DateTime, Utc};
use domain::{Category, OrganizationId, Position, StreamName};
use history::Moment;

/// A time or a position.
type Named = (Option<DateTime<Utc>>, Option<PositionToken>);

/// `None` when there is no such thing for the caller.
pub(super) async fn of(call: &Call, id: &str, from: Named, to: Named) -> Result<Option<Vec<StateChange>>> {
    let Some(node) = visible(call, id).await? else { return Ok(None) };
    let history = &call.state.history;
    let from = moment(call, node, from).await?.unwrap_or(Moment::Position(Position::START));
    let to = moment(call, node, to).await?.unwrap_or_else(|| history.now());
    let stream = StreamName::new(node.category, node.organization, node.id);
    // What does not exist up to the second moment is absent, whoever's it might be.
    if history.fields(stream, to).await.map_err(past::refused)?.is_none() {
        return Ok(None);
    }
    let changes = match node.category {
        Category::Organization => history.diff_organization(stream, from, to).await,
        _ => history.diff(stream, from, to).await,
    };
    StateChange::of_many(call, changes.map_err(past::refused)?).await.map(Some)
}

async fn moment(call: &Call, node: NodeId, (time, position): Named) -> Result<Option<Moment>> {
    past::moment(call, node.organization, time, position).await
}

/// The thing that the id names, when the caller may see its state: under the same conditions as now.
async fn visible(call: &Call, id: &str) -> Result<Option<NodeId>> {
    if !call.caller.is_known() {
        return Err(Denied::Unauthenticated.into());
    }
    let Some(node) = NodeId::parse(id) else { return Ok(None) };
    let need = match node.category {
        Category::User => return Ok(Some(node).filter(|node| is_oneself(call, node))),
        Category::Organization if node.id != node.organization.0 => return Ok(None),
        Category::Organization | Category::ApiKey | Category::SmtpServer | Category::Hold => Need::Administer,
        Category::Email | Category::Suppression => Need::Read,
        Category::DataAccess
        | Category::Erasure
        | Category::Evidence
        | Category::Platform
        | Category::Operations
        | Category::Processing => return Ok(None),
    };
    Ok(absent(call.allow(node.organization, need).await)?.map(|_| node))
}

/// Nobody sees another person.
fn is_oneself(call: &Call, node: &NodeId) -> bool {
    node.organization == OrganizationId::PLATFORM && call.person().is_ok_and(|session| session.user.0 == node.id)
}
