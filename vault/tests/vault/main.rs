//! The vault on a real PostgreSQL.
// Tests want ids that differ, whichever they are.
#![allow(clippy::disallowed_methods)]

mod creation;
mod destruction;
mod envelopes;
mod keyring_rows;
mod oracle;
mod recipients;
mod secrets;
mod start;
mod support;
