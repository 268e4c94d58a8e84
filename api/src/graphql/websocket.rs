//! The protocol graphql-transport-ws over a WebSocket.

mod operations;

use crate::caller::{Credential, origin_of};
use crate::graphql::code::Code;
use crate::graphql::http::refuse;
use crate::state::State;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Closed, Session};
use async_graphql::http::{WebSocket, WebSocketProtocols, WsMessage};
use domain::{Clock, Timestamp};
use futures::{StreamExt, stream};
use operations::Operations;
use std::time::Duration;

const PROTOCOL: &str = "graphql-transport-ws";
/// One message. Large things are sent by POST.
const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// From the handshake until `connection_init` is answered.
const INIT: Duration = Duration::from_secs(10);
/// How often we ask whether anybody is still there.
const PING: Duration = Duration::from_secs(20);
/// A client that says nothing for so long, not even that it heard our pings, is gone; a stranger who asks nothing for so long has to go.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A client that takes nothing of what we say for so long is gone.
const SENDING_MAX: Duration = Duration::from_secs(30);

/// What graphql-transport-ws calls "connection initialisation timeout".
const INIT_TIMEOUT: u16 = 4408;

pub(crate) async fn upgrade(request: &HttpRequest, payload: Payload, state: &Data<State>) -> HttpResponse {
    let asked = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|value| value.to_str().ok());
    if !asked.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL) {
        return refuse("application/json", Code::BadRequest, "speak graphql-transport-ws");
    }
    let Ok((mut response, session, messages)) = actix_ws::handle(request, payload) else {
        return refuse("application/json", Code::BadRequest, "the WebSocket handshake is not complete");
    };
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, header::HeaderValue::from_static(PROTOCOL));
    let operations = Operations::new(state.clone(), Credential::of(request), origin_of(state, request));
    let messages = messages.max_frame_size(MESSAGE_BYTES_MAX).aggregate_continuations().max_continuation_size(MESSAGE_BYTES_MAX);
    actix_web::rt::spawn(serve(state.clone(), operations, session, messages));
    response
}

/// Everything slow is done by tasks of the operations, so this one may wait for its client without keeping anything from anybody.
async fn serve(state: Data<State>, operations: Operations, mut session: Session, mut messages: AggregatedMessageStream) {
    let clock = state.clock.as_ref();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
    let incoming = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    let opening = operations.clone();
    let outgoing = WebSocket::new(operations.clone(), Box::pin(incoming), WebSocketProtocols::GraphQLWS)
        .on_connection_init(move |payload| opening.open(payload));
    let mut outgoing = Box::pin(outgoing);
    let mut stopping = Box::pin(state.readiness.stopping());
    let mut watched = Watched::new(clock.now());
    let end = loop {
        tokio::select! {
            // A message is read when there is room for it; until then it waits in the client's own buffers.
            (room, message) = async { (sender.reserve().await, messages.recv().await) } => {
                watched.heard = clock.now();
                match message {
                    Some(Ok(AggregatedMessage::Text(text))) => {
                        let Ok(room) = room else { break None };
                        watched.asked = clock.now();
                        room.send(text.as_bytes().to_vec());
                    }
                    Some(Ok(AggregatedMessage::Ping(bytes))) => {
                        if !in_time(clock, session.pong(&bytes)).await {
                            return;
                        }
                    }
                    Some(Ok(AggregatedMessage::Pong(_))) => {}
                    Some(Ok(AggregatedMessage::Binary(_) | AggregatedMessage::Close(_)) | Err(_)) | None => break None,
                }
            }
            message = outgoing.next() => match message {
                Some(WsMessage::Text(text)) => {
                    if !in_time(clock, session.text(text)).await {
                        return;
                    }
                }
                Some(WsMessage::Close(code, reason)) => break Some((CloseCode::from(code), reason)),
                None => break None,
            },
            () = clock.sleep_until(watched.next_look(&operations)) => match watched.look(clock.now(), &operations) {
                Ok(()) => {
                    if !in_time(clock, session.ping(b"")).await {
                        return;
                    }
                }
                Err((code, reason)) => break Some((code, reason.to_owned())),
            },
            () = &mut stopping => break Some((CloseCode::Away, "the server is stopping".to_owned())),
        }
    };
    let reason = end.map(|(code, description)| CloseReason { code, description: Some(description) });
    in_time(clock, session.close(reason)).await;
}

/// Whether the client took it.
async fn in_time(clock: &dyn Clock, sending: impl Future<Output = Result<(), Closed>>) -> bool {
    tokio::select! {
        sent = sending => sent.is_ok(),
        () = clock.sleep_until(clock.now() + SENDING_MAX) => false,
    }
}

/// When a connection was last heard of.
struct Watched {
    since: Timestamp,
    looked: Timestamp,
    /// Any frame at all.
    heard: Timestamp,
    /// A message of the protocol.
    asked: Timestamp,
}

impl Watched {
    fn new(now: Timestamp) -> Self {
        Self { since: now, looked: now, heard: now, asked: now }
    }

    fn next_look(&self, operations: &Operations) -> Timestamp {
        if operations.is_open() { self.looked + PING } else { self.since + INIT }
    }

    fn look(&mut self, now: Timestamp, operations: &Operations) -> Result<(), (CloseCode, &'static str)> {
        self.looked = now;
        if !operations.is_open() {
            return Err((CloseCode::Other(INIT_TIMEOUT), "Connection initialisation timeout"));
        }
        if now.since(self.heard) >= SILENCE_MAX {
            return Err((CloseCode::Policy, "nothing was heard for long"));
        }
        if operations.is_idle_stranger() && now.since(self.asked) >= SILENCE_MAX {
            return Err((CloseCode::Policy, "nothing was asked for long"));
        }
        Ok(())
    }
}
