//! The program around the crates: configuration, the private PostgreSQL, connection pools, logging, subcommands.
//!
//! No business rule lives here. It starts things in order, hands them to each other, and stops them in reverse.

#[cfg(not(target_os = "linux"))]
compile_error!("Lethemail runs on Linux: it relies on the parent-death signal, /proc and CLOCK_BOOTTIME");

mod anchored_log;
mod audit_command;
mod backup_command;
mod cli;
mod clock;
mod config;
mod data_directory;
mod database;
mod doctor;
mod event_log;
mod events_command;
mod exit;
mod greeting;
mod ids;
mod keys_command;
mod log_command;
mod logging;
mod memory;
mod metrics;
mod operations;
mod policy_command;
mod pools;
mod private_postgres;
mod progress;
mod projections_command;
mod queue_command;
mod restore_command;
mod retention_command;
mod serve;
mod server;
mod service;

pub use cli::main;
pub use clock::{ClockFileError, SystemClock};
pub use config::{Config, ConfigError, DatabaseSettings, Flags, LimitSettings, Role, SETTINGS, Secret, Setting, SmtpSettings};
pub use data_directory::{DataDirectory, DataDirectoryError};
pub use database::Database;
pub use exit::Exit;
pub use ids::SystemIds;
pub use logging::install as install_logging;
pub use pools::Pools;
pub use private_postgres::{PostgresError, PrivatePostgres};
pub use progress::bar as progress_bar;
pub use serve::Foundation;
pub use service::Service;
