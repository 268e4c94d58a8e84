//! GraphQL, the Resend-compatible Email API, and the few pages that people open: translation only.
//!
//! A handler turns words of the outside into one command or one query, and the answer back. It decides nothing: rules live in `domain`,
//! statements in `projections`. What was sealed is opened here for the purpose of showing an organisation or a person their own data.

mod accept;
mod body;
mod call;
mod caller;
mod cookies;
mod graphql;
mod health;
mod hub;
mod log_files;
mod message;
mod node_id;
mod origin_check;
mod pages;
mod personal;
mod position_token;
mod readiness;
mod request_log;
mod rest;
mod routes;
mod state;

pub use graphql::sdl;
pub use node_id::stream_of_id;
pub use readiness::{NotReady, Readiness};
pub use state::{Api, ApiParts, ApiSettings};
