//! Where each recipient's delivery stands. The aggregate and the read model fold with the same code.

use super::EmailEvent;
use crate::Timestamp;
use crate::fact::vocabulary;

vocabulary! {
    /// Where one recipient's delivery stands.
    pub enum DeliveryState {
        Queued,
        Transmitting,
        Deferred,
        InDoubt,
        Relayed,
        Delivered,
        Bounced,
        Suppressed,
        Cancelled,
        Abandoned,
    }

    /// A message's status: the first of these that holds for any of its recipients, so that what still needs attention is seen before what ended well.
    pub enum EmailStatus {
        /// Waits for its time; nothing was tried.
        Scheduled,
        Queued,
        Deferred,
        InDoubt,
        Bounced,
        Abandoned,
        Cancelled,
        Suppressed,
        Relayed,
        Delivered,
    }
}

impl DeliveryState {
    /// Will be tried, or tried again.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred)
    }

    /// Nothing more will happen to this recipient's delivery by itself.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Transmitting | Self::Deferred | Self::InDoubt)
    }

    fn status(self) -> EmailStatus {
        match self {
            Self::Queued | Self::Transmitting => EmailStatus::Queued,
            Self::Deferred => EmailStatus::Deferred,
            Self::InDoubt => EmailStatus::InDoubt,
            Self::Relayed => EmailStatus::Relayed,
            Self::Delivered => EmailStatus::Delivered,
            Self::Bounced => EmailStatus::Bounced,
            Self::Suppressed => EmailStatus::Suppressed,
            Self::Cancelled => EmailStatus::Cancelled,
            Self::Abandoned => EmailStatus::Abandoned,
        }
    }
}

impl EmailStatus {
    /// The word that Resend's clients expect in `last_event`.
    pub fn last_event(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Deferred | Self::InDoubt => "delivery_delayed",
            Self::Bounced => "bounced",
            Self::Abandoned => "failed",
            Self::Cancelled => "canceled",
            Self::Suppressed => "suppressed",
            Self::Relayed => "sent",
            Self::Delivered => "delivered",
        }
    }
}

/// The delivery of one message, as far as it got.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// One state per recipient, by number.
    pub states: Vec<DeliveryState>,
    /// Attempts made so far.
    pub attempts: u32,
    pub scheduled_at: Option<Timestamp>,
    /// When to try (again); `None` when nobody waits.
    pub due_at: Option<Timestamp>,
    /// When the first attempt was due: age is counted from here.
    pub first_due_at: Option<Timestamp>,
}

impl Delivery {
    pub fn apply(&mut self, event: &EmailEvent, occurred_at: Timestamp) {
        match event {
            EmailEvent::EmailQueued(event) => {
                self.states = vec![DeliveryState::Queued; event.recipients.len()];
                self.scheduled_at = event.scheduled_at;
                self.due_at = Some(event.scheduled_at.unwrap_or(occurred_at));
                self.first_due_at = self.due_at;
            }
            EmailEvent::EmailSuppressed(event) => self.set(&event.recipients, DeliveryState::Suppressed),
            EmailEvent::TransmissionStarted(event) => {
                self.attempts = event.attempt;
                self.set(&event.recipients, DeliveryState::Transmitting);
            }
            EmailEvent::EmailRelayed(concluded) => self.conclude(event, concluded.attempt, DeliveryState::Relayed),
            EmailEvent::EmailDelivered(concluded) => self.conclude(event, concluded.attempt, DeliveryState::Delivered),
            EmailEvent::EmailBounced(concluded) => self.conclude(event, concluded.attempt, DeliveryState::Bounced),
            EmailEvent::EmailDeferred(deferred) => {
                self.conclude(event, deferred.attempt, DeliveryState::Deferred);
                self.due_at = Some(deferred.next_attempt_at);
            }
            EmailEvent::DeliveryInDoubt(event) => self.set(&event.recipients, DeliveryState::InDoubt),
            EmailEvent::DeliveryAbandoned(event) => self.set(&event.recipients, DeliveryState::Abandoned),
            EmailEvent::EmailCancelled(event) => self.set(&event.recipients, DeliveryState::Cancelled),
        }
        self.settle_due_time();
    }

    /// A transmission keeps its due time, so that one that never ends is found; a doubtful one is looked at again when it is given up.
    fn settle_due_time(&mut self) {
        if self.states.iter().any(|state| state.is_waiting() || *state == DeliveryState::Transmitting) {
            return;
        }
        let in_doubt = self.states.contains(&DeliveryState::InDoubt);
        self.due_at = self.first_due_at.filter(|_| in_doubt).map(|due| due + super::DELIVERY_AGE_MAX);
    }

    fn conclude(&mut self, event: &EmailEvent, attempt: u32, state: DeliveryState) {
        self.attempts = attempt;
        self.set(&event.recipients(), state);
    }

    fn set(&mut self, recipients: &[u16], state: DeliveryState) {
        for number in recipients {
            if let Some(current) = self.states.get_mut(usize::from(*number)) {
                *current = state;
            }
        }
    }

    pub fn status(&self) -> EmailStatus {
        let untouched = self.attempts == 0 && self.states.contains(&DeliveryState::Queued);
        if untouched && self.scheduled_at.is_some() {
            return EmailStatus::Scheduled;
        }
        self.states.iter().map(|state| state.status()).min().unwrap_or(EmailStatus::Queued)
    }

    pub fn state_of(&self, recipient: u16) -> Option<DeliveryState> {
        self.states.get(usize::from(recipient)).copied()
    }

    pub fn recipients_in(&self, wanted: impl Fn(DeliveryState) -> bool) -> Vec<u16> {
        super::numbers(self.states.iter().map(|state| wanted(*state)))
    }

    pub fn is_finished(&self) -> bool {
        !self.states.is_empty() && self.states.iter().all(|state| state.is_terminal())
    }

    pub fn is_cancelled(&self) -> bool {
        self.states.contains(&DeliveryState::Cancelled)
    }

    /// The number of the transmission that is under way.
    pub fn transmission(&self) -> Option<u32> {
        self.states.contains(&DeliveryState::Transmitting).then_some(self.attempts)
    }

    pub fn next_attempt(&self) -> u32 {
        self.attempts + 1
    }
}
