//! The answers, as text for people and as JSON for programs.

use super::arguments::Format;
use super::reveal::Reveal;
use domain::{Actor, StreamName};
use history::{Cause, Change, Entry, FieldValue, Fields};
use serde_json::{Map, Value, json};

pub(super) async fn states(things: &[(StreamName, Fields)], reveal: &Reveal, format: Format) -> anyhow::Result<()> {
    let mut told = Vec::with_capacity(things.len());
    for (stream, fields) in things {
        let mut values = Map::new();
        for (name, value) in fields {
            values.insert(name.clone(), reveal.json(value).await?);
        }
        told.push((stream, values));
    }
    reveal.record().await?;
    match format {
        Format::Json => {
            let things: Vec<Value> = told.into_iter().map(|(stream, fields)| json!({ "stream": stream, "fields": fields })).collect();
            println!("{:#}", Value::Array(things));
        }
        Format::Text => {
            for (stream, fields) in told {
                println!("{stream}");
                let width = fields.keys().map(String::len).max().unwrap_or(0);
                fields.iter().for_each(|(name, value)| println!("  {name:<width$}  {}", text(value)));
            }
        }
    }
    Ok(())
}

pub(super) async fn changes(changes: &[Change], reveal: &Reveal, format: Format) -> anyhow::Result<()> {
    let mut told = Vec::with_capacity(changes.len());
    for change in changes {
        let (before, after) = (side(reveal, change.before.as_ref()).await?, side(reveal, change.after.as_ref()).await?);
        told.push((change, before, after));
    }
    reveal.record().await?;
    if format == Format::Json {
        let changes = told.into_iter().map(|(change, before, after)| {
            let causes: Vec<Value> = change.causes.iter().map(event_json).collect();
            json!({ "stream": change.stream, "field": change.field, "before": before, "after": after, "causes": causes })
        });
        println!("{:#}", Value::Array(changes.collect()));
        return Ok(());
    }
    let mut stream = None;
    for (change, before, after) in told {
        if stream.replace(change.stream) != Some(change.stream) {
            println!("{}", change.stream);
        }
        println!("  {}: {} -> {}", change.field, text(&before), text(&after));
        change.causes.iter().for_each(|cause| println!("    {}", event_text(cause)));
    }
    Ok(())
}

pub(super) fn timeline(entries: &[Entry], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let events = entries.iter().map(|entry| {
                let mut told = event_json(&entry.event);
                told["facts"] = entry.facts.clone();
                told
            });
            println!("{:#}", Value::Array(events.collect()));
        }
        Format::Text => entries.iter().for_each(|entry| println!("{}\n    {}", event_text(&entry.event), entry.facts)),
    }
    Ok(())
}

/// `null`: the field had no value.
async fn side(reveal: &Reveal, value: Option<&FieldValue>) -> anyhow::Result<Value> {
    match value {
        Some(value) => reveal.json(value).await,
        None => Ok(Value::Null),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(sealed) => match (sealed.get("holds").and_then(Value::as_str), sealed.get("personal_data").and_then(Value::as_str)) {
            (Some(holds), Some("readable")) => format!("{holds} {}", sealed.get("value").unwrap_or(&Value::Null)),
            (Some(holds), Some(state)) => format!("{holds} ({})", state.replace('_', " ")),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

fn event_json(event: &Cause) -> Value {
    json!({
        "event_id": event.event_id,
        "type": event.event_type,
        "schema_version": event.schema_version,
        "occurred_at": event.occurred_at.to_string(),
        "actor": event.actor,
        "position": event.position.to_string(),
        "stream": event.stream,
    })
}

fn event_text(event: &Cause) -> String {
    let actor = match event.actor {
        Actor::Member(user) => format!("member {user}"),
        Actor::ApiKey(key) => format!("API key {key}"),
        Actor::System(part) => {
            format!("system {}", serde_json::to_value(part).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default())
        }
    };
    format!("{}  {}  {}  by {actor}  event {}", event.position, event.occurred_at, event.event_type, event.event_id)
}
