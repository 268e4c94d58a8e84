//! One log as the walk reads it: event by event, up to where it is to be read.

use crate::{EventStore, Filter, ReadError, Subscription, SubscriptionEvent};
use domain::{Position, RecordedEvent};
use std::collections::VecDeque;

pub(super) struct Reading {
    subscription: Subscription,
    pending: VecDeque<RecordedEvent>,
    /// What lies behind is not read.
    to: Position,
    /// It has caught up with its log: asked again, it would wait for news.
    at_end: bool,
}

impl Reading {
    pub fn of(store: &EventStore, to: Position) -> Self {
        Self { subscription: store.subscribe(Position::START, Filter::default()), pending: VecDeque::new(), to, at_end: false }
    }

    /// `None` at the end.
    pub async fn next(&mut self) -> Result<Option<RecordedEvent>, ReadError> {
        while self.pending.is_empty() && !self.at_end {
            self.read_on().await?;
        }
        Ok(self.pending.pop_front_if(|event| event.position <= self.to))
    }

    /// An event that is known to come.
    pub async fn await_next(&mut self) -> Result<RecordedEvent, ReadError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(event);
            }
            self.read_on().await?;
        }
    }

    /// The next events: at most so many, and no more once they weigh so much.
    pub async fn chunk(&mut self, events_max: usize, bytes_max: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < events_max && bytes < bytes_max {
            let Some(event) = self.next().await? else { break };
            bytes += event.facts.len() + event.slots.encode().len();
            chunk.push(event);
        }
        Ok(chunk)
    }

    async fn read_on(&mut self) -> Result<(), ReadError> {
        match self.subscription.next().await? {
            SubscriptionEvent::Events(events) => {
                self.pending.extend(events);
                self.at_end = false;
            }
            SubscriptionEvent::CaughtUp(_) => self.at_end = true,
        }
        Ok(())
    }
}
