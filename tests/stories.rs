//! What people do with a running installation, from signing up to being forgotten.

mod account;
mod audit;
mod canary;
mod client;
mod crashes;
mod kurrentdb;
mod main_path;
mod pages;
mod projections;
mod samples;
mod sink;
