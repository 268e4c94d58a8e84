//! Who did what, when, from where.

use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::connection::{connection, cursor};
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use crate::position_token::PositionToken;
use async_graphql::{Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Actor, Category, OrganizationId, Purpose};
use projections::{HistoryOrigin, HistoryRow, Page};
use vault::Opened;

/// What kind of actor did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ActorKind {
    /// A person.
    Member,
    /// An application.
    ApiKey,
    /// Lethemail itself.
    System,
}

/// Something that somebody did.
#[derive(Clone, SimpleObject)]
pub(crate) struct AccountAction {
    /// Its id, the same everywhere.
    id: ID,
    /// What was done, by the event's name.
    r#type: String,
    /// When.
    occurred_at: DateTime<Utc>,
    /// Where it is recorded.
    position: PositionToken,
    /// What kind of actor did it.
    actor_kind: ActorKind,
    /// Who: the person or key; null for Lethemail itself.
    actor_id: Option<ID>,
    /// What it was done to.
    target_id: ID,
    /// The network address that the request came from.
    ip: Option<String>,
    /// The program that the request was made with.
    user_agent: Option<String>,
    /// Whether address and program can be read; null where nobody asked.
    personal_data: Option<PersonalData>,
}

connection!(AccountActionConnection, AccountActionEdge, AccountAction, "actions, newest first");

/// Where a request came from, as far as that can be known.
#[derive(Clone, Default)]
struct Whence {
    ip: Option<String>,
    user_agent: Option<String>,
    personal_data: Option<PersonalData>,
}

impl AccountAction {
    pub async fn page(call: &Call, page: Page<HistoryRow>, has_previous_page: bool) -> Result<AccountActionConnection> {
        let whence = whence(call, &page.rows).await?;
        let mut places = Vec::with_capacity(page.rows.len());
        for (row, whence) in page.rows.into_iter().zip(whence) {
            let position = call.state.position_token(row.position).await.map_err(internal)?;
            let (actor_kind, actor_id) = actor(row.actor, row.stream.organization);
            let action = Self {
                id: ID(row.event_id.0.to_string()),
                r#type: row.event_type,
                occurred_at: row.occurred_at.to_datetime(),
                position,
                actor_kind,
                actor_id: actor_id.map(ID::from),
                target_id: NodeId::new(row.stream.category, row.stream.organization, row.stream.id).into(),
                ip: whence.ip,
                user_agent: whence.user_agent,
                personal_data: whence.personal_data,
            };
            places.push((cursor(&row.position.to_bytes()), action));
        }
        Ok(AccountActionConnection::new(places, page.has_next, has_previous_page))
    }
}

/// What kind of actor, and its id.
pub(super) fn actor(actor: Actor, organization: OrganizationId) -> (ActorKind, Option<NodeId>) {
    match actor {
        Actor::Member(user) => (ActorKind::Member, Some(NodeId::new(Category::User, OrganizationId::PLATFORM, user.0))),
        Actor::ApiKey(key) => (ActorKind::ApiKey, Some(NodeId::new(Category::ApiKey, organization, key.0))),
        Actor::System(_) => (ActorKind::System, None),
    }
}

/// Opened together, in two lots: for a message it stands beside the sender.
async fn whence(call: &Call, rows: &[HistoryRow]) -> Result<Vec<Whence>> {
    let (mut requests, mut senders) = (Vec::new(), Vec::new());
    for row in rows {
        match &row.origin {
            HistoryOrigin::Request(sealed) => requests.push(sealed),
            HistoryOrigin::Sender(sealed) => senders.push(sealed),
            HistoryOrigin::Unstated => {}
        }
    }
    let mut requests = call.open_many(Purpose::Service, &requests).await.map_err(internal)?.into_iter();
    let mut senders = call.open_many(Purpose::Service, &senders).await.map_err(internal)?.into_iter();
    let whence = rows.iter().map(|row| match &row.origin {
        HistoryOrigin::Request(_) => requests
            .next()
            .map_or_else(Whence::default, |opened| Whence::of(&opened, |origin| (origin.ip.clone(), origin.user_agent.clone()))),
        HistoryOrigin::Sender(_) => senders
            .next()
            .map_or_else(Whence::default, |opened| Whence::of(&opened, |sender| (sender.ip.clone(), sender.user_agent.clone()))),
        HistoryOrigin::Unstated => Whence::default(),
    });
    Ok(whence.collect())
}

impl Whence {
    fn of<T>(opened: &Opened<T>, parts: impl FnOnce(&T) -> (Option<String>, Option<String>)) -> Self {
        let (ip, user_agent) = shown(opened).map(parts).unwrap_or_default();
        Self { ip, user_agent, personal_data: Some(opened.into()) }
    }
}
