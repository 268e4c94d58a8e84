//! One reader of the log's end for all projections of a process: the events just read are kept for those that are a little behind.

use domain::{Position, RecordedEvent};
use event_store::{EventStore, Filter, ReadError, Subscription, SubscriptionEvent};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much is kept. Whoever is further behind reads the log by itself.
const EVENTS_KEPT_MAX: usize = 4_096;
const BYTES_KEPT_MAX: usize = 16 << 20;
/// The most events handed out at once.
const BATCH_MAX: usize = 1_000;
/// A read model is later by as much under load, and moved by fewer and larger transactions, which cost nearly the same however many events they hold.
const PACE: Duration = Duration::from_millis(15);

/// Events in order, and how far they reach.
pub(crate) struct Batch {
    pub events: Vec<Arc<RecordedEvent>>,
    pub to: Position,
    /// The reader has caught up with the log.
    pub is_end: bool,
}

impl Batch {
    /// What a subscription says, to a reader that has come as far as `after`.
    pub fn read(news: SubscriptionEvent, after: Position) -> Self {
        match news {
            SubscriptionEvent::CaughtUp(to) => Self { events: vec![], to, is_end: true },
            SubscriptionEvent::Events(events) => {
                let to = events.last().map_or(after, |event| event.position);
                Self { events: events.into_iter().map(Arc::new).collect(), to, is_end: false }
            }
        }
    }

    /// Up to there, nothing is of interest.
    pub fn passed(to: Position) -> Self {
        Self { events: vec![], to, is_end: false }
    }

    /// Only what lies up to that position. With it all events up to there are known.
    pub fn up_to(mut self, limit: Position) -> Self {
        if self.to > limit {
            self.events.retain(|event| event.position <= limit);
            self.to = limit;
        }
        self
    }
}

pub(crate) struct Feed {
    store: EventStore,
    recent: Mutex<Option<Recent>>,
    /// Held by whoever reads on; the others find in `recent` what it has read.
    subscription: tokio::sync::Mutex<Option<Subscription>>,
}

/// Everything behind `start`, up to `end`.
struct Recent {
    start: Position,
    end: Position,
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
}

enum Found {
    Batch(Batch),
    TooOld,
    NotYet,
}

impl Feed {
    pub fn new(store: EventStore) -> Self {
        Self { store, recent: Mutex::default(), subscription: tokio::sync::Mutex::default() }
    }

    /// The events behind `after`; waits until there are some. `None`: they are no longer kept. May be dropped and called again.
    pub async fn after(&self, after: Position) -> Result<Option<Batch>, ReadError> {
        loop {
            if let Some(answer) = self.look(after) {
                return Ok(answer);
            }
            let mut subscription = self.subscription.lock().await;
            // Somebody else may have read on while this one waited.
            if let Some(answer) = self.look(after) {
                return Ok(answer);
            }
            let subscribe = || self.store.subscribe(after, Filter::default()).paced(PACE);
            let news = subscription.get_or_insert_with(subscribe).next().await?;
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.get_or_insert_with(|| Recent::from(after)).take_in(news);
        }
    }

    fn look(&self, after: Position) -> Option<Option<Batch>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        match recent.as_ref().map_or(Found::NotYet, |recent| recent.after(after)) {
            Found::Batch(batch) => Some(Some(batch)),
            Found::TooOld => Some(None),
            Found::NotYet => None,
        }
    }
}

impl Recent {
    fn from(start: Position) -> Self {
        Self { start, end: start, events: VecDeque::new(), bytes: 0 }
    }

    fn after(&self, after: Position) -> Found {
        if after < self.start {
            return Found::TooOld;
        }
        if after >= self.end {
            return Found::NotYet;
        }
        let first = self.events.partition_point(|event| event.position <= after);
        let events: Vec<_> = self.events.range(first..).take(BATCH_MAX).cloned().collect();
        let complete = first + events.len() == self.events.len();
        let to = if complete { self.end } else { events.last().map_or(self.end, |event| event.position) };
        Found::Batch(Batch { events, to, is_end: complete })
    }

    fn take_in(&mut self, news: SubscriptionEvent) {
        match news {
            SubscriptionEvent::CaughtUp(position) => self.end = self.end.max(position),
            SubscriptionEvent::Events(events) => {
                self.end = events.last().map_or(self.end, |event| event.position);
                self.bytes += events.iter().map(weight).sum::<usize>();
                self.events.extend(events.into_iter().map(Arc::new));
            }
        }
        while self.events.len() > EVENTS_KEPT_MAX || self.bytes > BYTES_KEPT_MAX {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= weight(&oldest);
            self.start = oldest.position;
        }
    }
}

fn weight(event: &RecordedEvent) -> usize {
    let sealed: usize = event.slots.iter().map(|slot| if let domain::SlotContent::Envelope(bytes) = slot { bytes.len() } else { 32 }).sum();
    event.header_bytes.len() + event.facts.len() + sealed
}
