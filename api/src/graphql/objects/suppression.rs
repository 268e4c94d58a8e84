//! Addresses that an organisation must not mail.

use super::SuppressionReason;
use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::connection::{connection, cursor};
use crate::graphql::past;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Category, OrganizationId, Position, Purpose};
use history::{Moment, Past};
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
        let places: Vec<String> = page.rows.iter().map(|row| cursor(&cursor_bytes(row.cursor()))).collect();
        let places = places.into_iter().zip(Self::of_rows(call, &page.rows).await?).collect();
        Ok(SuppressionConnection::new(places, page.has_next, has_previous_page))
    }

    /// What was in force at a moment. The places of this list are those of the log.
    pub async fn page_as_of(
        call: &Call,
        organization: OrganizationId,
        moment: Moment,
        first: usize,
        after: Option<&str>,
    ) -> Result<SuppressionConnection> {
        let in_force = |suppression: &domain::Suppression| suppression.reason.is_some();
        let listed = past::list(call, organization, moment, (first, after), in_force, row_as_of).await?;
        let found = Self::of_rows(call, &listed.rows).await?;
        Ok(SuppressionConnection::new(listed.places.into_iter().zip(found).collect(), listed.has_next, listed.has_previous))
    }

    async fn of_rows(call: &Call, rows: &[SuppressionRow]) -> Result<Vec<Self>> {
        let sealed: Vec<_> = rows.iter().map(|row| &row.details).collect();
        let opened = call.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
        let suppressions = rows.iter().zip(opened).map(|(row, opened)| Self {
            id: NodeId::new(Category::Suppression, row.organization, row.key.0).into(),
            reason: row.reason.into(),
            since: row.since.to_datetime(),
            address: shown(&opened).map(|details| details.address.clone()),
            personal_data: PersonalData::from(&opened),
        });
        Ok(suppressions.collect())
    }
}

/// As the read model would have shown it, and its place in the log.
fn row_as_of(past: Past<domain::Suppression>) -> Option<(Position, SuppressionRow)> {
    let Past { stream, state, began, .. } = past;
    let row = SuppressionRow {
        organization: stream.organization,
        key: domain::KeyId(stream.id),
        reason: state.reason?,
        since: state.since?,
        lifted_at: state.lifted_at,
        erasure: state.erasure,
        details: state.details?,
    };
    Some((began, row))
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
