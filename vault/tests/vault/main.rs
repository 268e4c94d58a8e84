//! The vault on a real PostgreSQL.
// Tests want ids that differ, whichever they are.
#![allow(clippy::disallowed_methods)]

mod classes;
mod creation;
mod destruction;
mod disk;
mod envelopes;
mod keyring_rows;
mod oracle;
mod provider_faults;
mod providers;
mod real_process;
mod recipients;
mod retention;
mod rotation;
mod rotation_kills;
mod secrets;
mod standbys;
mod start;
mod support;
