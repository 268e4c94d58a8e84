//! What is read at once, and how much of it may be held.

use domain::{RecordedEvent, SlotContent};

/// The most events that a subscription hands out at once.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// What they may weigh together, in bytes. The event that goes beyond is still handed out, or one that is larger would never come.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// A stretch of the log.
#[derive(Default)]
pub(crate) struct Window {
    pub events: Vec<RecordedEvent>,
    /// Everything up to here is among the events, or is of no interest.
    pub to: u64,
    bytes: usize,
}

impl Window {
    /// Whether it is full with this event.
    pub fn take_in(&mut self, event: RecordedEvent, limit: usize) -> bool {
        self.bytes += weight(&event);
        self.events.push(event);
        self.events.len() >= limit || self.is_heavy()
    }

    pub fn is_heavy(&self) -> bool {
        self.bytes >= BATCH_BYTES_MAX
    }
}

fn weight(event: &RecordedEvent) -> usize {
    let envelope = |slot: &SlotContent| if let SlotContent::Envelope(bytes) = slot { bytes.len() } else { 0 };
    event.header_bytes.len() + event.facts.len() + event.slots.iter().map(envelope).sum::<usize>()
}
