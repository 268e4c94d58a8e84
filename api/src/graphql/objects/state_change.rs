//! What changed, and which events did it.

use super::history::{ActorKind, actor};
use crate::call::Call;
use crate::graphql::code::internal;
use crate::node_id::NodeId;
use crate::personal::PersonalData;
use crate::position_token::PositionToken;
use async_graphql::{ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Category, OrganizationId, Purpose, SlotContent};
use futures::future::try_join_all;
use history::{Cause, Change, FieldValue, SealedValue};
use serde_json::Value;
use uuid::Uuid;
use vault::Opened;

/// A field that had another value at the second moment than at the first.
#[derive(Clone, SimpleObject)]
pub(crate) struct StateChange {
    /// The thing that it is a field of.
    target_id: ID,
    /// The field's name. Parts of a thing are named with a dot, as in `recipients.0.state` or `members.role`.
    field: String,
    /// Which member, where it is a member's.
    member_id: Option<ID>,
    /// What it was; null where it had no value.
    before: Option<StateValue>,
    /// What it became; null where it has no value any more.
    after: Option<StateValue>,
    /// The events in between that gave it another value, oldest first.
    causes: Vec<StateCause>,
}

/// A field's value.
#[derive(Clone, SimpleObject)]
pub(crate) struct StateValue {
    /// The value: a word, a number, a time, an id, or JSON. Null for personal data that cannot be read.
    text: Option<String>,
    /// Whether it can be read; null for what is not personal, and for secrets, which nobody reads here.
    personal_data: Option<PersonalData>,
}

/// An event that changed something.
#[derive(Clone, SimpleObject)]
pub(crate) struct StateCause {
    /// Its id, the same everywhere.
    id: ID,
    /// What happened, by the event's name.
    r#type: String,
    /// When.
    occurred_at: DateTime<Utc>,
    /// Where it is recorded.
    position: PositionToken,
    /// What kind of actor did it.
    actor_kind: ActorKind,
    /// Who: the person or key; null for Lethemail itself.
    actor_id: Option<ID>,
}

impl StateChange {
    /// Everything personal is opened together: the vault joins what is asked at once.
    pub async fn of_many(call: &Call, changes: Vec<Change>) -> Result<Vec<Self>> {
        try_join_all(changes.into_iter().map(|change| Self::of(call, change))).await
    }

    async fn of(call: &Call, change: Change) -> Result<Self> {
        let target = change.stream;
        let (field, part) = named(&change.field);
        let member = part.filter(|_| target.category == Category::Organization);
        let mut causes = Vec::with_capacity(change.causes.len());
        for cause in change.causes {
            causes.push(StateCause::of(call, cause).await?);
        }
        Ok(Self {
            target_id: NodeId::new(target.category, target.organization, target.id).into(),
            field,
            member_id: member.map(|user| NodeId::new(Category::User, OrganizationId::PLATFORM, user).into()),
            before: StateValue::of(call, change.before).await?,
            after: StateValue::of(call, change.after).await?,
            causes,
        })
    }
}

impl StateCause {
    async fn of(call: &Call, cause: Cause) -> Result<Self> {
        let (actor_kind, actor_id) = actor(cause.actor, cause.stream.organization);
        Ok(Self {
            id: ID(cause.event_id.0.to_string()),
            r#type: cause.event_type,
            occurred_at: cause.occurred_at.to_datetime(),
            position: call.state.position_token(cause.position).await.map_err(internal)?,
            actor_kind,
            actor_id: actor_id.map(ID::from),
        })
    }
}

impl StateValue {
    async fn of(call: &Call, value: Option<FieldValue>) -> Result<Option<Self>> {
        let text = match value {
            None => return Ok(None),
            Some(FieldValue::Plain(value)) => spelled(value),
            Some(FieldValue::Time(time)) => time.to_string(),
            Some(FieldValue::Thing(stream)) => NodeId::new(stream.category, stream.organization, stream.id).to_string(),
            Some(FieldValue::Sealed(sealed)) => return Self::opened(call, sealed).await.map(Some),
        };
        Ok(Some(Self { text: Some(text), personal_data: None }))
    }

    async fn opened(call: &Call, sealed: SealedValue) -> Result<Self> {
        if !sealed.data.entry().purposes.contains(&Purpose::Service) {
            return Ok(Self { text: None, personal_data: None });
        }
        let envelope = match &sealed.content {
            SlotContent::Envelope(envelope) => envelope,
            SlotContent::Withheld => return Ok(Self { text: None, personal_data: Some(PersonalData::Erased) }),
            SlotContent::Removed(_) => return Ok(Self { text: None, personal_data: Some(PersonalData::Expired) }),
        };
        let opened = call
            .state
            .commands
            .open_named(call.actor(), Purpose::Service, sealed.data, &sealed.context, envelope)
            .await
            .map_err(internal)?;
        let text = match &opened {
            Opened::Readable(json) => Some(String::from_utf8_lossy(json.expose()).into_owned()),
            Opened::Erased | Opened::Expired | Opened::Restricted => None,
        };
        Ok(Self { text, personal_data: Some(PersonalData::from(&opened)) })
    }
}

/// The field's name without the id of the part that it is of.
fn named(field: &str) -> (String, Option<Uuid>) {
    let part = field.split('.').find_map(|step| step.parse::<Uuid>().ok());
    let steps = field.split('.').filter(|step| step.parse::<Uuid>().is_err());
    let name: Vec<String> = steps.map(camel_case).collect();
    (name.join("."), part)
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        name.push_str(&part[..1].to_uppercase());
        name.push_str(&part[1..]);
        name
    })
}

/// Words as GraphQL writes them.
fn spelled(value: Value) -> String {
    match value {
        Value::String(word) => word.to_uppercase(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            let words: Vec<String> = values.into_iter().map(spelled).collect();
            words.join(", ")
        }
        other => other.to_string(),
    }
}
