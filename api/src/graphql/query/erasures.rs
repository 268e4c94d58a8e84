//! Requests to be forgotten: those of an organisation for whoever may read there, those of an account for its holder.

use super::absent;
use crate::call::{Call, Denied, Need};
use crate::graphql::code::internal;
use crate::graphql::connection::{parse_cursor, size};
use crate::graphql::objects::{Erasure, ErasureCertificate, ErasureConnection, reader};
use crate::node_id::NodeId;
use async_graphql::Result;
use domain::{Category, ErasureId, OrganizationId};
use projections::erasures;
use uuid::Uuid;

pub(super) async fn by_id(call: &Call, id: &str) -> Result<Option<Erasure>> {
    let Some(node) = visible(call, id).await? else { return Ok(None) };
    let row = erasures::by_id(&*reader(call).await?, node.organization, ErasureId(node.id)).await.map_err(internal)?;
    Ok(Erasure::of_rows(call, row.into_iter().collect()).await?.pop())
}

pub(super) async fn certificate(call: &Call, id: &str) -> Result<Option<ErasureCertificate>> {
    let Some(node) = visible(call, id).await? else { return Ok(None) };
    ErasureCertificate::of(call, node.organization, ErasureId(node.id)).await
}

pub(super) async fn page(
    call: &Call,
    organization: OrganizationId,
    first: Option<i32>,
    after: Option<String>,
) -> Result<ErasureConnection> {
    let first = size(first)?;
    let after = parse_cursor(after.as_deref())?.map(|bytes| ErasureId(Uuid::from_bytes(bytes)));
    let page = erasures::page(&*reader(call).await?, organization, first, after).await.map_err(internal)?;
    Erasure::page(call, page, after.is_some()).await
}

/// The case that the id names, when the caller may see it.
async fn visible(call: &Call, id: &str) -> Result<Option<NodeId>> {
    if !call.caller.is_known() {
        return Err(Denied::Unauthenticated.into());
    }
    let Some(node) = NodeId::parse_as(Category::Erasure, id) else { return Ok(None) };
    if node.organization == OrganizationId::PLATFORM {
        let Ok(session) = call.person() else { return Ok(None) };
        let case = call.state.commands.load_erasure(node.organization, ErasureId(node.id)).await.map_err(internal)?;
        return Ok((case.state.user == Some(session.user)).then_some(node));
    }
    Ok(absent(call.allow(node.organization, Need::Read).await)?.map(|_| node))
}
