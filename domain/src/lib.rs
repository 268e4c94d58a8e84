//! Facts and rules: what can happen, who may decide it, and what follows from it.
//!
//! Nothing here waits, reads a clock, draws a random number or touches a disk: time, ids and keys come in as arguments, so every
//! decision can be replayed. It must not know PostgreSQL, GraphQL, SMTP or any key's bytes.

mod actor;
mod aggregate;
mod clock;
mod data_policy;
mod draft;
mod event;
mod fact;
mod ids;
mod position;
mod sealed;
mod stream_name;
mod timestamp;

pub use actor::{Actor, SystemActor};
pub use aggregate::{Aggregate, DecodeError, Event, Folded, Recorded, fold};
pub use clock::{Clock, Ids, ManualClock, SeededIds};
pub use data_policy::{Class, DataCategory, PersonalData, Purpose};
pub use draft::{Draft, PersonalSlot, Slots};
pub use event::{EventHeader, NewEvent, RecordedEvent, leaf_hash};
pub use fact::Fact;
pub use ids::*;
pub use position::Position;
pub use sealed::{ENVELOPE_OVERHEAD, EnvelopeKeys, Personal, SealContext, Sealed, SealedSlots, Slot, SlotContent, SlotError};
pub use stream_name::{Category, StreamName, StreamNameError};
pub use timestamp::{Day, Timestamp};
