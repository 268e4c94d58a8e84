//! Addresses that an organisation must not mail.

use super::SuppressionReason;
use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::connection::{connection, cursor};
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Category, Purpose};
use projections::{Page, SuppressionCursor, SuppressionRow};
use uuid::Uuid;

/// An address that the organization must not mail.
#[derive(Clone, SimpleObject)]
pub(crate) struct Suppression {
    /// Its id.
    id: ID,
    /// Why.
    reason: SuppressionReason,
    /// Since when.
    since: DateTime<Utc>,
    /// The address.
    address: Option<String>,
    /// Whether the address can be read.
    personal_data: PersonalData,
}

connection!(SuppressionConnection, SuppressionEdge, Suppression, "addresses that must not be mailed, newest first");

impl Suppression {
    pub async fn page(call: &Call, page: Page<SuppressionRow>, has_previous_page: bool) -> Result<SuppressionConnection> {
        let sealed: Vec<_> = page.rows.iter().map(|row| &row.details).collect();
        let opened = call.state.vault.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
        let places = page.rows.iter().zip(opened).map(|(row, opened)| {
            let suppression = Self {
                id: NodeId::new(Category::Suppression, row.organization, row.key.0).into(),
                reason: row.reason.into(),
                since: row.since.to_datetime(),
                address: shown(&opened).map(|details| details.address.clone()),
                personal_data: PersonalData::from(&opened),
            };
            (cursor(&cursor_bytes(row.cursor())), suppression)
        });
        Ok(SuppressionConnection::new(places.collect(), page.has_next, has_previous_page))
    }
}

fn cursor_bytes(place: SuppressionCursor) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&place.since.micros().to_be_bytes());
    bytes[8..].copy_from_slice(place.key.0.as_bytes());
    bytes
}

pub(crate) fn place_of(bytes: [u8; 24]) -> SuppressionCursor {
    let (since, key) = bytes.split_at(8);
    SuppressionCursor {
        since: domain::Timestamp::from_micros(i64::from_be_bytes(since.try_into().expect("the front has eight bytes"))),
        key: domain::KeyId(Uuid::from_slice(key).expect("the rest has sixteen bytes")),
    }
}
