//! What operators do to the installation. One stream of the platform's tells of it.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::{Category, Draft, EventId, OrganizationId, StreamName, Timestamp};
use uuid::Uuid;

vocabulary! {
    /// Why nothing that waits is sent.
    pub enum PauseGround {
        /// Somebody said so; what for stands in no event.
        Operator,
        /// The log came from a backup, which does not know what was sent after it.
        Restore,
    }
    pub enum ResumeGround {
        Operator,
    }
}

facts! {
    pub struct DeliveriesPaused {
        pub ground: PauseGround,
    }
    pub struct DeliveriesResumed {
        pub ground: ResumeGround,
    }
    /// The log up to here came out of a backup.
    pub struct LogRestored {
        pub last_event: EventId,
        pub backed_up_at: Timestamp,
        /// None: without a keyring.
        pub keyring_backed_up_at: Option<Timestamp>,
    }
}

events! {
    pub enum OperationsEvent {
        DeliveriesPaused(DeliveriesPaused) = 1,
        DeliveriesResumed(DeliveriesResumed) = 1,
        LogRestored(LogRestored) = 1,
    }
}

#[derive(Clone, Debug, Default)]
pub struct Operations {
    pub deliveries_paused: bool,
    pub restored: Vec<LogRestored>,
}

impl Aggregate for Operations {
    type Event = OperationsEvent;
    const CATEGORY: Category = Category::Operations;

    fn evolve(&mut self, recorded: &Recorded<OperationsEvent>) {
        match &recorded.event {
            OperationsEvent::DeliveriesPaused(_) => self.deliveries_paused = true,
            OperationsEvent::DeliveriesResumed(_) => self.deliveries_paused = false,
            OperationsEvent::LogRestored(event) => self.restored.push(event.clone()),
        }
    }
}

impl Operations {
    pub fn pause(&self, ground: PauseGround) -> Vec<Draft<OperationsEvent>> {
        if self.deliveries_paused { vec![] } else { vec![Draft::plain(DeliveriesPaused { ground })] }
    }

    pub fn resume(&self, ground: ResumeGround) -> Vec<Draft<OperationsEvent>> {
        if self.deliveries_paused { vec![Draft::plain(DeliveriesResumed { ground })] } else { vec![] }
    }

    /// Deliveries are held up along with it.
    pub fn restore(&self, restored: LogRestored) -> Vec<Draft<OperationsEvent>> {
        let mut drafts = self.pause(PauseGround::Restore);
        if !self.restored.contains(&restored) {
            drafts.push(Draft::plain(restored));
        }
        drafts
    }

    pub fn stream() -> StreamName {
        StreamName::new(Category::Operations, OrganizationId::PLATFORM, Uuid::nil())
    }
}
