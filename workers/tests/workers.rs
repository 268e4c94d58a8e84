//! Workers on a real PostgreSQL, round by round.
#![expect(clippy::disallowed_methods, reason = "ids of tests decide nothing")]

#[path = "workers/erasures.rs"]
mod erasures;
#[path = "workers/publishing.rs"]
mod publishing;
