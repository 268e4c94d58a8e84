//! Stories across the whole system, on the built program. Modules of one binary, named by what happens or goes wrong.

mod configuration;
mod data_policy;
mod event_schemas;
mod private_postgres;
mod program;
mod requirements;
mod schemas;
mod stored_log;
mod stories;
mod time_and_ids;
mod walls;

/// The program that the stories run.
fn built_program() -> std::process::Command {
    std::process::Command::new(env!("CARGO_BIN_EXE_lethemail"))
}
