//! The values of one row, as the product would write them.

use crate::append;
use domain::{Category, OrganizationId, StreamName};
use uuid::Uuid;

pub struct Row {
    pub id: Uuid,
    pub organization: Uuid,
    pub header: Vec<u8>,
    pub facts: Vec<u8>,
    pub sealed: Vec<u8>,
    pub salt: [u8; 16],
}

impl Row {
    /// Begins the stream that the id names.
    pub fn new(id: Uuid) -> Self {
        let organization = Uuid::nil();
        let event = append::event(id);
        let header = event.header(StreamName::new(Category::Email, OrganizationId(organization), id), 0).to_bytes();
        Self { id, organization, header, facts: event.facts, sealed: event.slots.encode(), salt: event.salt }
    }
}

/// Tables like the log's own in a schema of their own, not partitioned, which costs them less.
pub fn tables(schema: &str) -> String {
    format!(
        "CREATE SCHEMA {schema}; CREATE TABLE {schema}.event (LIKE log.event INCLUDING ALL);
         CREATE TABLE {schema}.stream (LIKE log.stream INCLUDING ALL);"
    )
}
