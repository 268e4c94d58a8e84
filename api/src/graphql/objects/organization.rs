//! An organisation and what it has.

use super::{ApiKey, ApiKeyConnection, Bucket, DataRead, Hold, Retention, Role, SmtpServer, call, fresh, reader};
use crate::call::{Call, Need};
use crate::graphql::code::internal;
use crate::graphql::connection::{parse_cursor, size};
use crate::graphql::past;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};

use domain::{ApiKeyId, Category, OrganizationDetails, OrganizationId, Position, Purpose, Timestamp, UserId};
use history::{Moment, Past};
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
    /// Everything about it is told as it was then.
    then: Option<Arc<Then>>,
    loaded: Arc<OnceCell<Option<Loaded>>>,
}

/// The organisation as it was at a moment.
struct Then {
    moment: Moment,
    state: domain::Organization,
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
        Self { id, after, then: None, loaded: Arc::default() }
    }

    /// `None` when it did not exist then.
    pub async fn as_of(call: &Call, id: OrganizationId, moment: Moment) -> Result<Option<Self>> {
        let past: Option<Past<domain::Organization>> = call.state.history.as_of(id, id.0, moment).await.map_err(past::refused)?;
        let Some(state) = past.map(|past| past.state) else { return Ok(None) };
        let (Some(details), Some(created_at)) = (state.details.clone(), state.created_at) else { return Ok(None) };
        let row = OrganizationRow { id, details, created_at, smtp_server: state.smtp_server, closed_at: state.closed_at };
        let found = Self::of_rows(call, vec![row]).await?.pop();
        Ok(found.map(|organization| Self { then: Some(Arc::new(Then { moment, state })), ..organization }))
    }

    pub async fn of_rows(call: &Call, rows: Vec<OrganizationRow>) -> Result<Vec<Self>> {
        let sealed: Vec<_> = rows.iter().map(|row| &row.details).collect();
        let opened = call.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
        let organizations = rows.into_iter().zip(opened).map(|(row, opened)| Self {
            id: row.id,
            after: None,
            then: None,
            loaded: Arc::new(OnceCell::new_with(Some(Some((row, opened))))),
        });
        Ok(organizations.collect())
    }

    async fn loaded<'a>(&'a self, context: &Context<'_>) -> Result<Option<&'a Loaded>> {
        let call = call(context);
        let loaded = self.loaded.get_or_try_init(|| async {
            fresh(call, &["organizations"], self.after).await?;
            let Some(row) = organizations::by_id(&*reader(call).await?, self.id).await.map_err(internal)? else { return Ok(None) };
            let opened = call.open(Purpose::Service, &row.details).await.map_err(internal)?;
            Ok::<_, async_graphql::Error>(Some((row, opened)))
        });
        Ok(loaded.await?.as_ref())
    }
}

impl Member {
    fn new(user: UserId, role: domain::Role, joined_at: Timestamp) -> Self {
        let user_id = NodeId::new(Category::User, OrganizationId::PLATFORM, user.0).into();
        Self { user_id, role: role.into(), joined_at: joined_at.to_datetime() }
    }
}

impl Then {
    /// In the order in which they joined, as the read model has them.
    fn members(&self) -> Vec<Member> {
        let joined_at = |user| self.state.joined_at.get(user).copied().unwrap_or_default();
        let mut members: Vec<_> = self.state.members.iter().map(|(user, role)| (joined_at(user), *user, *role)).collect();
        members.sort_unstable_by_key(|(joined_at, user, _)| (*joined_at, *user));
        members.into_iter().map(|(joined_at, user, role)| Member::new(user, role, joined_at)).collect()
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
        if let Some(then) = &self.then {
            return Ok(then.members());
        }
        fresh(call, &["organizations"], self.after).await?;
        let rows = organizations::members(&*reader(call).await?, self.id).await.map_err(internal)?;
        Ok(rows.into_iter().map(|row| Member::new(row.user, row.role, row.joined_at)).collect())
    }

    /// Its API keys, newest first, revoked ones included.
    async fn api_keys(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<ApiKeyConnection> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        if let Some(then) = &self.then {
            return ApiKey::page_as_of(call, self.id, then.moment, size(first)?, after.as_deref()).await;
        }
        fresh(call, &["api_keys"], self.after).await?;
        let behind = parse_cursor(after.as_deref())?.map(|bytes| ApiKeyId(Uuid::from_bytes(bytes)));
        let page = api_keys::page(&*reader(call).await?, self.id, size(first)?, behind).await.map_err(internal)?;
        ApiKey::page(call, page, behind.is_some()).await
    }

    /// The mail servers that it connected, newest first.
    async fn smtp_servers(&self, context: &Context<'_>) -> Result<Vec<SmtpServer>> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        if let Some(then) = &self.then {
            return SmtpServer::of_organization_as_of(call, self.id, then.moment, then.state.smtp_server).await;
        }
        fresh(call, &["smtp_servers"], self.after).await?;
        SmtpServer::of_organization(call, self.id).await
    }

    /// For how long its operational data is kept.
    async fn retention(&self, context: &Context<'_>) -> Result<Retention> {
        let call = call(context);
        call.allow(self.id, Need::Read).await?;
        match &self.then {
            Some(then) => {
                let time = call.state.history.time_of(then.moment).await.map_err(past::refused)?;
                Ok(Retention::at(time, &then.state))
            }
            None => Retention::now(call, self.id).await,
        }
    }

    /// Every bucket of its data, and when each ends. Keys are those of now, so there is no such list of the past: null.
    async fn buckets(&self, context: &Context<'_>) -> Result<Option<Vec<Bucket>>> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        if self.then.is_some() {
            return Ok(None);
        }
        Bucket::of_organization(call, self.id).await.map(Some)
    }

    /// What anybody asked to be held, the last first.
    async fn holds(&self, context: &Context<'_>) -> Result<Vec<Hold>> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        let moment = self.then.as_ref().map_or_else(|| call.state.history.now(), |then| then.moment);
        Hold::of_organization(call, self.id, moment).await
    }

    /// Who opened its data, and why: counts of the days from `since` to `until`, of the last 30 days where none is given, the newest first and 1,000 at most.
    /// What was refused, and what whoever runs the installation opened, are events of its history.
    async fn data_reads(&self, context: &Context<'_>, since: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<Vec<DataRead>> {
        let call = call(context);
        call.allow(self.id, Need::Administer).await?;
        DataRead::of(call, self.id, since, until).await
    }

    /// The server that its mail goes through; null for the built-in sandbox, which captures it.
    async fn smtp_server_id(&self, context: &Context<'_>) -> Result<Option<ID>> {
        let row = self.loaded(context).await?.and_then(|(row, _)| row.smtp_server);
        Ok(row.map(|server| NodeId::new(Category::SmtpServer, self.id, server.0).into()))
    }
}
