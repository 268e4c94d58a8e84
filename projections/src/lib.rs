//! The read side: one file per read model, its projection and its queries together.
//!
//! A projection moves its rows and its bookmark in one transaction, and knows nothing but the events: no clock, no random number, no key. Rows carry
//! the events' envelopes as they are, so whoever shows them opens them elsewhere. This crate must not know how events come about (`commands`), nor hold a key.

mod actor_columns;
mod bookmark;
mod content_hash;
mod envelope_column;
mod feed;
mod freshness;
mod generation;
mod lag;
mod mover;
mod oversee;
mod page;
mod projection;
mod projector;
mod rebuild;
mod relocation;
mod side_room;
mod source;
mod status;
mod switch;
mod verify;
mod word;

pub mod account_history;
pub mod api_keys;
pub mod delivery_queue;
pub mod delivery_stats;
pub mod emails;
pub mod erasures;
pub mod organizations;
pub mod processing;
pub mod smtp_servers;
pub mod suppressions;
pub mod timeline;

pub use account_history::{HistoryOrigin, HistoryRange, HistoryRow};
pub use api_keys::ApiKeyRow;
pub use content_hash::content_hash;
pub use delivery_queue::ClaimedDelivery;
pub use delivery_stats::{DayStats, OpenRecipients};
pub use emails::{EmailFilter, EmailRecipientRow, EmailRow};
pub use erasures::{ErasureRow, ErasureStage, OpenErasure, UnfinishedErasure};
pub use freshness::Freshness;
pub use generation::Generation;
pub use lag::{Lag, lags};
pub use organizations::{MemberRow, OrganizationRow};
pub use page::{PAGE_MAX, Page};
pub use processing::LimitedSubject;
pub use projection::{Projection, ProjectionError, QueryError, all, find};
pub use projector::{Parts, Projector};
pub use rebuild::Progress;
pub use relocation::Relocation;
pub use smtp_servers::SmtpServerRow;
pub use status::{GenerationStatus, Status, status};
pub use suppressions::{SuppressionCursor, SuppressionRow};
pub use timeline::TimelineEntry;
pub use verify::{ComparedTable, Verification};
