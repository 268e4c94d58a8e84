//! Sending, sending many, cancelling.

use super::answer::RestError;
use super::fields;
use crate::body::Body;
use crate::call::{Call, Denied, Need};
use crate::message::of_refusal;
use crate::origin_check;
use crate::state::State;
use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use commands::{Accepted, CancelEmail, Failure, SendEmail, SendEmails};
use domain::{EmailId, EmailRefusal, Interface, OrganizationId};
use serde_json::{Value, json};

pub(crate) async fn one(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    respond(send_one(&request, payload, &state).await)
}

pub(crate) async fn batch(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    respond(send_batch(&request, payload, &state).await)
}

pub(crate) async fn cancel(request: HttpRequest, state: Data<State>, id: Path<String>) -> HttpResponse {
    respond(cancel_one(&request, &state, &id).await)
}

fn respond(outcome: Result<Value, RestError>) -> HttpResponse {
    match outcome {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => error.response(),
    }
}

/// The caller and the organisation, when the key may do what is needed.
pub(super) async fn caller(state: &Data<State>, request: &HttpRequest, need: Need) -> Result<(Call, OrganizationId), RestError> {
    if origin_check::is_foreign(state, request) {
        return Err(RestError::new(403, "validation_error", "Requests of other sites are refused."));
    }
    let call = Call::of(state, request).await.map_err(|fault| RestError::internal(&fault))?;
    if !call.caller.is_known() {
        return Err(RestError::unauthenticated(&call.caller));
    }
    match call.organization(None, need).await {
        Ok(organization) => Ok((call, organization)),
        Err(Denied::Fault(fault)) => Err(RestError::internal(&fault)),
        Err(Denied::Forbidden) if need == Need::Read => {
            Err(RestError::new(401, "restricted_api_key", "This API key is restricted to only send emails"))
        }
        Err(Denied::Forbidden) => Err(RestError::new(401, "restricted_api_key", "This API key lacks the scope that this needs")),
        Err(_) => Err(RestError::new(403, "invalid_api_key", "API key is invalid")),
    }
}

async fn body(state: &Data<State>, request: &HttpRequest, payload: Payload) -> Result<(Value, Body), RestError> {
    let is_json = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json =
        is_json.is_some_and(|value| value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")));
    if !is_json {
        return Err(RestError::new(415, "validation_error", "Send `content-type: application/json`."));
    }
    let mut body = state.bodies.read(request, payload, state.settings.body_bytes_max).await.map_err(RestError::of_body)?;
    let value =
        serde_json::from_slice(&body.bytes).map_err(|_| RestError::new(400, "validation_error", "The request body must be valid JSON."))?;
    // Its share of the budget stays taken while the message is worked on, its bytes need not.
    body.bytes = Vec::new();
    Ok((value, body))
}

async fn send_one(request: &HttpRequest, payload: Payload, state: &Data<State>) -> Result<Value, RestError> {
    let (call, organization) = caller(state, request, Need::Send).await?;
    let (value, _held) = body(state, request, payload).await?;
    let message = to_command(value)?;
    let accepted = send(&call, organization, vec![message], idempotency_key(request)?).await;
    let accepted = accepted.map_err(|(_, error)| error)?;
    let id = accepted.first().map(|accepted| accepted.email.0).ok_or_else(|| RestError::validation("No message was given."))?;
    Ok(json!({ "id": id }))
}

async fn send_batch(request: &HttpRequest, payload: Payload, state: &Data<State>) -> Result<Value, RestError> {
    let (call, organization) = caller(state, request, Need::Send).await?;
    let permissive = match request.headers().get("x-batch-validation").map(|value| value.as_bytes()) {
        None | Some(b"strict") => false,
        Some(b"permissive") => true,
        Some(_) => return Err(RestError::validation("`x-batch-validation` is `strict` or `permissive`.")),
    };
    let (value, _held) = body(state, request, payload).await?;
    let Value::Array(values) = value else { return Err(RestError::validation("The body must be an array of messages.")) };
    if values.is_empty() || values.len() > 100 {
        return Err(RestError::validation("A batch has 1 to 100 messages."));
    }
    let key = idempotency_key(request)?;
    let mut messages = Vec::with_capacity(values.len());
    let mut errors = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        match to_command(value) {
            Ok(message) => messages.push((index, message)),
            Err(error) if permissive => errors.push((index, error)),
            Err(error) => return Err(in_batch(index, error)),
        }
    }
    let accepted = send_all_that_can_be_sent(&call, organization, messages, key, permissive, &mut errors).await?;
    let data: Vec<Value> = accepted.iter().map(|accepted| json!({ "id": accepted.email.0 })).collect();
    if !permissive {
        return Ok(json!({ "data": data }));
    }
    errors.sort_by_key(|(index, _)| *index);
    let errors: Vec<Value> = errors.iter().map(|(index, error)| json!({ "index": index, "message": error.message })).collect();
    Ok(json!({ "data": data, "errors": errors }))
}

