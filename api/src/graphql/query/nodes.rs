//! Anything by its id. Things of one kind in one organisation are loaded together.

use super::absent;
use crate::call::{Call, Denied, Need};
use crate::graphql::code::{Code, internal};
use crate::graphql::objects::{ApiKey, Email, EmailBatch, Organization, SmtpServer, User, fresh, reader};
use crate::node_id::NodeId;
use async_graphql::{ID, Interface, Result};
use domain::{ApiKeyId, Category, EmailId, OrganizationId, Position, UserId};
use projections::{api_keys, organizations};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

const NODES_MAX: usize = 100;

/// Anything with an id.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id: opaque, and the same everywhere."))]
pub(crate) enum Node {
    Email(Email),
    Organization(Organization),
    ApiKey(ApiKey),
    SmtpServer(SmtpServer),
    User(User),
}

/// Those of some ids that there are.
type Found = Vec<(Uuid, Node)>;

pub(super) async fn by_ids(call: &Call, ids: &[ID], position: Option<Position>) -> Result<Vec<Option<Node>>> {
    if !call.caller.is_known() {
        return Err(Denied::Unauthenticated.into());
    }
    if ids.len() > NODES_MAX {
        return Err(Code::BadUserInput.error("`ids` has at most 100 members"));
    }
    let asked: Vec<Option<NodeId>> = ids.iter().map(|id| NodeId::parse(id.as_str())).collect();
    let mut groups: HashMap<(OrganizationId, Category), Vec<Uuid>> = HashMap::new();
    for node in asked.iter().flatten() {
        groups.entry((node.organization, node.category)).or_default().push(node.id);
    }
    fresh(call, &["organizations", "api_keys", "smtp_servers"], position).await?;
    let mut found = HashMap::new();
    for ((organization, category), ids) in groups {
        let nodes = of_category(call, organization, category, &ids, position).await?;
        found.extend(nodes.into_iter().map(|(id, node)| (NodeId::new(category, organization, id), node)));
    }
    Ok(asked.into_iter().map(|node| node.and_then(|node| found.get(&node).cloned())).collect())
}

async fn of_category(
    call: &Call,
    organization: OrganizationId,
    category: Category,
    ids: &[Uuid],
    position: Option<Position>,
) -> Result<Found> {
    let need = match category {
        Category::User => return Ok(oneself(call, organization, ids)),
        Category::Email | Category::Organization => Need::Read,
        Category::ApiKey | Category::SmtpServer => Need::Administer,
        _ => return Ok(vec![]),
    };
    if absent(call.allow(organization, need).await)?.is_none() {
        return Ok(vec![]);
    }
    match category {
        Category::Email => emails(call, organization, ids, position).await,
        Category::Organization if ids.contains(&organization.0) => its_organization(call, organization).await,
        Category::ApiKey => keys(call, organization, ids).await,
        Category::SmtpServer => servers(call, organization, ids).await,
        _ => Ok(vec![]),
    }
}

/// Nobody sees another person.
fn oneself(call: &Call, organization: OrganizationId, ids: &[Uuid]) -> Found {
    let own = call.person().ok().map(|session| session.user.0).filter(|user| ids.contains(user));
    let own = own.filter(|_| organization == OrganizationId::PLATFORM);
    own.map(|user| (user, Node::User(User::new(UserId(user))))).into_iter().collect()
}

async fn emails(call: &Call, organization: OrganizationId, ids: &[Uuid], position: Option<Position>) -> Result<Found> {
    let batch = Arc::new(EmailBatch::of_ids(organization, ids.iter().copied().map(EmailId).collect(), position));
    let mut found = Vec::with_capacity(ids.len());
    for id in batch.ids() {
        if batch.row(call, *id).await?.is_some() {
            found.push((id.0, Node::Email(Email::of(batch.clone(), *id))));
        }
    }
    Ok(found)
}

// A connection is given back before anything else is waited for: requests that wait for their second one while they hold a first would
// stop each other.

async fn its_organization(call: &Call, id: OrganizationId) -> Result<Found> {
    let row = organizations::by_id(&*reader(call).await?, id).await.map_err(internal)?;
    let found = Organization::of_rows(call, row.into_iter().collect()).await?;
    Ok(found.into_iter().map(|organization| (id.0, Node::Organization(organization))).collect())
}

async fn keys(call: &Call, organization: OrganizationId, ids: &[Uuid]) -> Result<Found> {
    let ids: Vec<_> = ids.iter().copied().map(ApiKeyId).collect();
    let rows = api_keys::by_ids(&*reader(call).await?, organization, &ids).await.map_err(internal)?;
    let found: Vec<_> = rows.iter().map(|row| row.id.0).collect();
    Ok(found.into_iter().zip(ApiKey::of_rows(call, rows).await?.into_iter().map(Node::ApiKey)).collect())
}

async fn servers(call: &Call, organization: OrganizationId, ids: &[Uuid]) -> Result<Found> {
    let servers = SmtpServer::of_organization(call, organization).await?.into_iter();
    Ok(servers.filter(|server| ids.contains(&server.id_in().0)).map(|server| (server.id_in().0, Node::SmtpServer(server))).collect())
}
