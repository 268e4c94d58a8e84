//! The log's contract, on memory and PostgreSQL, and what PostgreSQL must stand besides.

#![expect(clippy::disallowed_methods, reason = "ids of these tests decide nothing; faults strike in real time")]

#[path = "event_store/contract.rs"]
mod contract;
#[path = "event_store/fail_over.rs"]
mod fail_over;
#[path = "event_store/faults.rs"]
mod faults;
#[path = "event_store/order.rs"]
mod order;
#[path = "event_store/plans.rs"]
mod plans;
#[path = "event_store/refusals.rs"]
mod refusals;
#[path = "event_store/slow_reader.rs"]
mod slow_reader;
#[path = "event_store/support.rs"]
mod support;
#[path = "event_store/writers.rs"]
mod writers;
