//! What one connection asks, executed as whoever opened it. Every operation has a task of its own, which goes on while the connection waits
//! for a slow reader: nothing that was borrowed from the database waits with it.

use crate::call::Call;
use crate::caller::Credential;
use crate::graphql::code::{Code, report};
use crate::graphql::document::{Parameters, Refused};
use crate::graphql::response::{complete, refusal};
use crate::state::State;
use actix_web::web::Data;
use async_graphql::{Executor, Request, Response};
use commands::Fault;
use domain::{CorrelationId, Personal, RequestOrigin};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;

/// Operations that one connection may have under way.
const OPERATIONS_MAX: usize = 100;

#[derive(Clone)]
pub(super) struct Operations {
    state: Data<State>,
    origin: Personal<RequestOrigin>,
    /// By cookie or header of the handshake.
    presented: Credential,
    opened: Arc<OnceLock<Opened>>,
    under_way: Arc<AtomicUsize>,
}

struct Opened {
    /// What `connection_init` said goes before what the handshake did.
    credential: Credential,
    by_somebody_known: bool,
}

impl Operations {
    pub fn new(state: Data<State>, presented: Credential, origin: Personal<RequestOrigin>) -> Self {
        Self { state, origin, presented, opened: Arc::default(), under_way: Arc::default() }
    }

    /// Answers `connection_init`. The look-up has a task of its own as well.
    pub async fn open(self, payload: Value) -> async_graphql::Result<async_graphql::Data> {
        let named = ["authorization", "Authorization"].iter().find_map(|name| payload.get(name)?.as_str());
        let credential = named.map_or_else(|| self.presented.clone(), Credential::from_authorization);
        let opening = self.clone();
        let looked_up = tokio::spawn(async move {
            let call = opening.call(credential).await?;
            let _ = opening.opened.set(Opened { by_somebody_known: call.caller.is_known(), credential: call.credential });
            Ok::<_, Fault>(())
        });
        match looked_up.await {
            Ok(Ok(())) => Ok(async_graphql::Data::default()),
            Ok(Err(fault)) => {
                report(&fault);
                Err(Code::Internal.error("something went wrong on our side"))
            }
            Err(_) => Err(Code::Internal.error("something went wrong on our side")),
        }
    }

    pub fn is_open(&self) -> bool {
        self.opened.get().is_some()
    }

    /// Nobody we know, and nothing to do for them.
    pub fn is_idle_stranger(&self) -> bool {
        let known = self.opened.get().is_some_and(|opened| opened.by_somebody_known);
        !known && self.under_way.load(Ordering::Relaxed) == 0
    }

    async fn call(&self, credential: Credential) -> Result<Call, Fault> {
        Call::with(&self.state, credential, self.origin.clone()).await
    }

    /// Who asks is looked up for each operation: a key may have been revoked, or a session ended, since the last.
    async fn answer(&self, request: Request, sender: &mpsc::Sender<Response>) {
        let credential = self.opened.get().map_or(Credential::None, |opened| opened.credential.clone());
        let call = match self.call(credential).await {
            Ok(call) => call,
            Err(fault) => {
                report(&fault);
                let _ = sender.send(self.refused(Refused::new(Code::Internal, "something went wrong on our side"))).await;
                return;
            }
        };
        let correlation = call.correlation;
        let variables = serde_json::to_value(&request.variables).ok().and_then(|variables| variables.as_object().cloned());
        let parameters = Parameters { query: request.query, operation_name: request.operation_name, variables };
        let prepared = match parameters.prepare() {
            Ok(prepared) => prepared,
            Err(refused) => return drop(sender.send(refusal(refused, correlation)).await),
        };
        let mut responses = self.state.schema.execute_stream(prepared.request.data(call));
        // Room comes first, so that what waits for a slow reader is between two answers and holds nothing.
        while let Ok(room) = sender.reserve().await {
            let Some(mut response) = responses.next().await else { return };
            complete(&mut response, correlation);
            room.send(response);
        }
    }

    fn refused(&self, refused: Refused) -> Response {
        refusal(refused, CorrelationId(self.state.ids.time_ordered(self.state.clock.now())))
    }
}

impl Executor for Operations {
    async fn execute(&self, request: Request) -> Response {
        self.execute_stream(request, None).next().await.unwrap_or_default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<async_graphql::Data>>) -> BoxStream<'static, Response> {
        let Some(place) = Place::take(&self.under_way) else {
            let refused = self.refused(Refused::new(Code::LimitExceeded, "too many operations are under way on this connection"));
            return Box::pin(stream::once(async move { refused }));
        };
        let (sender, receiver) = mpsc::channel(1);
        let operations = self.clone();
        tokio::spawn(async move {
            let _held = place;
            let gone = sender.clone();
            tokio::select! {
                () = gone.closed() => {}
                () = operations.answer(request, &sender) => {}
            }
        });
        Box::pin(stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }))
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
