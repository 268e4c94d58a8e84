//! What every handler stands on, and how the program puts it together.

use crate::body::BodyBudget;
use crate::graphql::{self, ApiSchema};
use crate::hub::Hub;
use crate::pages::FirstMailLink;
use crate::position_token::LogId;
use crate::readiness::Readiness;
use crate::routes;
use actix_web::web;
use commands::Commands;
use deadpool_postgres::Pool;
use domain::{Clock, Ids};
use event_store::EventStore;
use history::History;
use projections::Freshness;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use transparency::{Logs, VerifierKey};
use vault::Vault;

pub struct ApiParts {
    pub commands: Commands,
    pub store: EventStore,
    pub vault: Vault,
    /// Connections that may read the projections.
    pub read_pool: Pool,
    pub freshness: Freshness,
    pub logs: Logs,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub readiness: Readiness,
    pub settings: ApiSettings,
}

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Where people reach this installation, without a slash at the end.
    pub public_url: String,
    pub privacy_policy_version: u32,
    /// A longer body is answered with 413.
    pub body_bytes_max: usize,
    /// Bodies being worked on at once, together; beyond it the answer is 503.
    pub bodies_in_flight_bytes: usize,
    /// How long a query waits for the projections to be as fresh as it demands.
    pub freshness_wait: Duration,
    /// The header in which a trusted proxy names the client's address; `None`: the peer's address is the client's.
    pub client_address_header: Option<String>,
    /// Whose signatures on the platform log's checkpoints are taken in.
    pub witnesses: Vec<VerifierKey>,
}

impl ApiSettings {
    pub fn new(public_url: String) -> Self {
        Self {
            public_url,
            privacy_policy_version: 1,
            body_bytes_max: 60 << 20,
            bodies_in_flight_bytes: 128 << 20,
            freshness_wait: Duration::from_secs(5),
            client_address_header: None,
            witnesses: vec![],
        }
    }
}

pub(crate) struct State {
    pub commands: Commands,
    pub store: EventStore,
    pub vault: Vault,
    pub read_pool: Pool,
    pub freshness: Freshness,
    pub logs: Logs,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub readiness: Readiness,
    pub settings: ApiSettings,
    pub schema: ApiSchema,
    pub bodies: BodyBudget,
    pub hub: Hub,
    pub first_mail: FirstMailLink,
    pub log_id: OnceLock<LogId>,
    pub history: History,
}

/// The HTTP interface of one process. Cheap to clone; every worker of the server configures itself with a clone.
#[derive(Clone)]
pub struct Api {
    state: web::Data<State>,
}

impl Api {
    /// Must be called on a tokio runtime: a task follows the log for subscribers.
    pub fn new(parts: ApiParts) -> Self {
        let ApiParts { commands, store, vault, read_pool, freshness, logs, clock, ids, readiness, settings } = parts;
        let bodies = BodyBudget::new(settings.bodies_in_flight_bytes);
        let hub = Hub::following(&store);
        let history = History::new(store.clone(), clock.clone());
        let state = State {
            commands,
            store,
            vault,
            read_pool,
            freshness,
            logs,
            clock,
            ids,
            readiness,
            settings,
            schema: graphql::schema(),
            bodies,
            hub,
            first_mail: FirstMailLink::default(),
            log_id: OnceLock::new(),
            history,
        };
        Self { state: web::Data::new(state) }
    }

    pub fn configure(&self, config: &mut web::ServiceConfig) {
        routes::configure(&self.state, config);
    }

    /// A link that shows the platform's newest captured mail, once. It keeps until there is such mail.
    pub fn offer_first_mail_link(&self) -> String {
        let token = self.state.vault.new_token();
        self.state.first_mail.offer(token.hash);
        format!("{}/sandbox?once={}", self.state.settings.public_url, token.secret.as_str())
    }
}
