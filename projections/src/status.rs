//! What there is of each projection, for people who operate it.

use crate::bookmark::position;
use crate::generation::Generation;
use crate::lag::{Lag, lags};
use crate::{Projection, ProjectionError, all};
use deadpool_postgres::ClientWrapper;
use domain::{Position, Timestamp};
use event_store::EventStore;

/// A projection: what queries see, and what lies beside it.
#[derive(Clone, Debug)]
pub struct Status {
    pub projection: &'static Projection,
    pub lag: Lag,
    /// `None` before it was ever moved.
    pub live: Option<GenerationStatus>,
    /// What is being filled, was seen before, or is filled to be compared.
    pub beside: Vec<(Generation, GenerationStatus)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationStatus {
    /// Of the program that made it.
    pub version: i32,
    pub position: Position,
    /// HOST:PROCESS of whoever moves it now.
    pub holder: Option<String>,
}

/// Of every projection.
pub async fn status(client: &ClientWrapper, store: &EventStore, now: Timestamp) -> Result<Vec<Status>, ProjectionError> {
    let select = "SELECT reader, version, position, CASE WHEN lease IS NOT NULL AND lease_expires_at_us > $1 THEN coalesce(holder, '?') END
        FROM ops.bookmark";
    let rows = client.query(select, &[&now.micros()]).await?;
    let find = |projection: &Projection, generation: Generation| {
        let reader = generation.reader(projection);
        let row = rows.iter().find(|row| row.get::<_, &str>(0) == reader)?;
        Some(GenerationStatus { version: row.get(1), position: position(row.get(2)), holder: row.get(3) })
    };
    let lags = lags(client, store).await?;
    let beside = [Generation::Next, Generation::Former, Generation::Check];
    let status = all().iter().zip(lags).map(|(projection, (_, lag))| Status {
        projection,
        lag,
        live: find(projection, Generation::Live),
        beside: beside.into_iter().filter_map(|generation| Some((generation, find(projection, generation)?))).collect(),
    });
    Ok(status.collect())
}
