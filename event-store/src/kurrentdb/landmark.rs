//! Whether this is still the log that the process began with: its first event never changes.
//!
//! An address can come to lead to another server, and the client connects again by itself. So it is looked at the first event before anything
//! is appended, whenever the end has moved, and after every stretch that was read for a follower: what comes from another log is handed out to nobody.

use super::reader::{Place, Reader, unavailable};
use crate::{Filter, ReadError};
use domain::{Position, StreamName};

/// How often another first event is looked at again, with new connections, before it is believed.
const LOOKS_AGAIN: u32 = 2;

#[derive(Clone, Copy, Debug)]
pub(super) struct Landmark {
    stream: StreamName,
    place: Place,
}

impl Reader {
    async fn find_landmark(&self) -> Result<(), ReadError> {
        if self.landmark.get().is_none()
            && let Some(first) = self.matching(Position::START, 1, &Filter::default()).await?.first()
        {
            let place = Place { id: first.header.event_id, position: first.position };
            let _ = self.landmark.set(Landmark { stream: first.header.stream, place });
        }
        Ok(())
    }

    /// Remembers the first event, once there is one.
    ///
    /// # Errors
    /// [`ReadError::AnotherLog`] when the first event is another one.
    pub async fn check_landmark(&self) -> Result<(), ReadError> {
        let Some(Landmark { stream, place }) = self.landmark.get().copied() else { return self.find_landmark().await };
        for look in 0..=LOOKS_AGAIN {
            // It is the first of its stream, too.
            if self.places(stream, 0, 1).await.map_err(unavailable)?.first() == Some(&place) {
                return Ok(());
            }
            if look < LOOKS_AGAIN {
                self.supervisor.renew().await.map_err(unavailable)?;
                super::pause(super::reader::LOOK_AGAIN_AFTER).await;
            }
        }
        Err(ReadError::AnotherLog)
    }
}
