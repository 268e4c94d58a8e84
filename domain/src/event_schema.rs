//! What the facts of every event look like, for whoever reads a log without this program.

use crate::{
    Aggregate, ApiKey, Category, DataAccess, Email, Erasure, Event, Evidence, Hold, KeyLife, Operations, Organization, Processing,
    SmtpServer, Suppression, User,
};
use serde_json::{Value, json};

/// The form of one type of event, as it is written today.
#[derive(Clone, Debug, PartialEq)]
pub struct EventSchema {
    pub event_type: &'static str,
    pub schema_version: u16,
    /// Of the streams that hold such events.
    pub category: Category,
    /// JSON Schema (draft 2020-12) of the event's facts. Slots of personal data are numbers with `x-personal-data`: what the envelope holds.
    pub schema: Value,
}

/// All types of events, by category and in the order in which they are declared.
pub fn event_schemas() -> Vec<EventSchema> {
    let mut schemas = Vec::new();
    schemas.extend(of::<User>());
    schemas.extend(of::<Organization>());
    schemas.extend(of::<ApiKey>());
    schemas.extend(of::<SmtpServer>());
    schemas.extend(of::<Email>());
    schemas.extend(of::<Suppression>());
    schemas.extend(of::<Erasure>());
    schemas.extend(of::<KeyLife>());
    schemas.extend(of::<Evidence>());
    schemas.extend(of::<Hold>());
    schemas.extend(of::<Processing>());
    schemas.extend(of::<Operations>());
    schemas.extend(of::<DataAccess>());
    schemas
}

fn of<A: Aggregate>() -> impl Iterator<Item = EventSchema> {
    A::Event::TYPES.iter().zip(A::Event::schemas()).map(|((event_type, schema_version), mut schema)| {
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["$id"] = json!(format!("urn:lethemail:event:{event_type}:{schema_version}"));
        schema["title"] = json!(event_type);
        schema["x-category"] = json!(A::CATEGORY.as_str());
        schema["x-schema-version"] = json!(schema_version);
        EventSchema { event_type, schema_version: *schema_version, category: A::CATEGORY, schema }
    })
}
