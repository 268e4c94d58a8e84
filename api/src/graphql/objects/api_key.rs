//! An API key, never its secret.

use super::{ApiScope, call, fresh, reader};
use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::connection::{connection, cursor};
use crate::graphql::past;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::{ApiKeyDetails, ApiKeyId, Category, OrganizationId, Position, Purpose};
use history::{Moment, Past};
use projections::{ApiKeyRow, Page, api_keys};
use std::sync::Arc;
use tokio::sync::OnceCell;
use vault::Opened;

type Loaded = (ApiKeyRow, Opened<ApiKeyDetails>);

/// A credential of an application. What it is was shown once, when it was made.
#[derive(Clone)]
pub(crate) struct ApiKey {
    organization: OrganizationId,
    id: ApiKeyId,
    after: Option<Position>,
    loaded: Arc<OnceCell<Option<Loaded>>>,
}

connection!(ApiKeyConnection, ApiKeyEdge, ApiKey, "API keys, newest first");

impl ApiKey {
    pub fn at(organization: OrganizationId, id: ApiKeyId, position: Position) -> Self {
        Self { organization, id, after: Some(position), loaded: Arc::default() }
    }

    pub async fn page(call: &Call, page: Page<ApiKeyRow>, has_previous_page: bool) -> Result<ApiKeyConnection> {
        let keys = Self::of_rows(call, page.rows).await?;
        let places = keys.into_iter().map(|key| (cursor(key.id.0.as_bytes()), key)).collect();
        Ok(ApiKeyConnection::new(places, page.has_next, has_previous_page))
    }

    /// As they were at a moment. The places of this list are those of the log.
    pub async fn page_as_of(
        call: &Call,
        organization: OrganizationId,
        moment: Moment,
        first: usize,
        after: Option<&str>,
    ) -> Result<ApiKeyConnection> {
        let listed = past::list(call, organization, moment, (first, after), |_| true, row_as_of).await?;
        let found = Self::of_rows(call, listed.rows).await?;
        Ok(ApiKeyConnection::new(listed.places.into_iter().zip(found).collect(), listed.has_next, listed.has_previous))
    }

    pub async fn of_rows(call: &Call, rows: Vec<ApiKeyRow>) -> Result<Vec<Self>> {
        let sealed: Vec<_> = rows.iter().map(|row| &row.details).collect();
        let opened = call.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
        let keys = rows.into_iter().zip(opened).map(|(row, opened)| Self {
            organization: row.organization,
            id: row.id,
            after: None,
            loaded: Arc::new(OnceCell::new_with(Some(Some((row, opened))))),
        });
        Ok(keys.collect())
    }

    async fn loaded<'a>(&'a self, context: &Context<'_>) -> Result<Option<&'a Loaded>> {
        let call = call(context);
        let loaded = self.loaded.get_or_try_init(|| async {
            fresh(call, &["api_keys"], self.after).await?;
            let rows = api_keys::by_ids(&*reader(call).await?, self.organization, &[self.id]).await.map_err(internal)?;
            let Some(row) = rows.into_iter().next() else { return Ok(None) };
            let opened = call.open(Purpose::Service, &row.details).await.map_err(internal)?;
            Ok::<_, async_graphql::Error>(Some((row, opened)))
        });
        Ok(loaded.await?.as_ref())
    }
}

/// As the read model would have shown it, and its place in the log.
fn row_as_of(past: Past<domain::ApiKey>) -> Option<(Position, ApiKeyRow)> {
    let Past { stream, state, began, .. } = past;
    let row = ApiKeyRow {
        organization: stream.organization,
        id: ApiKeyId(stream.id),
        details: state.details?,
        scopes: state.scopes.into_iter().collect(),
        created_at: state.created_at?,
        created_by: state.created_by?,
        revoked_at: state.revoked_at,
    };
    Some((began, row))
}

/// A credential of an application. What it is was shown once, when it was made.
#[Object]
impl ApiKey {
    /// Its id, which is no secret.
    pub async fn id(&self) -> ID {
        NodeId::new(Category::ApiKey, self.organization, self.id.0).into()
    }

    /// What its maker called it.
    async fn name(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.loaded(context).await?.and_then(|(_, details)| shown(details)).map(|details| details.name.as_str()))
    }

    /// Whether the name can be read.
    async fn personal_data(&self, context: &Context<'_>) -> Result<Option<PersonalData>> {
        Ok(self.loaded(context).await?.map(|(_, details)| details.into()))
    }

    /// What it may do.
    async fn scopes(&self, context: &Context<'_>) -> Result<Option<Vec<ApiScope>>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.scopes.iter().copied().map(ApiScope::from).collect()))
    }

    /// When it was made.
    async fn created_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.created_at.to_datetime()))
    }

    /// When it ended; null while it works.
    async fn revoked_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.loaded(context).await?.and_then(|(row, _)| row.revoked_at).map(|time| time.to_datetime()))
    }
}
