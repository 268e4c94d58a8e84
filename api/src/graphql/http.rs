//! GraphQL over HTTP: POST with JSON, GET for queries only. No form and no plain text can ever mutate.

use crate::accept;
use crate::body::{Body, BodyError};
use crate::call::Call;
use crate::graphql::code::{Code, report};
use crate::graphql::document::{Parameters, Prepared, Refused};
use crate::graphql::response::Answer;
use crate::graphql::{sse, websocket};
use crate::origin_check;
use crate::state::State;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use async_graphql::parser::types::OperationType;

const RESPONSE_JSON: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";

/// A stranger has nothing large to say.
const STRANGERS_BODY_BYTES_MAX: usize = 256 << 10;

/// The forms of an answer, the preferred one first.
const OFFERED: [&str; 3] = [JSON, RESPONSE_JSON, EVENT_STREAM];

pub(crate) async fn post(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let Some(form) = accept::choose(&request, &OFFERED) else { return refuse(JSON, Code::NotAcceptable, "ask for application/json") };
    if origin_check::is_foreign(&state, &request) {
        return refuse(form, Code::ForeignOrigin, "requests of other sites are refused");
    }
    if !is_json(&request) {
        return refuse(form, Code::UnsupportedMediaType, "send application/json");
    }
    let call = match Call::of(&state, &request).await {
        Ok(call) => call,
        Err(fault) => return failed(form, &fault),
    };
    let body = match call.caller.is_known() {
        true => state.bodies.read(&request, payload, state.settings.body_bytes_max).await,
        false => state.bodies.read_from_stranger(&request, payload, STRANGERS_BODY_BYTES_MAX).await,
    };
    let mut body = match body {
        Ok(body) => body,
        Err(error) => return refused_body(form, error),
    };
    let parameters = Parameters::from_json(&body.bytes);
    // Its share of the budget stays taken while the request is worked on, its bytes need not.
    body.bytes = Vec::new();
    match parameters.and_then(Parameters::prepare) {
        Ok(prepared) => execute(&request, form, call, prepared, Some(body)).await,
        Err(refused) => answer(form, Answer::refused(&refused, Some(call.correlation))),
    }
}

pub(crate) async fn get(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    if origin_check::is_foreign(&state, &request) {
        return refuse(JSON, Code::ForeignOrigin, "requests of other sites are refused");
    }
    if request.headers().contains_key(header::UPGRADE) {
        return websocket::upgrade(&request, payload, &state).await;
    }
    let Some(form) = accept::choose(&request, &OFFERED) else { return refuse(JSON, Code::NotAcceptable, "ask for application/json") };
    let call = match Call::of(&state, &request).await {
        Ok(call) => call,
        Err(fault) => return failed(form, &fault),
    };
    match Parameters::from_query_string(request.query_string()).and_then(Parameters::prepare) {
        Ok(prepared) if prepared.kind == OperationType::Mutation => refuse(form, Code::MethodNotAllowed, "send mutations by POST"),
        Ok(prepared) => execute(&request, form, call, prepared, None).await,
        Err(refused) => answer(form, Answer::refused(&refused, Some(call.correlation))),
    }
}

pub(crate) async fn other_method() -> HttpResponse {
    let mut response = refuse(JSON, Code::MethodNotAllowed, "send POST, or GET for queries");
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
    response
}

/// `held` is the share of the budget that the request's body has, for as long as there is something of it.
async fn execute(request: &HttpRequest, form: &'static str, call: Call, prepared: Prepared, held: Option<Body>) -> HttpResponse {
    if form == EVENT_STREAM {
        return sse::stream(request, call, prepared, held);
    }
    if prepared.kind == OperationType::Subscription {
        let refused = Refused::new(Code::NotAcceptable, "subscribe by WebSocket, or accept text/event-stream");
        return answer(form, Answer::refused(&refused, Some(call.correlation)));
    }
    let (state, correlation) = (call.state.clone(), call.correlation);
    let response = state.schema.execute(prepared.request.data(call)).await;
    answer(form, Answer::executed(response, correlation, prepared.cost))
}

/// Under application/json a client reads the errors of a well-formed request in a 200, as it has always been; the newer type tells them apart.
fn status(form: &str, answer: &Answer) -> StatusCode {
    match answer.code {
        _ if !answer.is_request_error => StatusCode::OK,
        Some(Code::BadRequest) => StatusCode::BAD_REQUEST,
        Some(Code::MethodNotAllowed) => StatusCode::METHOD_NOT_ALLOWED,
        Some(Code::NotAcceptable) => StatusCode::NOT_ACCEPTABLE,
        Some(Code::UnsupportedMediaType) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Some(Code::PayloadTooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Some(Code::ForeignOrigin) => StatusCode::FORBIDDEN,
        Some(Code::Overloaded) => StatusCode::SERVICE_UNAVAILABLE,
        Some(Code::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(Code::LimitExceeded) => StatusCode::BAD_REQUEST,
        _ if form == JSON => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn answer(form: &'static str, answer: Answer) -> HttpResponse {
    // An answer that cannot be a stream is plain JSON.
    let form = if form == EVENT_STREAM { JSON } else { form };
    let mut response = HttpResponse::build(status(form, &answer));
    response.content_type(format!("{form}; charset=utf-8"));
    for (name, value) in &answer.headers {
        response.append_header((name.as_str(), value.as_str()));
    }
    match answer.code {
        Some(Code::MethodNotAllowed) => response.insert_header((header::ALLOW, "POST")),
        Some(Code::Overloaded) => response.insert_header((header::RETRY_AFTER, "1")),
        _ => &mut response,
    };
    response.body(answer.json.to_string())
}

pub(crate) fn refuse(form: &'static str, code: Code, message: &str) -> HttpResponse {
    answer(form, Answer::refused(&Refused::new(code, message), None))
}

fn failed(form: &'static str, fault: &commands::Fault) -> HttpResponse {
    report(fault);
    refuse(form, Code::Internal, "something went wrong on our side")
}

fn refused_body(form: &'static str, error: BodyError) -> HttpResponse {
    match error {
        BodyError::TooLarge => refuse(form, Code::PayloadTooLarge, "the body is too large"),
        BodyError::Overloaded => refuse(form, Code::Overloaded, "too much is being worked on; try again"),
        BodyError::Broken => refuse(form, Code::BadRequest, "the body could not be read"),
    }
}

/// JSON in UTF-8.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let utf8 = parts
        .filter_map(|part| part.split_once('='))
        .all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"));
    kind.eq_ignore_ascii_case(JSON) && utf8
}
