//! The HTTP server: one listener, bound before anything starts, so that the address is known to everything that writes links.

use crate::serve::Foundation;
use crate::service::Service;
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use anyhow::Context;
use api::{Api, ApiParts, ApiSettings, NotReady, Readiness};
use deadpool_postgres::Pool;
use domain::Clock;
use event_store::{EventStore, ReadError};
use projections::{Lag, ProjectionError, delivery_queue, lags};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Threads that answer requests. Statements and sealing happen on the program's own threads as well.
const WORKERS: usize = 2;
/// How long requests under way may take when the program stops.
const DRAIN_S: u64 = 30;

/// Events that a read model may be behind before requests should go elsewhere.
const LAG_EVENTS_MAX: u64 = 50_000;
/// The same by the time for which the oldest event has waited, however few they are.
const LAG_AGE_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub api: Api,
    readiness: Readiness,
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Answers requests when it returns, but is not ready before [`Self::set_ready`].
    pub fn start(foundation: &Foundation, service: &Service, listener: TcpListener) -> anyhow::Result<Self> {
        let readiness = readiness(foundation.pools.app.clone(), service.store.clone(), foundation.clock.clone());
        let config = &foundation.config;
        let api = Api::new(ApiParts {
            commands: service.commands.clone(),
            store: service.store.clone(),
            vault: service.vault.clone(),
            read_pool: foundation.pools.app.clone(),
            freshness: service.freshness.clone(),
            logs: service.logs.clone(),
            clock: foundation.clock.clone(),
            ids: foundation.ids.clone(),
            readiness: readiness.clone(),
            settings: ApiSettings {
                body_bytes_max: config.limits.body_bytes_max,
                bodies_in_flight_bytes: config.limits.bodies_in_flight_bytes,
                client_address_header: config.client_address_header.clone(),
                witnesses: config.transparency.witnesses.iter().filter_map(|key| key.parse().ok()).collect(),
                ..ApiSettings::new(config.public_url.clone())
            },
        });
        let served = api.clone();
        let server = HttpServer::new(move || {
            let api = served.clone();
            App::new().configure(move |routes| api.configure(routes))
        });
        let server = server
            .workers(WORKERS)
            .disable_signals()
            .shutdown_timeout(DRAIN_S)
            .listen(listener)
            .context("the listener cannot be served")?
            .run();
        let handle = server.handle();
        Ok(Self { api, readiness, handle, task: tokio::spawn(server) })
    }

    pub fn set_ready(&self) {
        self.readiness.set_serving(true);
    }

    /// Not ready, then no new connections, then the requests under way.
    pub async fn stop(self) {
        self.readiness.set_serving(false);
        self.handle.stop(true).await;
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the HTTP server failed"),
            Err(_) => tracing::error!("the HTTP server ended without a word"),
        }
    }
}

fn readiness(pool: Pool, store: EventStore, clock: Arc<dyn Clock>) -> Readiness {
    Readiness::new(move || {
        let (pool, store, clock) = (pool.clone(), store.clone(), clock.clone());
        Box::pin(async move { look(&pool, &store, &*clock).await })
    })
}

/// The database answers, has every migration of this program, and the read models are not far behind the log.
async fn look(pool: &Pool, store: &EventStore, clock: &dyn Clock) -> Result<Option<&'static str>, NotReady> {
    let client = pool.get().await.map_err(|_| NotReady("no database connection"))?;
    match migrations::pending(&client).await {
        Ok(0) => {}
        Ok(_) => return Err(NotReady("migrations are missing")),
        Err(_) => return Err(NotReady("the database does not answer")),
    }
    let lags = lags(&client, store).await.map_err(|error| match error {
        ProjectionError::Read(ReadError::LogLost { .. }) => NotReady("the log has lost events"),
        ProjectionError::Read(ReadError::AnotherLog) => NotReady("the server holds another log"),
        _ => NotReady("the read models cannot be looked at"),
    })?;
    let now = clock.now();
    let is_far = |lag: &Lag| lag.events.is_some_and(|events| events > LAG_EVENTS_MAX) || lag.age(now) > LAG_AGE_MAX;
    if lags.iter().any(|(_, lag)| is_far(lag)) {
        return Err(NotReady("the read models are far behind"));
    }
    let pause = delivery_queue::paused(&client).await.map_err(|_| NotReady("the database does not answer"))?;
    Ok(pause.map(|_| "deliveries are paused"))
}
