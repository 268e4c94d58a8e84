//! The protocol graphql-transport-ws over a WebSocket.

use crate::call::Call;
use crate::caller::{Credential, origin_of};
use crate::graphql::code::{Code, internal, report};
use crate::graphql::document::{Parameters, Refused};
use crate::graphql::http::refuse;
use crate::graphql::response::{complete, refusal};
use crate::state::State;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, CloseCode, CloseReason};
use async_graphql::http::{WebSocket, WebSocketProtocols, WsMessage};
use async_graphql::{Executor, Request, Response};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

const PROTOCOL: &str = "graphql-transport-ws";
/// One message. Large things are sent by POST.
const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// Operations that one connection may have under way.
const OPERATIONS_MAX: usize = 100;

pub(crate) async fn upgrade(request: &HttpRequest, payload: Payload, state: &Data<State>) -> HttpResponse {
    let asked = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|value| value.to_str().ok());
    if !asked.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL) {
        return refuse("application/json", Code::BadRequest, "speak graphql-transport-ws");
    }
    let call = match Call::of(state, request).await {
        Ok(call) => call,
        Err(fault) => {
            report(&fault);
            return refuse("application/json", Code::Internal, "something went wrong on our side");
        }
    };
    let Ok((mut response, session, messages)) = actix_ws::handle(request, payload) else {
        return refuse("application/json", Code::BadRequest, "the WebSocket handshake is not complete");
    };
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, header::HeaderValue::from_static(PROTOCOL));
    let origin = origin_of(state, request);
    let connection = Connection { call, opened: Arc::new(OnceLock::new()), under_way: Arc::default() };
    let messages = messages.max_frame_size(MESSAGE_BYTES_MAX).aggregate_continuations().max_continuation_size(MESSAGE_BYTES_MAX);
    actix_web::rt::spawn(serve(connection, origin, session, messages));
    response
}

async fn serve(
    connection: Connection,
    origin: domain::Personal<domain::RequestOrigin>,
    mut session: actix_ws::Session,
    mut messages: actix_ws::AggregatedMessageStream,
) {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(16);
    let opening = connection.clone();
    let on_init = move |payload: Value| async move {
        let call = opening.authenticated(&payload, origin).await?;
        let _ = opening.opened.set(call);
        Ok(async_graphql::Data::default())
    };
    let incoming = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    let outgoing = WebSocket::new(connection, Box::pin(incoming), WebSocketProtocols::GraphQLWS).on_connection_init(on_init);
    let mut outgoing = Box::pin(outgoing);
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(Ok(AggregatedMessage::Text(text))) => {
                    if sender.send(text.as_bytes().to_vec()).await.is_err() {
                        break;
                    }
                }
                Some(Ok(AggregatedMessage::Ping(bytes))) => {
                    if session.pong(&bytes).await.is_err() {
                        break;
                    }
                }
                Some(Ok(AggregatedMessage::Pong(_))) => {}
                Some(Ok(AggregatedMessage::Binary(_) | AggregatedMessage::Close(_)) | Err(_)) | None => break,
            },
            message = outgoing.next() => match message {
                Some(WsMessage::Text(text)) => {
                    if session.text(text).await.is_err() {
                        return;
                    }
                }
                Some(WsMessage::Close(code, reason)) => {
                    let reason = CloseReason { code: CloseCode::from(code), description: Some(reason) };
                    let _ = session.close(Some(reason)).await;
                    return;
                }
                None => break,
            },
        }
    }
    let _ = session.close(None).await;
}

/// Executes what one connection asks, as whoever opened it.
#[derive(Clone)]
struct Connection {
    /// By cookie or header of the handshake.
    call: Call,
    /// By what `connection_init` said, which goes before.
    opened: Arc<OnceLock<Call>>,
    under_way: Arc<AtomicUsize>,
}

impl Connection {
    async fn authenticated(&self, payload: &Value, origin: domain::Personal<domain::RequestOrigin>) -> async_graphql::Result<Call> {
        let names = ["authorization", "Authorization"];
        let Some(value) = names.iter().find_map(|name| payload.get(name)?.as_str()) else { return Ok(self.call.clone()) };
        Call::with(&self.call.state, Credential::from_authorization(value), origin).await.map_err(internal)
    }
}

impl Executor for Connection {
    async fn execute(&self, request: Request) -> Response {
        self.execute_stream(request, None).next().await.unwrap_or_default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<async_graphql::Data>>) -> BoxStream<'static, Response> {
        let call = self.opened.get().unwrap_or(&self.call).clone();
        let correlation = call.correlation;
        let variables = serde_json::to_value(&request.variables).ok().and_then(|variables| variables.as_object().cloned());
        let parameters = Parameters { query: request.query, operation_name: request.operation_name, variables };
        let place = Place::take(&self.under_way);
        let prepared = match (parameters.prepare(), place) {
            (Ok(prepared), Some(place)) => (prepared, place),
            (Err(refused), _) => return Box::pin(stream::once(async move { refusal(refused, correlation) })),
            (Ok(_), None) => {
                let refused = Refused::new(Code::LimitExceeded, "too many operations are under way on this connection");
                return Box::pin(stream::once(async move { refusal(refused, correlation) }));
            }
        };
        let (prepared, place) = prepared;
        let responses = call.state.clone().schema.execute_stream(prepared.request.data(call));
        Box::pin(responses.map(move |mut response| {
            let _held = &place;
            complete(&mut response, correlation);
            response
        }))
    }
}

/// An operation's share of the connection, given back when it ends.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(under_way: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(under_way.clone());
        (under_way.fetch_add(1, Ordering::Relaxed) < OPERATIONS_MAX).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
