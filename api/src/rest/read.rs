//! Reading one message back.

use super::answer::RestError;
use super::send::caller;
use crate::call::{Call, Need};
use crate::personal::shown;
use crate::state::State;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use domain::{EmailId, OrganizationId, Position, Purpose, RecipientField, StreamName, Timestamp};
use projections::{EmailRow, emails};
use serde_json::{Value, json};

pub(crate) async fn one(request: HttpRequest, state: Data<State>, id: Path<String>) -> HttpResponse {
    match read(&request, &state, &id).await {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => error.response(),
    }
}

async fn read(request: &HttpRequest, state: &Data<State>, id: &str) -> Result<Value, RestError> {
    let (call, organization) = caller(state, request, Need::Read).await?;
    let id: EmailId = id.parse().map_err(|_| RestError::not_found())?;
    let row = row(state, organization, id).await?.ok_or_else(RestError::not_found)?;
    json_of(&call, &row).await
}

/// Clients of this interface know no positions. Who asks for what was just sent waits until it can be shown.
async fn row(state: &Data<State>, organization: OrganizationId, id: EmailId) -> Result<Option<EmailRow>, RestError> {
    let found = find(state, organization, id).await?;
    if found.is_some() {
        return Ok(found);
    }
    let stream = StreamName::new(domain::Category::Email, organization, id.0);
    let events = state.store.read_streams(&[stream]).await.map_err(|error| RestError::internal(&error))?;
    let Some(first) = events.first().and_then(|events| events.first()) else { return Ok(None) };
    let recorded: Position = first.position;
    state.freshness.at_least(&["emails"], recorded, state.settings.freshness_wait).await;
    find(state, organization, id).await
}

async fn find(state: &Data<State>, organization: OrganizationId, id: EmailId) -> Result<Option<EmailRow>, RestError> {
    let client = state.read_pool.get().await.map_err(|error| RestError::internal(&error))?;
    emails::by_id(&client, organization, id).await.map_err(|error| RestError::internal(&error))
}

async fn json_of(call: &Call, row: &EmailRow) -> Result<Value, RestError> {
    let sender = call.open(Purpose::Service, &row.sender).await.map_err(|error| RestError::internal(&error))?;
    let sealed: Vec<_> = row.recipients.iter().map(|recipient| &recipient.details).collect();
    let opened = call.open_many(Purpose::Service, &sealed).await.map_err(|error| RestError::internal(&error))?;
    // Who was forgotten is not in the list any more.
    let addresses = |field: RecipientField| -> Vec<String> {
        let of_field = row.recipients.iter().zip(&opened).filter(|(recipient, _)| recipient.field == field);
        of_field.filter_map(|(_, opened)| shown(opened)).map(mailbox).collect()
    };
    let sender = shown(&sender);
    let tags = sender.map(|sender| sender.tags.iter().map(|tag| json!({ "name": tag.name, "value": tag.value })).collect::<Vec<_>>());
    Ok(json!({
        "object": "email",
        "id": row.id.0,
        "from": sender.map(|sender| sender.from.as_str()),
        "to": addresses(RecipientField::To),
        "cc": addresses(RecipientField::Cc),
        "bcc": addresses(RecipientField::Bcc),
        "reply_to": sender.map(|sender| sender.reply_to.as_slice()).unwrap_or_default(),
        "subject": opened.iter().find_map(shown).map(|recipient| recipient.subject_line.as_str()),
        // Bodies are not kept beyond delivery.
        "html": null,
        "text": null,
        "tags": tags.unwrap_or_default(),
        "created_at": time(row.created_at),
        "scheduled_at": row.scheduled_at.map(time),
        "last_event": row.status.last_event(),
    }))
}

fn mailbox(details: &domain::RecipientDetails) -> String {
    match &details.name {
        Some(name) => format!("{name} <{}>", details.address),
        None => details.address.clone(),
    }
}

fn time(time: Timestamp) -> String {
    time.to_string()
}
