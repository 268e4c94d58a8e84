//! Group commit for the spool: one task writes what all requests spool at the moment in one statement.

use crate::SpoolError;
use crate::spool::Entry;
use deadpool_postgres::{Object, Pool};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use vault::Vault;

/// Requests written together at most.
const REQUESTS_MAX: usize = 500;
/// Bytes of bodies after which a statement takes no further request. More would not be faster, and a connection never gives back the memory
/// that its largest statement took.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Rows turned into the columns that `unnest` takes.
pub(crate) struct Columns<'a> {
    pub emails: Vec<Uuid>,
    pub organizations: Vec<Uuid>,
    pub epochs: Vec<i32>,
    pub wrapped_keys: Vec<&'a [u8]>,
    pub bodies: Vec<&'a [u8]>,
    pub expires_at_us: Vec<i64>,
}

impl<'a> Columns<'a> {
    pub fn of(entries: impl Iterator<Item = &'a Entry> + Clone) -> Self {
        let entries = || entries.clone();
        Self {
            emails: entries().map(|entry| entry.email.0).collect(),
            organizations: entries().map(|entry| entry.organization.0).collect(),
            epochs: entries().map(|entry| entry.body.epoch).collect(),
            wrapped_keys: entries().map(|entry| &entry.body.wrapped_key[..]).collect(),
            bodies: entries().map(|entry| &entry.body.ciphertext[..]).collect(),
            expires_at_us: entries().map(|entry| entry.expires_at.micros()).collect(),
        }
    }
}

struct Waiting {
    entries: Vec<Entry>,
    answer: oneshot::Sender<Result<(), SpoolError>>,
}

#[derive(Clone)]
pub(crate) struct SpoolWriter {
    queue: mpsc::Sender<Waiting>,
}

/// Waits for the disk (ADR 7). The epochs whose keys wrap the bodies' stay open until it has written, or it writes nothing.
const INSERT: &str = "
    WITH held AS MATERIALIZED (SELECT spool.hold_epochs($7::int[]))
    INSERT INTO spool.entry (email, organization, epoch, wrapped_key, body, expires_at_us)
    SELECT u.* FROM held CROSS JOIN unnest($1::uuid[], $2::uuid[], $3::int[], $4::bytea[], $5::bytea[], $6::bigint[]) u";
/// What it says otherwise.
const EPOCH_CLOSED: &str = "LM701";
/// Epochs follow each other by days; one that was just opened is not closed yet.
const ATTEMPTS: usize = 3;

impl SpoolWriter {
    pub fn start(pool: Pool, vault: Vault) -> Self {
        let (queue, waiting) = mpsc::channel(REQUESTS_MAX * 2);
        tokio::spawn(run(pool, vault, waiting));
        Self { queue }
    }

    /// Returns when the rows are durable. Giving up waiting cancels nothing: an entry that no event follows expires.
    pub async fn write(&self, entries: Vec<Entry>) -> Result<(), SpoolError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Waiting { entries, answer }).await.map_err(|_| SpoolError::Closed)?;
        answered.await.map_err(|_| SpoolError::Closed)?
    }
}

async fn run(pool: Pool, vault: Vault, mut waiting: mpsc::Receiver<Waiting>) {
    // Always the same connection: each keeps the memory that its largest statement took.
    let mut connection = None;
    while let Some(first) = waiting.recv().await {
        let mut bytes = size(&first);
        let mut batch = vec![first];
        while batch.len() < REQUESTS_MAX && bytes < BATCH_BYTES_MAX {
            let Ok(next) = waiting.try_recv() else { break };
            bytes += size(&next);
            batch.push(next);
        }
        let outcome = store(&pool, &vault, &mut connection, &mut batch).await;
        if outcome.is_err() {
            connection = None;
        }
        for request in batch {
            // Nobody may be waiting any more.
            let _ = request.answer.send(outcome.clone());
        }
    }
}

fn size(waiting: &Waiting) -> usize {
    waiting.entries.iter().map(|entry| entry.body.ciphertext.len()).sum()
}

/// Bodies of an epoch that was closed since they were sealed get their keys wrapped in the one that followed.
async fn store(pool: &Pool, vault: &Vault, connection: &mut Option<Object>, batch: &mut [Waiting]) -> Result<(), SpoolError> {
    for _ in 1..ATTEMPTS {
        match insert(pool, connection, batch).await {
            Err(SpoolError::Database(error)) if error.code().is_some_and(|code| code.code() == EPOCH_CLOSED) => {}
            outcome => return outcome,
        }
        for entry in batch.iter_mut().flat_map(|waiting| &mut waiting.entries) {
            vault.rewrap_body(entry.email.0, entry.organization, &mut entry.body).await?;
        }
    }
    insert(pool, connection, batch).await
}

async fn insert(pool: &Pool, connection: &mut Option<Object>, batch: &[Waiting]) -> Result<(), SpoolError> {
    let columns = Columns::of(batch.iter().flat_map(|waiting| &waiting.entries));
    let client = match connection.take().filter(|connection| !connection.is_closed()) {
        Some(client) => connection.insert(client),
        None => connection.insert(pool.get().await?),
    };
    let statement = client.prepare_cached(INSERT).await?;
    let Columns { emails, organizations, epochs, wrapped_keys, bodies, expires_at_us } = &columns;
    let mut distinct = epochs.clone();
    distinct.sort_unstable();
    distinct.dedup();
    client.execute(&statement, &[emails, organizations, epochs, wrapped_keys, bodies, expires_at_us, &distinct]).await?;
    Ok(())
}
