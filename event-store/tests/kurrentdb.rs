//! The log on KurrentDB: the contract, and what the official client does not survive by itself.
//!
//! Everything runs on the test double. On a real server, the contract is run by `make test-kurrentdb`.

#![expect(clippy::disallowed_methods, reason = "ids of these tests decide nothing; faults strike in real time")]

#[path = "kurrentdb/another_log.rs"]
mod another_log;
#[path = "kurrentdb/contract.rs"]
mod contract;
#[path = "kurrentdb/copying.rs"]
mod copying;
#[path = "kurrentdb/faults_of_appends.rs"]
mod faults_of_appends;
#[path = "kurrentdb/faults_of_reads.rs"]
mod faults_of_reads;
#[path = "kurrentdb/fixture.rs"]
mod fixture;
#[path = "kurrentdb/leader.rs"]
mod leader;
