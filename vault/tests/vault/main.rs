//! The vault on a real PostgreSQL.

mod envelopes;
mod start;
mod support;