/// Strictly all or none; permissively without those that a rule refuses, found one after the other, since a refusal names one message.
async fn send_all_that_can_be_sent(
    call: &Call,
    organization: OrganizationId,
    mut messages: Vec<(usize, SendEmail)>,
    key: Option<String>,
    permissive: bool,
    errors: &mut Vec<(usize, RestError)>,
) -> Result<Vec<Accepted>, RestError> {
    if !permissive {
        let (indices, request): (Vec<usize>, Vec<SendEmail>) = messages.into_iter().unzip();
        let index = |number: usize| indices.get(number).copied().unwrap_or(number);
        let sent = send(call, organization, request, key).await;
        return sent.map_err(|(number, error)| number.map_or(error.clone(), |number| in_batch(index(number), error)));
    }
    while !messages.is_empty() {
        let request = messages.iter().map(|(_, message)| message.clone()).collect();
        match send(call, organization, request, key.clone()).await {
            Ok(accepted) => return Ok(accepted),
            Err((Some(number), error)) if number < messages.len() => {
                let (index, _) = messages.remove(number);
                errors.push((index, error));
            }
            Err((_, error)) => return Err(error),
        }
    }
    Ok(vec![])
}

fn in_batch(index: usize, error: RestError) -> RestError {
    RestError { message: format!("Message {index}: {}", error.message), ..error }
}

async fn send(
    call: &Call,
    organization: OrganizationId,
    messages: Vec<SendEmail>,
    idempotency_key: Option<String>,
) -> Result<Vec<Accepted>, (Option<usize>, RestError)> {
    let by = call.request(organization).map_err(|_| (None, RestError::unauthenticated(&call.caller)))?;
    let request = SendEmails { messages, idempotency_key, interface: Interface::Rest };
    call.state.commands.send_emails(&by, request).await.map_err(|failure| match failure {
        Failure::Refused(refusal) => {
            let (number, problem) = of_refusal(refusal);
            (number, RestError::of_problem(&problem))
        }
        Failure::Fault(fault) => (None, RestError::internal(&fault)),
    })
}

fn to_command(value: Value) -> Result<SendEmail, RestError> {
    fields::message(value)?
        .into_command()
        .map_err(|problems| problems.first().map_or_else(|| RestError::validation("The message is not valid."), RestError::of_problem))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, RestError> {
    match request.headers().get("idempotency-key") {
        None => Ok(None),
        Some(key) => match key.to_str() {
            Ok(key) => Ok(Some(key.to_owned())),
            Err(_) => Err(RestError::new(400, "invalid_idempotency_key", "The key must be printable ASCII.")),
        },
    }
}

async fn cancel_one(request: &HttpRequest, state: &Data<State>, id: &str) -> Result<Value, RestError> {
    let (call, organization) = caller(state, request, Need::Send).await?;
    let email: EmailId = id.parse().map_err(|_| RestError::not_found())?;
    let by = call.request(organization).map_err(|_| RestError::unauthenticated(&call.caller))?;
    match call.state.commands.cancel_email(&by, CancelEmail { email }).await {
        Ok(_) => Ok(json!({ "object": "email", "id": email.0 })),
        Err(Failure::Refused(EmailRefusal::NothingToCancel)) => {
            Err(RestError::validation("The email cannot be cancelled: it has left, or ended."))
        }
        Err(Failure::Refused(_)) => Err(RestError::not_found()),
        Err(Failure::Fault(fault)) => Err(RestError::internal(&fault)),
    }
}
