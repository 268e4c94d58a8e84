//! Sockets and streams that live long, or that somebody wants to live too long.

use super::installation::{Account, Installation};
use actix_web::{App, HttpServer};
use actix_ws::ProtocolError;
use awc::Client;
use awc::ws::{CloseCode, Frame, Message};
use futures::stream::LocalBoxStream;
use futures::{Sink, SinkExt, StreamExt};
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Duration;

struct Socket {
    said: Pin<Box<dyn Sink<Message, Error = ProtocolError>>>,
    heard: LocalBoxStream<'static, Result<Frame, ProtocolError>>,
}

impl Socket {
    async fn open(url: &str) -> Self {
        let request = Client::new().ws(format!("{url}/graphql")).protocols(["graphql-transport-ws"]);
        let (said, heard) = request.connect().await.unwrap().1.split();
        Self { said: Box::pin(said), heard: heard.boxed_local() }
    }

    async fn opened_by(url: &str, bearer: &str) -> Self {
        let mut socket = Self::open(url).await;
        socket.say(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {bearer}") } })).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    async fn say(&mut self, message: Value) {
        self.said.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    async fn frame(&mut self) -> Frame {
        tokio::time::timeout(Duration::from_secs(60), self.heard.next()).await.expect("nothing was heard for a minute").unwrap().unwrap()
    }

    async fn hear(&mut self) -> Value {
        match self.frame().await {
            Frame::Text(text) => serde_json::from_slice(&text).unwrap(),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// The code with which it was closed.
    async fn closed(&mut self) -> CloseCode {
        loop {
            match self.frame().await {
                Frame::Close(reason) => return reason.unwrap().code,
                Frame::Ping(_) | Frame::Text(_) => {}
                other => panic!("not closed: {other:?}"),
            }
        }
    }

    /// The server's task is at work, and its timers are set.
    async fn is_served(&mut self) {
        self.said.send(Message::Ping("here".into())).await.unwrap();
        assert!(matches!(self.frame().await, Frame::Pong(_)));
    }

    /// The answer to one query.
    async fn ask(&mut self, query: &str) -> Value {
        self.say(json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
        let mut next = self.hear().await;
        assert_eq!((&next["type"], &self.hear().await["type"]), (&json!("next"), &json!("complete")));
        next["payload"].take()
    }
}

#[actix_web::test]
async fn a_flood_before_the_connection_is_acknowledged_freezes_nothing() {
    let installation = Installation::new().await;
    let mut socket = Socket::open(&installation.url).await;
    socket.say(json!({ "type": "connection_init", "payload": { "authorization": "Bearer lm_unknown" } })).await;
    for _ in 0..100 {
        socket.say(json!({ "type": "ping" })).await;
    }
    assert_eq!(socket.hear().await["type"], "connection_ack");
    for _ in 0..100 {
        assert_eq!(socket.hear().await["type"], "pong");
    }
}

#[actix_web::test]
async fn who_never_opens_the_connection_has_ten_seconds() {
    let installation = Installation::new().await;
    let mut socket = Socket::open(&installation.url).await;
    socket.is_served().await;
    installation.clock.advance(Duration::from_secs(11));
    assert_eq!(socket.closed().await, CloseCode::Other(4408));
}

#[actix_web::test]
async fn a_stranger_who_asks_nothing_has_to_go_and_who_is_known_may_stay() {
    let installation = Installation::new().await;
    let Account { key, .. } = installation.account("ada@example.org").await;
    let mut stranger = Socket::opened_by(&installation.url, "lm_unknown").await;
    let mut known = Socket::opened_by(&installation.url, &key).await;
    for _ in 0..2 {
        stranger.is_served().await;
        known.is_served().await;
        installation.clock.advance(Duration::from_secs(21));
        for socket in [&mut stranger, &mut known] {
            assert!(matches!(socket.frame().await, Frame::Ping(_)));
        }
    }
    stranger.is_served().await;
    known.is_served().await;
    installation.clock.advance(Duration::from_secs(21));
    assert_eq!(stranger.closed().await, CloseCode::Policy);
    assert!(matches!(known.frame().await, Frame::Ping(_)));
    assert_eq!(known.ask("{ emails { nodes { id } } }").await["data"]["emails"]["nodes"], json!([]));
    // Nothing is heard of it any more.
    installation.clock.advance(Duration::from_secs(61));
    assert_eq!(known.closed().await, CloseCode::Policy);
}

#[actix_web::test]
async fn a_session_that_ended_can_do_nothing_more_on_an_open_socket() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let mut socket = Socket::opened_by(&installation.url, &account.session).await;
    let query = "{ emails { nodes { id } } }";
    assert_eq!(socket.ask(query).await["data"]["emails"]["nodes"], json!([]));
    installation.graphql(&account.session, "mutation { signOut { position } }", json!({})).await;
    let (first, second) = (socket.ask(query).await, socket.ask(query).await);
    assert_eq!(first["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{first}");
    assert_ne!(first["errors"][0]["extensions"]["requestId"], second["errors"][0]["extensions"]["requestId"]);
}

#[actix_web::test]
async fn streams_do_not_keep_the_program_from_stopping() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&account.key, &["bob@example.com"]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = installation.api.clone();
    let server = HttpServer::new(move || App::new().configure(|config| api.configure(config)));
    let server = server.workers(1).disable_signals().shutdown_timeout(60).listen(listener).unwrap().run();
    let handle = server.handle();
    let server = actix_web::rt::spawn(server);
    installation.readiness.set_serving(true);

    let query = format!("subscription {{ emailEvents(email: \"{email}\") {{ type }} }}");
    let mut socket = Socket::opened_by(&url, &account.key).await;
    socket.say(json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
    assert_eq!(socket.hear().await["payload"]["data"]["emailEvents"]["type"], "QUEUED");
    let request = Client::new().post(format!("{url}/graphql")).no_decompress().bearer_auth(&account.key);
    let mut events = request.insert_header(("accept", "text/event-stream")).send_json(&json!({ "query": query })).await.unwrap();
    let first = events.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"id: "), "{first:?}");

    installation.readiness.set_serving(false);
    assert_eq!(socket.closed().await, CloseCode::Away);
    // It ends without `complete`, so that its listener comes again.
    assert!(events.next().await.is_none());
    tokio::time::timeout(Duration::from_secs(20), handle.stop(true)).await.expect("the server does not stop");
    server.await.unwrap().unwrap();
}
