//! An organisation and what it has.

use super::{ApiKey, ApiKeyConnection, Role, SmtpServer, call, fresh, reader};
use crate::call::{Call, Need};
use crate::graphql::code::internal;
use crate::graphql::connection::{parse_cursor, size};
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{ApiKeyId, Category, OrganizationDetails, OrganizationId, Position, Purpose};
use projections::{OrganizationRow, api_keys, organizations};
use std::sync::Arc;
use tokio::sync::OnceCell;
use uuid::Uuid;
use vault::Opened;

type Loaded = (OrganizationRow, Opened<OrganizationDetails>);

/// Those who send together, under one roof that nobody else sees into.
#[derive(Clone)]
pub(crate) struct Organization {
    id: OrganizationId,
    after: Option<Position>,
    loaded: Arc<OnceCell<Option<Loaded>>>,
}

/// A person in an organization.
#[derive(SimpleObject)]
struct Member {
    /// Who.
    user_id: ID,
    /// What the person may do.
    role: Role,
    /// Since when.
    joined_at: DateTime<Utc>,
}

impl Organization {
    pub fn at(id: OrganizationId, position: Position) -> Self {
        Self::of(id, Some(position))
    }

    pub fn of(id: OrganizationId, after: Option<Position>) -> Self {
        Self { id, after, loaded: Arc::default() }
    }

    pub async fn of_rows(call: &Call, rows: Vec<OrganizationRow>) -> Result<Vec<Self>> {
        let sealed: Vec<_> = rows.iter().map(|row| &row.details).collect();
        let opened = call.state.vault.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
        let organizations = rows.into_iter().zip(opened).map(|(row, opened)| Self {
            id: row.id,
            after: None,
            loaded: Arc::new(OnceCell::new_with(Some(Some((row, opened))))),
        });
        Ok(organizations.collect())
    }

    async fn loaded<'a>(&'a self, context: &Context<'_>) -> Result<Option<&'a Loaded>> {
        let call = call(context);
        let loaded = self.loaded.get_or_try_init(|| async {
            fresh(call, &["organizations"], self.after).await?;
            let Some(row) = organizations::by_id(&*reader(call).await?, self.id).await.map_err(internal)? else { return Ok(None) };
            let opened = call.state.vault.open(Purpose::Service, &row.details).await.map_err(internal)?;
            Ok::<_, async_graphql::Error>(Some((row, opened)))
        });
        Ok(loaded.await?.as_ref())
    }
}

/// Those who send together, under one roof that nobody else sees into.
#[Object]
impl Organization {
    /// Its id.
    pub async fn id(&self) -> ID {
        NodeId::organization(self.id).into()
    }

    /// What it is called.
    async fn name(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.loaded(context).await?.and_then(|(_, details)| shown(details)).map(|details| details.name.as_str()))
    }

    /// Whether the name can be read.
    async fn personal_data(&self, context: &Context<'_>) -> Result<Option<PersonalData>> {
        Ok(self.loaded(context).await?.map(|(_, details)| details.into()))
    }

    /// When it was founded.
    async fn created_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.created_at.to_datetime()))
    }

    /// When it was closed; null while it works.
    async fn closed_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.loaded(context).await?.and_then(|(row, _)| row.closed_at).map(|time| time.to_datetime()))
    }

    /// Its members.
    async fn members(&self, context: &Context<'_>) -> Result<Vec<Member>> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        fresh(call, &["organizations"], self.after).await?;
        let rows = organizations::members(&*reader(call).await?, self.id).await.map_err(internal)?;
        let member = |row: projections::MemberRow| Member {
            user_id: NodeId::new(Category::User, OrganizationId::PLATFORM, row.user.0).into(),
            role: row.role.into(),
            joined_at: row.joined_at.to_datetime(),
        };
        Ok(rows.into_iter().map(member).collect())
    }

    /// Its API keys, newest first, revoked ones included.
    async fn api_keys(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<ApiKeyConnection> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        fresh(call, &["api_keys"], self.after).await?;
        let behind = parse_cursor(after.as_deref())?.map(|bytes| ApiKeyId(Uuid::from_bytes(bytes)));
        let page = api_keys::page(&*reader(call).await?, self.id, size(first)?, behind).await.map_err(internal)?;
        ApiKey::page(call, page, behind.is_some()).await
    }

    /// The mail servers that it connected, newest first.
    async fn smtp_servers(&self, context: &Context<'_>) -> Result<Vec<SmtpServer>> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        fresh(call, &["smtp_servers"], self.after).await?;
        SmtpServer::of_organization(call, self.id).await
    }

    /// The server that its mail goes through; null for the built-in sandbox, which captures it.
    async fn smtp_server_id(&self, context: &Context<'_>) -> Result<Option<ID>> {
        let row = self.loaded(context).await?.and_then(|(row, _)| row.smtp_server);
        Ok(row.map(|server| NodeId::new(Category::SmtpServer, self.id, server.0).into()))
    }
}
