//! Request bodies: bounded each, and bounded together, so that many large requests at once are turned away instead of filling the memory.

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::Payload;
use futures::StreamExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that bodies in flight may have together, counted in KiB.
pub(crate) struct BodyBudget {
    kibibytes: Arc<Semaphore>,
}

/// A body, and its share of the budget for as long as it is worked on.
#[derive(Debug)]
pub(crate) struct Body {
    pub bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// Too many bytes are in flight.
    Overloaded,
    /// The client went away, or did not keep to HTTP.
    Broken,
}

/// What a client may go on sending after its body was found too large, so that it gets to read the answer.
const DRAINED_BYTES_MAX: usize = 128 << 20;

impl BodyBudget {
    pub fn new(bytes: usize) -> Self {
        Self { kibibytes: Arc::new(Semaphore::new((bytes / 1024).min(Semaphore::MAX_PERMITS))) }
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BodyError> {
        let wanted = u32::try_from(bytes.div_ceil(1024)).map_err(|_| BodyError::Overloaded)?;
        self.kibibytes.clone().try_acquire_many_owned(wanted).map_err(|_| BodyError::Overloaded)
    }

    /// Reads a body of at most `bytes_max`.
    pub async fn read(&self, request: &HttpRequest, mut payload: Payload, bytes_max: usize) -> Result<Body, BodyError> {
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > bytes_max) {
            drain(&mut payload).await;
            return Err(BodyError::TooLarge);
        }
        let mut permit = self.take(announced.unwrap_or(0))?;
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
        let mut paid = announced.unwrap_or(0);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            if bytes.len() + chunk.len() > bytes_max {
                drain(&mut payload).await;
                return Err(BodyError::TooLarge);
            }
            if bytes.len() + chunk.len() > paid {
                // A body without a length pays as it comes, in steps of a megabyte.
                let step = chunk.len().max(1 << 20);
                permit.merge(self.take(step)?);
                paid += step;
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Body { bytes, _permit: permit })
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
