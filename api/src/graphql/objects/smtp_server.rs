//! An organisation's own mail server, never its secret.

use super::{TlsMode, TlsVersion, call, fresh, reader};
use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::past;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::{Category, OrganizationId, Position, Purpose, SmtpServerDetails, SmtpServerId};
use history::{Moment, Past};
use projections::{SmtpServerRow, smtp_servers};
use std::sync::Arc;
use tokio::sync::OnceCell;
use vault::Opened;

type Loaded = (SmtpServerRow, Opened<SmtpServerDetails>);

/// A mail server that an organization connected. Its secret can be written and never read.
#[derive(Clone)]
pub(crate) struct SmtpServer {
    organization: OrganizationId,
    id: SmtpServerId,
    after: Option<Position>,
    loaded: Arc<OnceCell<Option<Loaded>>>,
}

impl SmtpServer {
    pub fn at(organization: OrganizationId, id: SmtpServerId, position: Position) -> Self {
        Self { organization, id, after: Some(position), loaded: Arc::default() }
    }

    /// All that an organisation connected, newest first.
    pub async fn of_organization(call: &Call, organization: OrganizationId) -> Result<Vec<Self>> {
        let rows = smtp_servers::of_organization(&*reader(call).await?, organization).await.map_err(internal)?;
        Self::of_rows(call, organization, rows).await
    }

    /// The same at a moment, when that server was selected.
    pub async fn of_organization_as_of(
        call: &Call,
        organization: OrganizationId,
        moment: Moment,
        selected: Option<SmtpServerId>,
    ) -> Result<Vec<Self>> {
        let servers = call.state.history.all(organization, moment).await.map_err(past::refused)?;
        let rows = servers.into_iter().filter_map(|past| row_as_of(past, selected)).collect();
        Self::of_rows(call, organization, rows).await
    }

    async fn of_rows(call: &Call, organization: OrganizationId, rows: Vec<SmtpServerRow>) -> Result<Vec<Self>> {
        let sealed: Vec<_> = rows.iter().map(|row| &row.details).collect();
        let opened = call.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
        let servers = rows.into_iter().zip(opened).map(|(row, opened)| Self {
            organization,
            id: row.id,
            after: None,
            loaded: Arc::new(OnceCell::new_with(Some(Some((row, opened))))),
        });
        Ok(servers.collect())
    }

    pub fn id_in(&self) -> SmtpServerId {
        self.id
    }

    async fn loaded<'a>(&'a self, context: &Context<'_>) -> Result<Option<&'a Loaded>> {
        let call = call(context);
        let loaded = self.loaded.get_or_try_init(|| async {
            fresh(call, &["smtp_servers"], self.after).await?;
            let rows = smtp_servers::of_organization(&*reader(call).await?, self.organization).await.map_err(internal)?;
            let Some(row) = rows.into_iter().find(|row| row.id == self.id) else { return Ok(None) };
            let opened = call.open(Purpose::Service, &row.details).await.map_err(internal)?;
            Ok::<_, async_graphql::Error>(Some((row, opened)))
        });
        Ok(loaded.await?.as_ref())
    }
}

/// As the read model would have shown it.
fn row_as_of(past: Past<domain::SmtpServer>, selected: Option<SmtpServerId>) -> Option<SmtpServerRow> {
    let (settings, id) = (past.state.settings?, SmtpServerId(past.stream.id));
    Some(SmtpServerRow {
        organization: past.stream.organization,
        id,
        details: settings.details,
        port: settings.port,
        tls_mode: settings.tls_mode,
        tls_version: settings.tls_version,
        has_secret: settings.secret.is_some(),
        connected_at: settings.connected_at,
        selected: selected == Some(id),
    })
}

/// A mail server that an organization connected. Its secret can be written and never read.
#[Object]
impl SmtpServer {
    /// Its id.
    pub async fn id(&self) -> ID {
        NodeId::new(Category::SmtpServer, self.organization, self.id.0).into()
    }

    /// Host name or IP address.
    async fn host(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.loaded(context).await?.and_then(|(_, details)| shown(details)).map(|details| details.host.as_str()))
    }

    /// As whom Lethemail logs in.
    async fn username(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.loaded(context).await?.and_then(|(_, details)| shown(details)).and_then(|details| details.username.as_deref()))
    }

    /// Whether host and username can be read.
    async fn personal_data(&self, context: &Context<'_>) -> Result<Option<PersonalData>> {
        Ok(self.loaded(context).await?.map(|(_, details)| details.into()))
    }

    /// The port.
    async fn port(&self, context: &Context<'_>) -> Result<Option<u16>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.port))
    }

    /// How the connection is protected.
    async fn tls_mode(&self, context: &Context<'_>) -> Result<Option<TlsMode>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.tls_mode.into()))
    }

    /// What was agreed on when the server was connected; null for a connection in clear.
    async fn tls_version(&self, context: &Context<'_>) -> Result<Option<TlsVersion>> {
        Ok(self.loaded(context).await?.and_then(|(row, _)| row.tls_version).map(TlsVersion::from))
    }

    /// Whether there is a secret. It cannot be read.
    async fn has_secret(&self, context: &Context<'_>) -> Result<Option<bool>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.has_secret))
    }

    /// Whether the organization's mail goes through it.
    async fn selected(&self, context: &Context<'_>) -> Result<Option<bool>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.selected))
    }

    /// When it was connected.
    async fn connected_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.loaded(context).await?.map(|(row, _)| row.connected_at.to_datetime()))
    }
}
