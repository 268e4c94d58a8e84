//! Stories across the whole system, on the built program. Modules of one binary, named by what happens or goes wrong.

mod configuration;
mod private_postgres;
mod program;
mod requirements;
mod schemas;
mod stories;
mod time_and_ids;
mod walls;
