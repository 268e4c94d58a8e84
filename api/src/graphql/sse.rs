//! Server-sent events in the "distinct connections mode" of graphql-sse: a response a event, then `complete`.

use crate::body::Body;
use crate::call::Call;
use crate::graphql::document::Prepared;
use crate::graphql::response::complete;
use crate::graphql::subscription::{ResumeAfter, StreamPlace};
use crate::position_token::PositionToken;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use async_graphql::parser::types::OperationType;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use std::convert::Infallible;
use std::time::Duration;

/// Proxies close what is silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// `held` stays taken until the operation has used its input, which it has when it first answers.
pub(crate) fn stream(request: &HttpRequest, call: Call, prepared: Prepared, mut held: Option<Body>) -> HttpResponse {
    let last_event_id = request.headers().get("last-event-id").and_then(|id| PositionToken::parse(id.to_str().ok()?));
    let place = StreamPlace::default();
    let (state, correlation) = (call.state.clone(), call.correlation);
    let is_endless = prepared.kind == OperationType::Subscription;
    let mut request = prepared.request.data(call).data(place.clone());
    if let Some(token) = last_event_id {
        request = request.data(ResumeAfter(token));
    }
    let responses = state.schema.execute_stream(request).map(move |mut response| {
        drop(held.take());
        complete(&mut response, correlation);
        event(&response, place.get())
    });
    let clock = state.clock.clone();
    let body = alive(responses, move || {
        let clock = clock.clone();
        async move { clock.sleep_until(clock.now() + KEEP_ALIVE).await }
    });
    // No `complete`: whoever listens shall come again, to another process.
    let stopping = state.readiness.stopping();
    let body = body.take_until(async move {
        match is_endless {
            true => stopping.await,
            false => std::future::pending().await,
        }
    });
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body.map(Ok::<_, Infallible>))
}

fn event(response: &async_graphql::Response, place: Option<PositionToken>) -> Bytes {
    let data = serde_json::to_string(response).unwrap_or_default();
    let id = place.map(|token| format!("id: {token}\n")).unwrap_or_default();
    Bytes::from(format!("{id}event: next\ndata: {data}\n\n"))
}

/// The events, a comment whenever there was none for a while, and the end.
fn alive<F: Future<Output = ()>>(events: impl Stream<Item = Bytes> + Unpin, pause: impl Fn() -> F) -> impl Stream<Item = Bytes> {
    stream::unfold((Some(events), pause), |(events, pause)| async move {
        let mut events = events?;
        let next = tokio::select! {
            next = events.next() => next,
            () = pause() => return Some((Bytes::from_static(b":\n\n"), (Some(events), pause))),
        };
        match next {
            Some(event) => Some((event, (Some(events), pause))),
            None => Some((Bytes::from_static(b"event: complete\ndata:\n\n"), (None, pause))),
        }
    })
}
