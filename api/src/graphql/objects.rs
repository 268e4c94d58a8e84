//! What queries answer with. Rows are loaded when a field needs them, for all objects of a list at once, and opened only where something
//! personal is asked for.

mod api_key;
mod data_read;
mod delivery_stats;
mod email;
mod email_batch;
mod email_event;
mod erasure;
mod evidence;
mod history;
mod organization;
mod retention;
mod smtp_server;
mod state_change;
mod suppression;
mod user;
mod words;

pub(crate) use api_key::{ApiKey, ApiKeyConnection};
pub(crate) use data_read::DataRead;
pub(crate) use delivery_stats::DeliveryStats;
pub(crate) use email::{Email, EmailConnection};
pub(crate) use email_batch::EmailBatch;
pub(crate) use email_event::{EmailEvent, of_many as email_events};
pub(crate) use erasure::{Erasure, ErasureCertificate, ErasureConnection};
pub(crate) use evidence::{Checkpoint, InclusionProof};
pub(crate) use history::{AccountAction, AccountActionConnection};
pub(crate) use organization::Organization;
pub(crate) use retention::{Bucket, Hold, Retention};
pub(crate) use smtp_server::SmtpServer;
pub(crate) use state_change::StateChange;
pub(crate) use suppression::{Suppression, SuppressionConnection, place_of as suppression_place};
pub(crate) use user::User;
pub(crate) use words::*;

use crate::call::Call;
use crate::graphql::code::{Code, internal};
use async_graphql::{Context, Result};
use domain::Position;

pub(crate) fn call<'a>(context: &Context<'a>) -> &'a Call {
    context.data_unchecked::<Call>()
}

/// Waits until those read models show everything up to `position`.
pub(crate) async fn fresh(call: &Call, names: &[&str], position: Option<Position>) -> Result<()> {
    let Some(position) = position else { return Ok(()) };
    let state = &call.state;
    match state.freshness.at_least(names, position, state.settings.freshness_wait).await {
        true => Ok(()),
        false => Err(Code::NotFreshYet.error("the read models have not come that far yet; try again")),
    }
}

pub(crate) async fn reader(call: &Call) -> Result<deadpool_postgres::Client> {
    call.state.read_pool.get().await.map_err(internal)
}
