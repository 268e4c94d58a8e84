//! Facts and rules: what can happen, who may decide it, and what follows from it.
//!
//! Nothing here waits, reads a clock, draws a random number or touches a disk: time, ids and keys come in as arguments, so every
//! decision can be replayed. It must not know PostgreSQL, GraphQL, SMTP or any key's bytes.

mod actor;
mod aggregate;
mod api_key;
mod clock;
mod data_access;
mod data_policy;
mod draft;
mod email;
mod email_address;
mod erasure;
mod event;
mod event_schema;
mod evidence;
mod fact;
mod ids;
mod key_life;
mod organization;
mod origin;
mod position;
mod sealed;
mod smtp_server;
mod stream_name;
mod suppression;
mod timestamp;
mod token_hash;
mod upcast;
mod user;

pub use actor::{Actor, SystemActor};
pub use aggregate::{Aggregate, DecodeError, Event, Folded, Recorded, fold};
pub use api_key::*;
pub use clock::{Clock, Ids, ManualClock, SeededIds};
pub use data_access::*;
pub use data_policy::*;
pub use draft::{Draft, PersonalSlot, Slots};
pub use email::*;
pub use email_address::{AddressError, EmailAddress, Mailbox};
pub use erasure::*;
pub use event::{EventHeader, NewEvent, RecordedEvent, leaf_hash};
pub use event_schema::{EventSchema, event_schemas};
pub use evidence::*;
pub use fact::Fact;
pub use ids::*;
pub use key_life::*;
pub use organization::*;
pub use origin::RequestOrigin;
pub use position::Position;
pub use sealed::{ENVELOPE_OVERHEAD, EnvelopeKeys, Personal, SealContext, Sealed, SealedSlots, Slot, SlotContent, SlotError};
pub use smtp_server::*;
pub use stream_name::{Category, StreamName, StreamNameError};
pub use suppression::*;
pub use timestamp::{Day, Timestamp};
pub use token_hash::{LookupValue, RootHash, TokenHash};
pub use upcast::{Upcast, current_facts};
pub use user::*;
