//! Anything by its id. Messages are loaded together; of other things there are few.

use super::readable;
use crate::call::{Call, Denied, Need};
use crate::graphql::code::{Code, internal};
use crate::graphql::objects::{ApiKey, Email, EmailBatch, Organization, SmtpServer, User, fresh, reader};
use crate::node_id::NodeId;
use async_graphql::{ID, Interface, Result};
use domain::{ApiKeyId, Category, EmailId, OrganizationId, Position, SmtpServerId};
use projections::{api_keys, organizations};
use std::collections::HashMap;
use std::sync::Arc;

const NODES_MAX: usize = 100;

/// Anything with an id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id: opaque, and the same everywhere."))]
pub(crate) enum Node {
    Email(Email),
    Organization(Organization),
    ApiKey(ApiKey),
    SmtpServer(SmtpServer),
    User(User),
}

pub(super) async fn by_ids(call: &Call, ids: &[ID], position: Option<Position>) -> Result<Vec<Option<Node>>> {
    if !call.caller.is_known() {
        return Err(Denied::Unauthenticated.into());
    }
    if ids.len() > NODES_MAX {
        return Err(Code::BadUserInput.error("`ids` has at most 100 members"));
    }
    let emails = emails(call, ids, position).await?;
    fresh(call, &["organizations", "api_keys", "smtp_servers"], position).await?;
    let mut nodes = Vec::with_capacity(ids.len());
    for id in ids {
        let node = match NodeId::parse(id.as_str()) {
            Some(node) if node.category == Category::Email => emails.get(&node).cloned().map(Node::Email),
            Some(node) => other(call, node).await?,
            None => None,
        };
        nodes.push(node);
    }
    Ok(nodes)
}

/// The messages among the ids that the caller may read and that exist, in one batch an organisation.
async fn emails(call: &Call, ids: &[ID], position: Option<Position>) -> Result<HashMap<NodeId, Email>> {
    let mut by_organization: HashMap<OrganizationId, Vec<EmailId>> = HashMap::new();
    for id in ids {
        if let Some(node) = readable(call, Category::Email, id.as_str()).await? {
            by_organization.entry(node.organization).or_default().push(EmailId(node.id));
        }
    }
    let mut found = HashMap::new();
    for (organization, wanted) in by_organization {
        let batch = Arc::new(EmailBatch::of_ids(organization, wanted.clone(), position));
        for id in wanted {
            if batch.row(call, id).await?.is_some() {
                found.insert(NodeId::new(Category::Email, organization, id.0), Email::of(batch.clone(), id));
            }
        }
    }
    Ok(found)
}

async fn other(call: &Call, node: NodeId) -> Result<Option<Node>> {
    if node.category == Category::User {
        let own = call.person().is_ok_and(|session| session.user.0 == node.id && node.organization == OrganizationId::PLATFORM);
        return Ok(own.then(|| Node::User(User::new(domain::UserId(node.id)))));
    }
    let need = if node.category == Category::Organization { Need::Read } else { Need::Administer };
    match call.allow(node.organization, need).await {
        Ok(_) => {}
        Err(Denied::NoSuchOrganization) => return Ok(None),
        Err(denied) => return Err(denied.into()),
    }
    let client = reader(call).await?;
    Ok(match node.category {
        Category::Organization if node.id == node.organization.0 => {
            let row = organizations::by_id(&client, node.organization).await.map_err(internal)?;
            Organization::of_rows(call, row.into_iter().collect()).await?.pop().map(Node::Organization)
        }
        Category::ApiKey => {
            let rows = api_keys::by_ids(&client, node.organization, &[ApiKeyId(node.id)]).await.map_err(internal)?;
            ApiKey::of_rows(call, rows).await?.pop().map(Node::ApiKey)
        }
        Category::SmtpServer => {
            let servers = SmtpServer::of_organization(call, node.organization).await?;
            servers.into_iter().find(|server| server.id_in() == SmtpServerId(node.id)).map(Node::SmtpServer)
        }
        _ => None,
    })
}
