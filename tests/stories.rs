//! What people do with a running installation, from signing up to being forgotten.

mod account;
mod audit;
mod canary;
mod client;
mod crashes;
mod evidence;
mod fail_over;
mod histories;
mod installation;
mod key_providers;
mod keys;
mod loss;
mod main_path;
mod metrics;
mod moving;
mod pages;
mod projections;
mod restore;
mod samples;
mod sink;
