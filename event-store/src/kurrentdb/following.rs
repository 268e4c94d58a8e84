//! Following the log: history first, then what comes. It reads the log itself, up to an event that is known to be there; news of later
//! events only wakes it.

use super::Shared;
use super::end::End;
use super::stretch::Interest;
use crate::{Filter, ReadError, SubscriptionEvent};
use domain::Position;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) struct Following {
    shared: Arc<Shared>,
    interest: Interest,
    end: watch::Receiver<End>,
    /// Everything up to here was handed out or passed over.
    position: Position,
    /// The position of the last `CaughtUp`.
    announced: Option<Position>,
}

impl Following {
    pub(super) fn new(shared: Arc<Shared>, after: Position, filter: Filter) -> Self {
        let end = shared.end.subscribe();
        Self { shared, interest: Interest::new(filter), end, position: after, announced: None }
    }

    pub fn checkpoint(&self) -> Position {
        self.position
    }

    pub async fn next(&mut self) -> Result<SubscriptionEvent, ReadError> {
        loop {
            let end = match &*self.end.borrow_and_update() {
                End::Known(mark) => mark.clone(),
                End::Lost { head, .. } => return Err(ReadError::LogLost { head: *head, reader: self.position }),
                End::Replaced => return Err(ReadError::AnotherLog),
                End::Closed => return Err(ReadError::Closed),
            };
            let head = end.as_ref().map_or(Position::START, |end| end.position);
            if self.position > head {
                self.check_ahead().await?;
            }
            match end.filter(|end| self.position < end.position) {
                Some(end) => {
                    let stretch = self.shared.reader.stretch(self.position, &end, usize::MAX, &mut self.interest).await?;
                    // After it was read, so that it was read from this log.
                    self.shared.reader.check_landmark().await?;
                    self.position = stretch.to;
                    if !stretch.events.is_empty() {
                        return Ok(SubscriptionEvent::Events(stretch.events));
                    }
                }
                None if self.announced != Some(self.position) => {
                    self.announced = Some(self.position);
                    return Ok(SubscriptionEvent::CaughtUp(self.position));
                }
                None => self.end.changed().await.map_err(|_| ReadError::Closed)?,
            }
        }
    }

    /// A reader may know of a position before this process has heard of it; the log itself must have it.
    async fn check_ahead(&self) -> Result<(), ReadError> {
        let head = self.shared.head(self.position).await?;
        if head < self.position { Err(ReadError::LogLost { head, reader: self.position }) } else { Ok(()) }
    }
}
