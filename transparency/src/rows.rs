//! The tables of the logs, schema `ops`.

use crate::checkpoint::Log;
use crate::edge::Edge;
use crate::hash::Hash;
use crate::integrate::Changes;
use crate::logs::LogsError;
use deadpool_postgres::{GenericClient, Transaction};
use domain::FormerLog;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Id and position of an event.
pub(crate) const EVENT_BYTES: usize = 32;

// The last tile of a level is the one that the size points into; where the size points at a border there is none yet.
const EDGES: &str = "SELECT l.log, l.size, t.level, t.hashes FROM ops.transparency_log l CROSS JOIN generate_series(0, 6) AS g (level)
    LEFT JOIN ops.transparency_tile t ON t.log = l.log AND t.level = g.level AND t.number = l.size >> (8 * (g.level + 1))
    WHERE l.log = ANY ($1) ORDER BY l.log, g.level";
const NEWS: &str = "SELECT log FROM ops.transparency_log WHERE news";
const LAST_BUNDLES: &str = "SELECT b.log, b.events FROM ops.transparency_log l
    JOIN ops.transparency_bundle b ON b.log = l.log AND b.number = l.size >> 8 WHERE l.log = ANY ($1)";
const NOT_SIGNED: &str =
    "SELECT log, recorded_size, recorded_root FROM ops.transparency_log WHERE recorded_size > signed_size ORDER BY log";

// Organisations' logs are what their events are; only what was signed of them is another key's.
const BEGIN_ANEW: &str = "DELETE FROM ops.transparency_tile WHERE log = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    DELETE FROM ops.transparency_log WHERE log = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    DELETE FROM ops.transparency_checkpoint; DELETE FROM ops.transparency_cosigned;
    UPDATE ops.transparency_log SET news = true, recorded_size = 0, recorded_root = NULL, signed_size = 0, note = NULL";
const SAVE_FORMER: &str =
    "INSERT INTO ops.transparency_checkpoint (number, organization, size, root, former_key) VALUES (0, $1, $2, $3, $4)";

const SAVE_LOGS: &str = "INSERT INTO ops.transparency_log AS l (log, size, news)
    SELECT u.log, u.size, u.news FROM unnest($1::uuid[], $2::int8[], $3::bool[]) AS u (log, size, news)
    ON CONFLICT (log) DO UPDATE SET size = EXCLUDED.size, news = l.news OR EXCLUDED.news";
const SAVE_TILES: &str = "INSERT INTO ops.transparency_tile (log, level, number, hashes)
    SELECT u.log, u.level, u.number, u.hashes FROM unnest($1::uuid[], $2::int2[], $3::int8[], $4::bytea[]) AS u (log, level, number, hashes)
    ON CONFLICT (log, level, number) DO UPDATE SET hashes = EXCLUDED.hashes";
const SAVE_BUNDLES: &str = "INSERT INTO ops.transparency_bundle (log, number, events, least_event, greatest_event)
    SELECT u.log, u.number, u.events, u.least, u.greatest
    FROM unnest($1::uuid[], $2::int8[], $3::bytea[], $4::uuid[], $5::uuid[]) AS u (log, number, events, least, greatest)
    ON CONFLICT (log, number) DO UPDATE SET events = EXCLUDED.events, least_event = EXCLUDED.least_event, greatest_event = EXCLUDED.greatest_event";
const SAVE_CHECKPOINTS: &str = "INSERT INTO ops.transparency_checkpoint (number, organization, size, root)
    SELECT u.number, u.organization, u.size, u.root FROM unnest($1::int8[], $2::uuid[], $3::int8[], $4::bytea[]) AS u (number, organization, size, root)";
// A checkpoint that covers all takes the news away; one that was overtaken leaves it. The recording itself counts for nothing.
const SAVE_RECORDED: &str = "UPDATE ops.transparency_log l SET recorded_size = u.size, recorded_root = u.root,
        news = l.news AND l.size > u.size + CASE WHEN l.log = '00000000-0000-0000-0000-000000000000' THEN 1 ELSE 0 END
    FROM unnest($1::uuid[], $2::int8[], $3::bytea[]) AS u (log, size, root) WHERE l.log = u.log AND l.recorded_size < u.size";
