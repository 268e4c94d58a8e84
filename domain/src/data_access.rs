//! Openings of personal data that are written down one by one: refused ones, and those at the command line. (An organisation's own reads are counted.)
//! Each has a stream of its own in the organisation whose data it is.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::{Category, DataName, Draft, Purpose};

vocabulary! {
    /// What in the data policy forbids an opening.
    pub enum PurposeRefusal {
        /// The entry of the data does not name the purpose.
        NotForThisData,
        /// The class under which the data is sealed does not allow it.
        NotForItsClass,
    }
}

facts! {
    /// Somebody wanted to open data for a purpose that the data policy does not allow. Nothing was opened.
    pub struct PurposeRefused {
        pub purpose: Purpose,
        pub data: DataName,
        pub refusal: PurposeRefusal,
        /// How many envelopes it was about.
        pub count: u64,
    }
    /// Whoever runs the installation opened data.
    pub struct DataOpened {
        pub purpose: Purpose,
        pub data: DataName,
        /// How many envelopes.
        pub count: u64,
    }
}

events! {
    pub enum DataAccessEvent {
        PurposeRefused(PurposeRefused) = 1,
        DataOpened(DataOpened) = 1,
    }
}

/// What one request opened, and what it was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataAccess {
    pub opened: u64,
    pub refused: u64,
}

impl Aggregate for DataAccess {
    type Event = DataAccessEvent;
    const CATEGORY: Category = Category::DataAccess;

    fn evolve(&mut self, recorded: &Recorded<DataAccessEvent>) {
        match &recorded.event {
            DataAccessEvent::PurposeRefused(event) => self.refused += event.count,
            DataAccessEvent::DataOpened(event) => self.opened += event.count,
        }
    }
}

impl DataAccess {
    pub fn refuse(purpose: Purpose, data: DataName, refusal: PurposeRefusal, count: u64) -> Draft<DataAccessEvent> {
        Draft::plain(PurposeRefused { purpose, data, refusal, count })
    }

    pub fn open(purpose: Purpose, data: DataName, count: u64) -> Draft<DataAccessEvent> {
        Draft::plain(DataOpened { purpose, data, count })
    }
}
