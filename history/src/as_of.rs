//! One thing, as it was.

use crate::{History, HistoryError, Moment};
use domain::{Aggregate, OrganizationId, Position, Recorded, RecordedEvent, StreamName};
use uuid::Uuid;

/// An aggregate folded to a moment at which it existed.
#[derive(Clone, Debug)]
pub struct Past<A> {
    pub stream: StreamName,
    pub state: A,
    /// Where its first event stands.
    pub began: Position,
    /// Version of the last event that is included.
    pub version: u64,
}

impl<A: Aggregate> Past<A> {
    /// `None` when nothing had happened yet. `events` is a stream from its beginning.
    pub(crate) fn fold(stream: StreamName, events: &[RecordedEvent], moment: Moment) -> Result<Option<Self>, HistoryError> {
        let mut state = A::default();
        let mut version = None;
        for event in events.iter().take_while(|event| moment.includes(event)) {
            state.evolve(&decode(event)?);
            version = Some(event.header.version);
        }
        Ok(events.first().zip(version).map(|(first, version)| Self { stream, state, began: first.position, version }))
    }
}

pub(crate) fn decode<E: domain::Event>(event: &RecordedEvent) -> Result<Recorded<E>, HistoryError> {
    Recorded::decode(event).map_err(|error| HistoryError::Undecodable { position: event.position, error })
}

impl History {
    /// `None` when it did not exist then, or never did. The moment is the caller's to check.
    pub async fn as_of<A: Aggregate>(
        &self,
        organization: OrganizationId,
        id: Uuid,
        moment: Moment,
    ) -> Result<Option<Past<A>>, HistoryError> {
        let stream = StreamName::new(A::CATEGORY, organization, id);
        Past::fold(stream, &self.stream(stream).await?, moment)
    }

    pub(crate) async fn stream(&self, stream: StreamName) -> Result<Vec<RecordedEvent>, HistoryError> {
        Ok(self.store.read_streams(&[stream]).await?.pop().unwrap_or_default())
    }
}