const PUBLISH: &str = "UPDATE ops.transparency_log l SET signed_size = u.size, note = u.note
    FROM unnest($1::uuid[], $2::int8[], $3::text[]) AS u (log, size, note) WHERE l.log = u.log AND l.signed_size < u.size";

/// A row of 256 events, or fewer.
pub(crate) struct BundleRow {
    pub number: u64,
    pub events: Vec<u8>,
}

impl BundleRow {
    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.events.chunks_exact(EVENT_BYTES).map(|event| Uuid::from_bytes(event[..16].try_into().expect("half of 32 bytes")))
    }
}

pub(crate) async fn edges(client: &impl GenericClient, logs: &[Log]) -> Result<BTreeMap<Log, Edge>, LogsError> {
    let ids: Vec<Uuid> = logs.iter().map(|log| log.id()).collect();
    let statement = client.prepare_cached(EDGES).await?;
    let mut found: BTreeMap<Log, (u64, Vec<Vec<u8>>)> = BTreeMap::new();
    for row in client.query(&statement, &[&ids]).await? {
        let (_, levels) = found.entry(Log::from_id(row.get(0))).or_insert_with(|| (unsigned(row.get(1)), Vec::new()));
        levels.push(row.get::<_, Option<Vec<u8>>>(3).unwrap_or_default());
    }
    found.into_iter().map(|(log, (size, levels))| Ok((log, Edge::new(size, levels).ok_or(LogsError::Malformed)?))).collect()
}

pub(crate) async fn edges_with_news(client: &impl GenericClient) -> Result<BTreeMap<Log, Edge>, LogsError> {
    let statement = client.prepare_cached(NEWS).await?;
    let logs: Vec<Log> = client.query(&statement, &[]).await?.iter().map(|row| Log::from_id(row.get(0))).collect();
    edges(client, &logs).await
}

/// Ids and positions of the events behind each log's last full bundle.
pub(crate) async fn last_bundles(client: &impl GenericClient, logs: &[Log]) -> Result<BTreeMap<Log, Vec<u8>>, LogsError> {
    let ids: Vec<Uuid> = logs.iter().map(|log| log.id()).collect();
    let statement = client.prepare_cached(LAST_BUNDLES).await?;
    Ok(client.query(&statement, &[&ids]).await?.iter().map(|row| (Log::from_id(row.get(0)), row.get(1))).collect())
}

pub(crate) async fn recorded_not_signed(client: &impl GenericClient) -> Result<Vec<(Log, u64, Hash)>, LogsError> {
    let statement = client.prepare_cached(NOT_SIGNED).await?;
    let rows = client.query(&statement, &[]).await?;
    let checkpoint = |row: &tokio_postgres::Row| {
        let root = row.get::<_, Option<&[u8]>>(2).and_then(|root| root.try_into().ok()).ok_or(LogsError::Malformed)?;
        Ok((Log::from_id(row.get(0)), unsigned(row.get(1)), root))
    };
    rows.iter().map(checkpoint).collect()
}

pub(crate) async fn signed_size(client: &impl GenericClient, log: Log) -> Result<u64, LogsError> {
    let statement = client.prepare_cached("SELECT signed_size FROM ops.transparency_log WHERE log = $1").await?;
    Ok(client.query_opt(&statement, &[&log.id()]).await?.map_or(0, |row| unsigned(row.get(0))))
}

/// Ends the platform log. The next one's first entry is this one's last checkpoint.
pub(crate) async fn begin_anew(transaction: &Transaction<'_>, former: &FormerLog) -> Result<(), LogsError> {
    transaction.batch_execute(BEGIN_ANEW).await?;
    let statement = transaction.prepare_cached(SAVE_FORMER).await?;
    let (root, key) = (&former.root.0[..], &former.key.0[..]);
    transaction.execute(&statement, &[&Log::Platform.id(), &signed(former.size), &root, &key]).await?;
    Ok(())
}

