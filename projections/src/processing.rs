//! Whose data may be used only so far: restrictions and objections. The keyring's marks are made again from this.

use crate::projection::{Projected, Table, decode};
use crate::word::{parse, parse_all, word, words};
use crate::{Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    Aggregate, Category, ObjectionScope, OrganizationId, Processing, ProcessingEvent, ProcessingLimits, Recorded, RecordedEvent,
    RestrictionGround, Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "read.processing";
const COLUMNS: &str = "organization, subject, restricted, restricted_at_us, lift_announced_at_us, objections, limits";

pub static PROJECTION: Projection = Projection {
    name: "processing",
    version: 1,
    categories: &[Category::Processing],
    tables: &[Table { name: TABLE, columns: COLUMNS, primary_key: "organization, subject" }],
    project,
};

const LOAD: &str = "SELECT organization, subject, restricted, restricted_at_us, lift_announced_at_us, objections, limits FROM processing
    WHERE organization = $1 AND subject = $2";
const STORE: &str = "INSERT INTO processing (organization, subject, restricted, restricted_at_us, lift_announced_at_us, objections, limits)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (organization, subject) DO UPDATE SET restricted = EXCLUDED.restricted, restricted_at_us = EXCLUDED.restricted_at_us,
        lift_announced_at_us = EXCLUDED.lift_announced_at_us, objections = EXCLUDED.objections, limits = EXCLUDED.limits";

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        for event in events {
            apply(transaction, event).await?;
        }
        Ok(())
    })
}

/// The row holds the whole state, so that the one `evolve` moves it.
async fn apply(transaction: &Transaction<'_>, recorded: &RecordedEvent) -> Result<(), ProjectionError> {
    let (organization, subject) = (recorded.header.organization.0, recorded.header.stream.id);
    let load = transaction.prepare_cached(LOAD).await?;
    let row = transaction.query_opt(&load, &[&organization, &subject]).await?;
    let mut state = row.as_ref().map(state_of).transpose()?.unwrap_or_default();
    let event = decode::<ProcessingEvent>(recorded)?;
    state.evolve(&Recorded { header: recorded.header.clone(), event, slots: recorded.slots.clone() });
    let time = |time: Option<Timestamp>| time.map(|time| time.micros());
    let objections: Vec<ObjectionScope> = state.objections.iter().copied().collect();
    let store = transaction.prepare_cached(STORE).await?;
    transaction
        .execute(
            &store,
            &[
                &organization,
                &subject,
                &state.restricted.map(|ground| word(&ground)),
                &time(state.restricted_at),
                &time(state.lift_announced_at),
                &words(&objections),
                &state.limits().number(),
            ],
        )
        .await?;
    Ok(())
}

fn state_of(row: &Row) -> Result<Processing, QueryError> {
    let time = |column: &str| row.get::<_, Option<i64>>(column).map(Timestamp::from_micros);
    let restricted: Option<RestrictionGround> = row.get::<_, Option<&str>>("restricted").map(|ground| parse(ground, TABLE)).transpose()?;
    let objections: Vec<ObjectionScope> = parse_all(&row.get::<_, Vec<&str>>("objections"), TABLE)?;
    Ok(Processing {
        restricted,
        restricted_at: time("restricted_at_us"),
        lift_announced_at: time("lift_announced_at_us"),
        objections: objections.into_iter().collect(),
    })
}

/// Whose use is limited, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitedSubject {
    pub organization: OrganizationId,
    /// A recipient's key, or an account's user.
    pub subject: Uuid,
    pub limits: ProcessingLimits,
}

/// Subjects that ever had a limit, behind `after`; lifted ones are among them, since a restored keyring may not know that they are.
pub async fn page(client: &ClientWrapper, after: (OrganizationId, Uuid), limit: i64) -> Result<Vec<LimitedSubject>, QueryError> {
    let query = "SELECT organization, subject, limits FROM read.processing WHERE (organization, subject) > ($1, $2)
        ORDER BY organization, subject LIMIT $3";
    let statement = client.prepare_cached(query).await?;
    let rows = client.query(&statement, &[&after.0.0, &after.1, &limit]).await?;
    let read = |row: &Row| {
        let limits = ProcessingLimits::from_number(row.get(2)).ok_or(QueryError::Damaged { table: TABLE })?;
        Ok(LimitedSubject { organization: OrganizationId(row.get(0)), subject: row.get(1), limits })
    };
    rows.iter().map(read).collect()
}
