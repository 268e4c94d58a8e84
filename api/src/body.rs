//! Request bodies: bounded each, and bounded together, so that many large requests at once are turned away instead of filling the memory.
//! Only what has arrived is charged: announcing a body costs nothing, and takes nothing from others.

use crate::state::State;
use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use domain::Clock;
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that bodies in flight may have together, counted in KiB.
pub(crate) struct BodyBudget {
    known: Arc<Semaphore>,
    /// Beside the others': whoever is known can send whatever strangers do.
    strangers: Arc<Semaphore>,
}

/// A body, and its share of the budget for as long as it is worked on.
#[derive(Debug)]
pub(crate) struct Body {
    pub bytes: Vec<u8>,
    permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// Too many bytes are in flight.
    Overloaded,
    /// The client went away, did not keep to HTTP, or was far too slow.
    Broken,
}

/// Strangers' share, beside the budget of the known.
const STRANGERS_PART: usize = 8;
/// What a client may go on sending after its body was refused, so that it gets to read the answer.
const DRAINED_BYTES_MAX: usize = 128 << 20;
/// A body has this long, and longer the more of it has arrived.
const PATIENCE: Duration = Duration::from_secs(30);
/// The slowest line on which a large body still arrives.
const BYTES_PER_SECOND_MIN: usize = 64 << 10;
/// Memory is taken in steps of at least this.
const STEP_BYTES_MIN: usize = 4 << 10;

impl BodyBudget {
    pub fn new(bytes: usize) -> Self {
        let semaphore = |bytes: usize| Arc::new(Semaphore::new((bytes / 1024).min(Semaphore::MAX_PERMITS)));
        Self { known: semaphore(bytes), strangers: semaphore(bytes / STRANGERS_PART) }
    }

    /// Reads a body of at most `bytes_max` from somebody who is known.
    pub async fn read(&self, request: &HttpRequest, payload: Payload, bytes_max: usize) -> Result<Body, BodyError> {
        read(&self.known, request, payload, bytes_max).await
    }

    /// The same from anybody, out of what all strangers have together.
    pub async fn read_from_stranger(&self, request: &HttpRequest, payload: Payload, bytes_max: usize) -> Result<Body, BodyError> {
        read(&self.strangers, request, payload, bytes_max).await
    }
}

async fn read(budget: &Arc<Semaphore>, request: &HttpRequest, mut payload: Payload, bytes_max: usize) -> Result<Body, BodyError> {
    let state = request.app_data::<Data<State>>().expect("every route is served with the state");
    let clock = state.clock.as_ref();
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let read = match announced {
        Some(bytes) if bytes > bytes_max => Err(BodyError::TooLarge),
        // It is not taken yet, but what cannot fit now is told so before it is sent.
        Some(bytes) if bytes.div_ceil(1024) > budget.available_permits() => Err(BodyError::Overloaded),
        _ => collect(budget, clock, &mut payload, announced.unwrap_or(bytes_max).min(bytes_max)).await,
    };
    if matches!(read, Err(BodyError::TooLarge | BodyError::Overloaded)) {
        tokio::select! {
            () = drain(&mut payload) => {}
            () = clock.sleep_until(clock.now() + PATIENCE) => {}
        }
    }
    read
}

async fn collect(budget: &Arc<Semaphore>, clock: &dyn Clock, payload: &mut Payload, bytes_max: usize) -> Result<Body, BodyError> {
    let started = clock.now();
    let mut body = Body { bytes: Vec::new(), permit: None };
    loop {
        let earned = Duration::from_secs((body.bytes.len() / BYTES_PER_SECOND_MIN) as u64);
        let chunk = tokio::select! {
            chunk = payload.next() => chunk,
            () = clock.sleep_until(started + PATIENCE + earned) => return Err(BodyError::Broken),
        };
        let Some(chunk) = chunk else { return Ok(body) };
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        let length = body.bytes.len() + chunk.len();
        if length > bytes_max {
            return Err(BodyError::TooLarge);
        }
        body.make_room(budget, length, bytes_max)?;
        body.bytes.extend_from_slice(&chunk);
    }
}

impl Body {
    /// Pays for memory, then takes it: twice what there was, as a growing vector does, but never more than the body can need.
    fn make_room(&mut self, budget: &Arc<Semaphore>, length: usize, bytes_max: usize) -> Result<(), BodyError> {
        let has = self.bytes.capacity();
        if length <= has {
            return Ok(());
        }
        let wants = length.max(has * 2).max(STEP_BYTES_MIN).min(bytes_max.max(length));
        let paid = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let owed = u32::try_from(wants.div_ceil(1024) - paid).map_err(|_| BodyError::Overloaded)?;
        let more = budget.clone().try_acquire_many_owned(owed).map_err(|_| BodyError::Overloaded)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        self.bytes.reserve_exact(wants - self.bytes.len());
        Ok(())
    }
}

/// A client that is still sending when the connection closes often never sees the answer.
async fn drain(payload: &mut Payload) {
    let mut drained = 0;
    while let Some(Ok(chunk)) = payload.next().await {
        drained += chunk.len();
        if drained > DRAINED_BYTES_MAX {
            return;
        }
    }
}