pub(crate) async fn save(transaction: &Transaction<'_>, changes: &Changes, first_checkpoint: u64) -> Result<(), LogsError> {
    let (mut logs, mut sizes, mut news) = (vec![], vec![], vec![]);
    let (mut owners, mut levels, mut numbers, mut hashes) = (vec![], vec![], vec![], vec![]);
    for (log, tile) in &changes.tiles {
        owners.push(log.id());
        levels.push(i16::from(tile.level));
        numbers.push(signed(tile.number));
        hashes.push(&tile.hashes[..]);
    }
    for (log, edge, has_news) in &changes.edges {
        logs.push(log.id());
        sizes.push(signed(edge.size()));
        news.push(*has_news);
        for (tile, content) in edge.partial() {
            owners.push(log.id());
            levels.push(i16::from(tile.level));
            numbers.push(signed(tile.number));
            hashes.push(content);
        }
    }
    transaction.execute(&transaction.prepare_cached(SAVE_LOGS).await?, &[&logs, &sizes, &news]).await?;
    transaction.execute(&transaction.prepare_cached(SAVE_TILES).await?, &[&owners, &levels, &numbers, &hashes]).await?;
    save_bundles(transaction, changes).await?;
    save_checkpoints(transaction, changes, first_checkpoint).await
}

async fn save_bundles(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), LogsError> {
    let (mut logs, mut numbers, mut events, mut least, mut greatest) = (vec![], vec![], vec![], vec![], vec![]);
    for (log, row) in &changes.bundles {
        logs.push(log.id());
        numbers.push(signed(row.number));
        events.push(&row.events[..]);
        least.push(row.ids().min());
        greatest.push(row.ids().max());
    }
    let statement = transaction.prepare_cached(SAVE_BUNDLES).await?;
    transaction.execute(&statement, &[&logs, &numbers, &events, &least, &greatest]).await?;
    Ok(())
}

async fn save_checkpoints(transaction: &Transaction<'_>, changes: &Changes, first: u64) -> Result<(), LogsError> {
    if changes.recorded.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = (first..).take(changes.recorded.len()).map(signed).collect();
    let organizations: Vec<Uuid> = changes.recorded.iter().map(|checkpoint| checkpoint.organization.0).collect();
    let sizes: Vec<i64> = changes.recorded.iter().map(|checkpoint| signed(checkpoint.size)).collect();
    let roots: Vec<&[u8]> = changes.recorded.iter().map(|checkpoint| &checkpoint.root.0[..]).collect();
    let statement = transaction.prepare_cached(SAVE_CHECKPOINTS).await?;
    transaction.execute(&statement, &[&numbers, &organizations, &sizes, &roots]).await?;
    // Of several for one organisation the last counts.
    let newest: BTreeMap<Uuid, (i64, &[u8])> =
        organizations.iter().zip(sizes.iter().zip(&roots)).map(|(organization, (size, root))| (*organization, (*size, *root))).collect();
    let organizations: Vec<&Uuid> = newest.keys().collect();
    let (sizes, roots): (Vec<i64>, Vec<&[u8]>) = newest.values().copied().unzip();
    transaction.execute(&transaction.prepare_cached(SAVE_RECORDED).await?, &[&organizations, &sizes, &roots]).await?;
    Ok(())
}

pub(crate) async fn publish(transaction: &Transaction<'_>, checkpoints: &[(Log, u64, Hash)], notes: &[String]) -> Result<(), LogsError> {
    let logs: Vec<Uuid> = checkpoints.iter().map(|(log, _, _)| log.id()).collect();
    let sizes: Vec<i64> = checkpoints.iter().map(|(_, size, _)| signed(*size)).collect();
    transaction.execute(&transaction.prepare_cached(PUBLISH).await?, &[&logs, &sizes, &notes]).await?;
    Ok(())
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("no log has 2^63 leaves")
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).expect("sizes and numbers of tiles are not negative")
}
