//! Looking at the logs: checkpoints, tiles, entries and proofs.

use crate::checkpoint::{Checkpoint, Log, former_entry, platform_entry};
use crate::entry::{Entry, bundle};
use crate::hash::Hash;
use crate::logs::{Logs, LogsError};
use crate::note::Note;
use crate::proof::{Nodes, consistency_proof, inclusion_proof, root_at, tiles_for};
use crate::rows::{EVENT_BYTES, signed, unsigned};
use crate::tile::{TILE_WIDTH, TileId, node_in_tile};
use crate::tlog_proof::Proof;
use domain::{EventId, FormerLog, OrganizationId, Position, PublicKey, RecordedCheckpoint, RecordedEvent, RootHash};
use std::collections::HashMap;
use std::ops::Range;
use tokio_postgres::Row;
use uuid::Uuid;

const NOTE: &str = "SELECT note FROM ops.transparency_log WHERE log = $1 AND note IS NOT NULL";
const TILES: &str = "SELECT t.level, t.number, t.hashes FROM unnest($2::int2[], $3::int8[]) AS u (level, number)
    JOIN ops.transparency_tile t ON t.log = $1 AND t.level = u.level AND t.number = u.number";
const BUNDLES: &str = "SELECT number, events FROM ops.transparency_bundle WHERE log = $1 AND number >= $2 AND number < $3 ORDER BY number";
const HOLDING: &str = "SELECT number, events FROM ops.transparency_bundle WHERE log = $1 AND greatest_event >= $2 AND least_event <= $2";
const CHECKPOINTS: &str =
    "SELECT organization, size, root, former_key FROM ops.transparency_checkpoint WHERE number >= $1 AND number < $2 ORDER BY number";
const CHECKPOINT_OF: &str = "SELECT number FROM ops.transparency_checkpoint WHERE organization = $1 AND size = $2 ORDER BY number LIMIT 1";

