//! From recorded events to leaves. A batch's rows and the bookmark go together, so a crash leaves both or neither.

use crate::checkpoint::{Log, former_entry, platform_entry};
use crate::edge::{Edge, FullTile};
use crate::entry::Entry;
use crate::hash::{Hash, leaf_hash};
use crate::lease::Lease;
use crate::logs::{Logs, LogsError};
use crate::rows::{self, BundleRow, EVENT_BYTES};
use domain::{CheckpointsRecorded, Event, EvidenceEvent, FormerLog, OrganizationId, RecordedCheckpoint, RecordedEvent};
use std::collections::BTreeMap;

/// Events read at a time. Each batch rewrites the last tiles of the logs that it touches, so a small one costs more.
const BATCH: usize = 4_000;

/// What a batch brings for one log.
#[derive(Default)]
struct Growth {
    leaves: Vec<Hash>,
    /// Of organisations' logs: id and position of each event.
    events: Vec<u8>,
    news: bool,
}

/// What a batch changes.
#[derive(Default)]
pub(crate) struct Changes {
    pub edges: Vec<(Log, Edge, bool)>,
    pub tiles: Vec<(Log, FullTile)>,
    pub bundles: Vec<(Log, BundleRow)>,
    pub recorded: Vec<RecordedCheckpoint>,
}

impl Logs {
    /// Follows the event log to its end.
    pub async fn catch_up(&self, lease: &mut Lease) -> Result<(), LogsError> {
        if self.store.head().await? < lease.position {
            return Err(LogsError::LogLost);
        }
        loop {
            let events = self.store.read_all(lease.position, BATCH).await?;
            if events.is_empty() {
                return Ok(());
            }
            // An accepted loss ends one platform log and begins another, so it comes first in what is taken in at once.
            for some in events.chunk_by(|_, next| &*next.header.event_type != "LossAccepted") {
                self.take_in(lease, some).await?;
                lease.position = some.last().expect("a chunk is not empty").position;
            }
        }
    }

    async fn take_in(&self, lease: &Lease, events: &[RecordedEvent]) -> Result<(), LogsError> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let last = events.last().expect("an empty batch is not taken in");
        // First, so that a process that has lost the lease waits here and changes nothing.
        self.advance(&transaction, lease, last.position, last.header.event_id.0).await?;
        let former = former_log(&events[0])?;
        if let Some(former) = &former {
            rows::begin_anew(&transaction, former).await?;
        }
        let (mut growths, recorded) = growths(events)?;
        if let Some(former) = &former {
            growths.entry(Log::Platform).or_default().leaves.insert(0, leaf_hash(former_entry(former).as_bytes()));
        }
        let logs: Vec<Log> = growths.keys().copied().collect();
        let mut edges = rows::edges(&transaction, &logs).await?;
        let mut bundles = rows::last_bundles(&transaction, &logs).await?;
        let mut changes = Changes { recorded, ..Changes::default() };
        // The former log is an entry, and no recorded checkpoint.
        let first_checkpoint = edges.get(&Log::Platform).map_or(0, Edge::size) + u64::from(former.is_some());
        for (log, growth) in growths {
            let mut edge = edges.remove(&log).unwrap_or_default();
            let mut full = Vec::new();
            growth.leaves.iter().for_each(|leaf| edge.push(*leaf, &mut full));
            changes.tiles.extend(full.into_iter().map(|tile| (log, tile)));
            let kept = bundles.remove(&log).unwrap_or_default();
            changes.bundles.extend(bundle_rows(edge.size(), &[kept, growth.events].concat()).map(|row| (log, row)));
            changes.edges.push((log, edge, growth.news));
        }
        rows::save(&transaction, &changes, first_checkpoint).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Who gets which leaves, and the checkpoints among them.
fn growths(events: &[RecordedEvent]) -> Result<(BTreeMap<Log, Growth>, Vec<RecordedCheckpoint>), LogsError> {
    let (mut growths, mut recorded) = (BTreeMap::<Log, Growth>::new(), Vec::new());
    for event in events {
        let growth = growths.entry(Log::Organization(event.header.organization)).or_default();
        growth.leaves.push(Entry::of(event).leaf());
        growth.events.extend_from_slice(event.header.event_id.0.as_bytes());
        growth.events.extend_from_slice(&event.position.to_bytes());
        let Some(checkpoints) = checkpoints(event)? else {
            growth.news = true;
            continue;
        };
        let platform = growths.entry(Log::Platform).or_default();
        platform.leaves.extend(checkpoints.iter().map(|checkpoint| leaf_hash(platform_entry(checkpoint).as_bytes())));
        // What they cover is no news any more; what stands between their making and their recording is.
        recorded.extend(checkpoints);
    }
    Ok((growths, recorded))
}

/// The platform log that ends with this event: an operator accepted that it had come further than the events that are left.
fn former_log(event: &RecordedEvent) -> Result<Option<FormerLog>, LogsError> {
    let header = &event.header;
    if (&*header.event_type, header.organization) != ("LossAccepted", OrganizationId::PLATFORM) {
        return Ok(None);
    }
    match EvidenceEvent::decode(&header.event_type, header.schema_version, &event.facts) {
        Ok(EvidenceEvent::LossAccepted(loss)) => Ok(loss.former),
        _ => Err(LogsError::Malformed),
    }
}

fn checkpoints(event: &RecordedEvent) -> Result<Option<Vec<RecordedCheckpoint>>, LogsError> {
    let header = &event.header;
    if (&*header.event_type, header.organization) != ("CheckpointsRecorded", OrganizationId::PLATFORM) {
        return Ok(None);
    }
    match EvidenceEvent::decode(&header.event_type, header.schema_version, &event.facts) {
        Ok(EvidenceEvent::CheckpointsRecorded(CheckpointsRecorded { checkpoints })) => Ok(Some(checkpoints)),
        _ => Err(LogsError::Malformed),
    }
}

/// The rows that the events behind the last full bundle fall into. `size`: of the log with all of them.
fn bundle_rows(size: u64, events: &[u8]) -> impl Iterator<Item = BundleRow> {
    let first = (size - (events.len() / EVENT_BYTES) as u64) / 256;
    (first..).zip(events.chunks(256 * EVENT_BYTES)).map(|(number, events)| BundleRow { number, events: events.to_vec() })
}
