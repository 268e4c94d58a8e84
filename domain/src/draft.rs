//! An event as a decision leaves it: facts, and beside them the personal data that waits to be sealed.

use crate::{Class, KeyId, Personal, PersonalData, Slot};
use zeroize::Zeroizing;

/// A decided event. `commands` seals its slots, gives it an id and appends it.
#[derive(Debug)]
pub struct Draft<E> {
    pub event: E,
    pub personal: Vec<PersonalSlot>,
}

impl<E> Draft<E> {
    pub fn new(event: impl Into<E>, slots: Slots) -> Self {
        Self { event: event.into(), personal: slots.0 }
    }

    /// An event that says nothing personal.
    pub fn plain(event: impl Into<E>) -> Self {
        Self::new(event, Slots::default())
    }
}

/// Personal data on its way into an envelope.
pub struct PersonalSlot {
    /// The person's key; `None` when that person was forgotten, and the slot is withheld.
    pub key: Option<KeyId>,
    pub class: Class,
    pub plaintext: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for PersonalSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonalSlot({:?}, …)", self.class)
    }
}

/// Collects an event's personal data and numbers it.
#[derive(Debug, Default)]
pub struct Slots(Vec<PersonalSlot>);

impl Slots {
    pub fn put<T: PersonalData>(&mut self, key: Option<KeyId>, data: &Personal<T>) -> Slot<T> {
        let number = u16::try_from(self.0.len()).expect("an event speaks of at most a few dozen people");
        let plaintext = serde_json::to_vec(data.expose()).expect("personal data is plain structs, which always have a JSON form");
        self.0.push(PersonalSlot { key, class: T::CLASS, plaintext: Zeroizing::new(plaintext) });
        Slot::new(number)
    }
}