impl Logs {
    /// The newest signed checkpoint.
    pub async fn note(&self, log: Log) -> Result<Option<String>, LogsError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(NOTE).await?;
        Ok(client.query_opt(&statement, &[&log.id()]).await?.map(|row| row.get(0)))
    }

    /// The newest signed checkpoint, read.
    pub async fn checkpoint(&self, log: Log) -> Result<Option<(Checkpoint, String)>, LogsError> {
        let Some(note) = self.note(log).await? else { return Ok(None) };
        let text = note.parse::<Note>().map_err(|_| LogsError::Malformed)?.text;
        Ok(Some((text.parse().map_err(|_| LogsError::Malformed)?, note)))
    }

    /// `None`: the log has no tile that is so wide. One that has become wider since is cut.
    pub async fn tile(&self, log: Log, tile: TileId) -> Result<Option<Vec<u8>>, LogsError> {
        Ok(self.tiles(log, &[tile]).await?.remove(&tile))
    }

    pub async fn tiles(&self, log: Log, tiles: &[TileId]) -> Result<HashMap<TileId, Vec<u8>>, LogsError> {
        let levels: Vec<i16> = tiles.iter().map(|tile| i16::from(tile.level)).collect();
        let numbers: Vec<i64> = tiles.iter().map(|tile| signed(tile.number)).collect();
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(TILES).await?;
        let rows = client.query(&statement, &[&log.id(), &levels, &numbers]).await?;
        let kept: HashMap<(i16, i64), &[u8]> = rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
        let cut = |tile: &TileId| kept.get(&(i16::from(tile.level), signed(tile.number)))?.get(..usize::from(tile.width) * 32);
        Ok(tiles.iter().filter_map(|tile| Some((*tile, cut(tile)?.to_vec()))).collect())
    }

    /// The entries beside a level-0 tile, bundled. They tell hashes only, but of each event.
    pub async fn entries(&self, log: Log, tile: TileId) -> Result<Option<Vec<u8>>, LogsError> {
        let first = tile.number * TILE_WIDTH;
        let range = first..first + u64::from(tile.width);
        let entries: Vec<Vec<u8>> = match log {
            Log::Organization(organization) => {
                self.events(organization, range.clone()).await?.iter().map(|event| Entry::of(event).0.to_vec()).collect()
            }
            Log::Platform => self.platform_entries(range.clone()).await?.into_iter().map(String::into_bytes).collect(),
        };
        let whole = entries.len() as u64 == range.end - range.start;
        Ok(whole.then(|| bundle(entries.iter().map(Vec::as_slice))))
    }

    /// An organisation's events by their places in its log; fewer where it ends.
    pub async fn events(&self, organization: OrganizationId, range: Range<u64>) -> Result<Vec<RecordedEvent>, LogsError> {
        let (first, end) = (range.start / TILE_WIDTH, range.end.div_ceil(TILE_WIDTH));
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(BUNDLES).await?;
        let rows = client.query(&statement, &[&organization.0, &signed(first), &signed(end)]).await?;
        drop(client);
        let bytes = rows.iter().flat_map(|row| row.get::<_, &[u8]>(1).chunks_exact(EVENT_BYTES));
        let position = |event: &[u8]| Position::from_bytes(event[16..].try_into().expect("half of 32 bytes"));
        let skipped = usize::try_from(range.start - first * TILE_WIDTH).unwrap_or(usize::MAX);
        let count = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let positions: Vec<Position> = bytes.skip(skipped).take(count).map(position).collect();
        Ok(self.store.read_at(&positions).await?)
    }

    async fn platform_entries(&self, range: Range<u64>) -> Result<Vec<String>, LogsError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(CHECKPOINTS).await?;
        let rows = client.query(&statement, &[&signed(range.start), &signed(range.end)]).await?;
        rows.iter().map(platform_entry_of).collect()
    }

    /// The log that this platform log comes after, when events were lost before it.
    pub async fn former(&self) -> Result<Option<FormerLog>, LogsError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(CHECKPOINTS).await?;
        let row = client.query_opt(&statement, &[&0i64, &1i64]).await?;
        row.as_ref().map(former_of).transpose().map(Option::flatten)
    }

    /// Where in an organisation's log an event stands.
    pub async fn index_of(&self, organization: OrganizationId, event: EventId) -> Result<Option<u64>, LogsError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(HOLDING).await?;
        let rows = client.query(&statement, &[&organization.0, &event.0]).await?;
        let within = |row: &Row| {
            let events: &[u8] = row.get(1);
            let place = events.chunks_exact(EVENT_BYTES).position(|found| Uuid::from_slice(&found[..16]).ok() == Some(event.0))?;
            Some(unsigned(row.get(0)) * TILE_WIDTH + place as u64)
        };
        Ok(rows.iter().find_map(within))
    }

    /// Which leaf of the platform log an organisation's checkpoint of this size is.
    pub async fn platform_index_of(&self, organization: OrganizationId, size: u64) -> Result<Option<u64>, LogsError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(CHECKPOINT_OF).await?;
        Ok(client.query_opt(&statement, &[&organization.0, &signed(size)]).await?.map(|row| unsigned(row.get(0))))
    }

    /// That a leaf stands in the log as it was signed last. `None`: it does not, or not yet.
    pub async fn prove(&self, log: Log, index: u64) -> Result<Option<Proof>, LogsError> {
        let Some((checkpoint, note)) = self.checkpoint(log).await?.filter(|(checkpoint, _)| index < checkpoint.size) else {
            return Ok(None);
        };
        let path = self.compute(log, checkpoint.size, |nodes| inclusion_proof(index, checkpoint.size, nodes)).await?;
        Ok(Some(Proof { index, path, checkpoint: note }))
    }

    /// # Errors
    /// [`LogsError::Malformed`] also when the log is not so large.
    pub async fn consistency(&self, log: Log, old: u64, new: u64) -> Result<Vec<Hash>, LogsError> {
        self.compute(log, new, |nodes| consistency_proof(old, new, nodes)).await
    }

    /// The root of the first `size` leaves.
    pub async fn root_at(&self, log: Log, size: u64) -> Result<Hash, LogsError> {
        self.compute(log, size, |nodes| root_at(size, nodes)).await
    }

    /// `work` on the tiles that it asks for.
    async fn compute<T>(&self, log: Log, size: u64, work: impl Fn(&mut Nodes<'_>) -> Option<T>) -> Result<T, LogsError> {
        let wanted: Vec<TileId> = tiles_for(size, &work).into_iter().collect();
        let held = self.tiles(log, &wanted).await?;
        work(&mut |node| node_in_tile(node, held.get(&TileId::holding(node, size))?)).ok_or(LogsError::Malformed)
    }
}

fn former_of(row: &Row) -> Result<Option<FormerLog>, LogsError> {
    let hash = |bytes: &[u8]| bytes.try_into().map_err(|_| LogsError::Malformed);
    let Some(key) = row.get::<_, Option<&[u8]>>(3) else { return Ok(None) };
    Ok(Some(FormerLog { key: PublicKey(hash(key)?), size: unsigned(row.get(1)), root: RootHash(hash(row.get(2))?) }))
}

fn platform_entry_of(row: &Row) -> Result<String, LogsError> {
    if let Some(former) = former_of(row)? {
        return Ok(former_entry(&former));
    }
    let root = row.get::<_, &[u8]>(2).try_into().map_err(|_| LogsError::Malformed)?;
    Ok(platform_entry(&RecordedCheckpoint { organization: OrganizationId(row.get(0)), size: unsigned(row.get(1)), root: RootHash(root) }))
}
