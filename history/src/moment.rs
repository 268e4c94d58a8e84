//! A moment of the past.

use crate::{History, HistoryError};
use domain::{Category, OrganizationId, Position, RecordedEvent, StreamName, Timestamp};
use event_store::{Direction, ReadFrom};

/// How far back something is looked at. What happened at the moment itself is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// All that is dated then or earlier.
    Time(Timestamp),
    /// All that is recorded there or before.
    Position(Position),
}

impl Moment {
    pub fn covers(self, occurred_at: Timestamp, position: Position) -> bool {
        match self {
            Moment::Time(time) => occurred_at <= time,
            Moment::Position(last) => position <= last,
        }
    }

    /// An event's stream is never dated backwards, so what is included of a stream is its beginning.
    pub fn includes(self, event: &RecordedEvent) -> bool {
        self.covers(event.header.occurred_at, event.position)
    }

    /// Whether it surely comes after the other. A time and a position can only be compared by what lies between them.
    pub(crate) fn is_after(self, other: Moment) -> bool {
        match (self, other) {
            (Moment::Time(this), Moment::Time(other)) => this > other,
            (Moment::Position(this), Moment::Position(other)) => this > other,
            _ => false,
        }
    }
}

impl History {
    /// Everything up to now.
    pub fn now(&self) -> Moment {
        Moment::Time(self.clock.now())
    }

    /// What time it was at the moment: where the log ended, that of its last event.
    pub async fn time_of(&self, moment: Moment) -> Result<Timestamp, HistoryError> {
        Ok(match moment {
            Moment::Time(time) => time,
            Moment::Position(position) => {
                let event = self.store.read_at(&[position]).await?.pop();
                event.map_or_else(|| self.clock.now(), |event| event.header.occurred_at)
            }
        })
    }

    /// Refuses what has not happened yet: an answer would change.
    pub async fn check_past(&self, moment: Moment) -> Result<(), HistoryError> {
        let future = match moment {
            Moment::Time(time) => time > self.clock.now(),
            Moment::Position(position) => position > self.store.head().await?,
        };
        if future { Err(HistoryError::Future) } else { Ok(()) }
    }

    /// Refuses the future and, for an organisation that there is, whatever was before it.
    pub async fn check(&self, organization: OrganizationId, moment: Moment) -> Result<(), HistoryError> {
        self.check_past(moment).await?;
        let stream = StreamName::new(Category::Organization, organization, organization.0);
        let first = self.store.read_stream(stream, ReadFrom::START, Direction::Forwards, 1).await?;
        match first.first() {
            Some(first) if !moment.includes(first) => Err(HistoryError::BeforeBeginning),
            _ => Ok(()),
        }
    }
}
