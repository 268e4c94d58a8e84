//! Keys by their ids.

use super::{BucketKey, KeyState, Keyring, SubjectKey};
use crate::epochs::Epochs;
use crate::error::VaultError;
use domain::KeyId;
use std::collections::{HashMap, HashSet};
use tokio_postgres::Row;
use uuid::Uuid;

const SUBJECT: i32 = 1;
const BUCKET: i32 = 2;
/// How often to look again when rows are wrapped again meanwhile.
const ATTEMPTS: usize = 3;

// A tombstone wins over a row: a key that was destroyed and somehow came back is not used.
const LOAD: &str = "
    SELECT 1 AS place, id, organization, kind, subject, generation, class, limits, NULL::integer AS bucket, epoch, wrapped
    FROM keyring.key WHERE id = ANY($1)
    UNION ALL
    SELECT 2, id, organization, NULL, NULL, NULL, class, NULL, bucket, epoch, wrapped FROM keyring.bucket WHERE id = ANY($1)
    UNION ALL
    SELECT 3, id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM keyring.destroyed WHERE id = ANY($1)";

/// One answer an id: unknown ids and changed rows concern only those who asked for them.
pub(crate) async fn load(keyring: &Keyring, ids: Vec<KeyId>) -> Result<Vec<Result<KeyState, VaultError>>, VaultError> {
    let stamp = keyring.cache.stamp();
    let wanted: HashSet<Uuid> = ids.iter().map(|id| id.0).collect();
    let wanted: Vec<Uuid> = wanted.into_iter().collect();
    let client = keyring.pool.get().await?;
    let statement = client.prepare_cached(LOAD).await?;
    let mut rows = client.query(&statement, &[&wanted]).await?;
    let mut epochs = keyring.epochs_of(&client, &rows).await?;
    for _ in 1..ATTEMPTS {
        if epochs.is_none() {
            rows = client.query(&statement, &[&wanted]).await?;
            epochs = keyring.epochs_of(&client, &rows).await?;
        }
    }
    let epochs = epochs.unwrap_or_else(|| keyring.epochs());
    let mut states: HashMap<KeyId, Result<KeyState, VaultError>> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let state = read(&epochs, row);
        let destroyed = matches!(state, Ok(KeyState::Destroyed));
        let id = KeyId(row.get("id"));
        if destroyed || !states.contains_key(&id) {
            states.insert(id, state);
        }
    }
    keyring.cache.keep_keys(stamp, states.iter().filter_map(|(id, state)| Some((*id, state.as_ref().ok()?.clone()))));
    Ok(ids.iter().map(|id| states.get(id).cloned().unwrap_or(Err(VaultError::UnknownKey(*id)))).collect())
}

fn read(epochs: &Epochs, row: &Row) -> Result<KeyState, VaultError> {
    match row.get("place") {
        SUBJECT => SubjectKey::from_row(row, epochs).map(KeyState::from),
        BUCKET => Ok(BucketKey::from_row(row, epochs)?.map_or(KeyState::Destroyed, KeyState::from)),
        _ => Ok(KeyState::Destroyed),
    }
}
