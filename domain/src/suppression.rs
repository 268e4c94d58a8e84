//! One address that an organisation must not mail. Its stream is named by the key that seals the address, which outlives the person's other keys.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::{Category, Draft, ErasureId, KeyId, Personal, Sealed, Slot, Slots, Timestamp};

personal_data! {
    /// An address that an organisation must not mail.
    pub struct SuppressionDetails: EmailMetadata, Suppress, of Recipient, rows "M1.5 C4.4 C9.1b", for Service | Deliver | SubjectRights {
        /// The address.
        pub address: String,
    }
}

vocabulary! {
    /// Why an address must not be mailed.
    pub enum SuppressionReason {
        Manual,
        Bounced,
        Complained,
        Unsubscribed,
        /// The person was forgotten and asked not to be mailed again.
        Erased,
        /// The person objected to advertising: nothing overrides it (row M8.5).
        Objected,
    }
}

facts! {
    pub struct AddressSuppressed {
        pub reason: SuppressionReason,
        pub details: Slot<SuppressionDetails>,
        pub erasure: Option<ErasureId>,
    }
    pub struct SuppressionLifted {
        pub by_request: bool,
    }
}

events! {
    pub enum SuppressionEvent {
        AddressSuppressed(AddressSuppressed) = 1,
        SuppressionLifted(SuppressionLifted) = 1,
    }
}

#[derive(Clone, Debug, Default)]
pub struct Suppression {
    /// `None`: the address may be mailed.
    pub reason: Option<SuppressionReason>,
    pub details: Option<Sealed<SuppressionDetails>>,
    /// When it was last suppressed.
    pub since: Option<Timestamp>,
    /// When mail was allowed again after that.
    pub lifted_at: Option<Timestamp>,
    pub erasure: Option<ErasureId>,
}

impl Aggregate for Suppression {
    type Event = SuppressionEvent;
    const CATEGORY: Category = Category::Suppression;

    fn evolve(&mut self, recorded: &Recorded<SuppressionEvent>) {
        match &recorded.event {
            SuppressionEvent::AddressSuppressed(event) => {
                self.reason = Some(event.reason);
                self.details = Some(recorded.sealed(event.details));
                self.since = Some(recorded.header.occurred_at);
                self.lifted_at = None;
                self.erasure = event.erasure;
            }
            SuppressionEvent::SuppressionLifted(_) => {
                self.reason = None;
                self.lifted_at = Some(recorded.header.occurred_at);
            }
        }
    }
}

impl Suppression {
    /// The person asks for it.
    pub fn lift(&self) -> Vec<Draft<SuppressionEvent>> {
        if self.reason.is_none() {
            return vec![];
        }
        vec![Draft::plain(SuppressionLifted { by_request: true })]
    }

    pub fn suppress(
        &self,
        reason: SuppressionReason,
        details: &Personal<SuppressionDetails>,
        key: KeyId,
        erasure: Option<ErasureId>,
    ) -> Vec<Draft<SuppressionEvent>> {
        if self.reason.is_some() {
            return vec![];
        }
        let mut slots = Slots::default();
        let suppressed = AddressSuppressed { reason, details: slots.put(Some(key), details), erasure };
        vec![Draft::new(suppressed, slots)]
    }
}
