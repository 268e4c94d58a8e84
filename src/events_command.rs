//! `lethemail events`: what stands in the log, for whoever reads it without this program.

use anyhow::bail;
use clap::Subcommand;
use domain::event_schemas;
use serde_json::{Map, Value};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print the JSON Schema of a type of event's facts; of all types, by name, where none is given
    Schema { event_type: Option<String> },
}

pub(crate) fn run(command: EventsCommand) -> anyhow::Result<()> {
    let EventsCommand::Schema { event_type } = command;
    let schema = match event_type {
        Some(wanted) => one(&wanted)?,
        None => Value::Object(event_schemas().into_iter().map(|known| (known.event_type.to_owned(), known.schema)).collect::<Map<_, _>>()),
    };
    println!("{schema:#}");
    Ok(())
}

fn one(wanted: &str) -> anyhow::Result<Value> {
    let schemas = event_schemas();
    if let Some(known) = schemas.iter().find(|known| known.event_type == wanted) {
        return Ok(known.schema.clone());
    }
    let names: Vec<&str> = schemas.iter().map(|known| known.event_type).collect();
    bail!("there is no type of event of this name; there are {}", names.join(", "));
}
