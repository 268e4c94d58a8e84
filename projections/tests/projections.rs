//! The read side on real PostgreSQL with the real event store.

#[path = "projections/story.rs"]
mod story;
#[path = "projections/streams.rs"]
mod streams;
#[path = "projections/support.rs"]
mod support;

#[path = "projections/claims.rs"]
mod claims;
#[path = "projections/contents.rs"]
mod contents;
#[path = "projections/crashes.rs"]
mod crashes;
#[path = "projections/freshness.rs"]
mod freshness;
#[path = "projections/generations.rs"]
mod generations;
#[path = "projections/history.rs"]
mod history;
#[path = "projections/kills.rs"]
mod kills;
#[path = "projections/leases.rs"]
mod leases;
#[path = "projections/obstacles.rs"]
mod obstacles;
#[path = "projections/pages.rs"]
mod pages;
#[path = "projections/replay.rs"]
mod replay;
#[path = "projections/switches.rs"]
mod switches;
#[path = "projections/verification.rs"]
mod verification;
