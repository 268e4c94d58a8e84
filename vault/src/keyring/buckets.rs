//! Bucket keys by organisation, class and bucket, made only while their bucket is current.

use super::names::ordinal;
use super::{BucketKey, KeyState, Keyring};
use crate::error::VaultError;
use crate::key_cache::Known;
use crate::key_name::BucketName;
use deadpool_postgres::Client;
use domain::{Day, KeyId, Timestamp};
use std::collections::{HashMap, HashSet};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

#[derive(Clone, Copy)]
pub(crate) struct BucketRequest {
    pub(crate) name: BucketName,
    pub(crate) create: bool,
}

/// A bucket's key id and what became of the key; nothing when there never was one.
pub(crate) type BucketAnswer = Result<Option<(KeyId, KeyState)>, VaultError>;

const ATTEMPTS: usize = 3;

const FIND: &str = "
    SELECT u.n, b.* FROM unnest($1::uuid[], $2::smallint[], $3::integer[]) WITH ORDINALITY AS u(organization, class, bucket, n)
    CROSS JOIN LATERAL (
        SELECT id, organization, class, bucket, epoch, wrapped FROM keyring.bucket b
        WHERE b.organization = u.organization AND b.class = u.class AND b.bucket = u.bucket LIMIT 1
    ) b";

const NOW: &str = "SELECT (extract(epoch FROM now()) * 1000000)::bigint";

// A destroyed bucket still has its row, so it conflicts too.
const CREATE: &str = "
    WITH living AS MATERIALIZED (SELECT epoch FROM keyring.epoch WHERE epoch = $1 AND state = 1 FOR SHARE),
    made AS (
        INSERT INTO keyring.bucket (id, organization, class, bucket, epoch, wrapped)
        SELECT u.id, u.organization, u.class, u.bucket, living.epoch, u.wrapped
        FROM living CROSS JOIN unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::integer[], $6::bytea[])
            AS u(id, organization, class, bucket, wrapped)
        ON CONFLICT ON CONSTRAINT bucket_name DO NOTHING
    )
    SELECT EXISTS (SELECT FROM living)";

pub(crate) async fn buckets(keyring: &Keyring, requests: Vec<BucketRequest>) -> Result<Vec<BucketAnswer>, VaultError> {
    let client = keyring.pool.get().await?;
    let mut found = HashMap::new();
    let mut asked: HashSet<BucketName> = requests.iter().map(|request| request.name).collect();
    let mut today = None;
    for _ in 0..ATTEMPTS {
        found.extend(find(keyring, &client, asked.into_iter().collect()).await?);
        asked = requests.iter().filter(|request| request.create).map(|request| request.name).collect();
        asked.retain(|name| !found.contains_key(name));
        if asked.is_empty() {
            break;
        }
        let day = database_day(keyring, &client).await?;
        today = Some(day);
        asked.retain(|name| name.is_current(day));
        if asked.is_empty() {
            break;
        }
        create(keyring, &client, asked.iter().copied().collect()).await?;
    }
    Ok(requests.iter().map(|request| answer(request, &found, today)).collect())
}

fn answer(request: &BucketRequest, found: &HashMap<BucketName, FoundBucket>, today: Option<Day>) -> BucketAnswer {
    match found.get(&request.name) {
        Some((id, state)) => state.clone().map(|state| Some((*id, state))),
        None if !request.create => Ok(None),
        None if today.is_some_and(|today| request.name.is_current(today)) => Err(VaultError::Contended),
        None => Err(VaultError::BucketNotCurrent),
    }
}

/// All processes share the database's time, so none can make a bucket too early or too late by a clock of its own.
async fn database_day(keyring: &Keyring, client: &Client) -> Result<Day, VaultError> {
    let reported = Timestamp::from_micros(client.query_one(NOW, &[]).await?.get(0));
    Ok(keyring.clock.database_time(reported).day())
}

type FoundBucket = (KeyId, Result<KeyState, VaultError>);

async fn find(keyring: &Keyring, client: &Client, names: Vec<BucketName>) -> Result<HashMap<BucketName, FoundBucket>, VaultError> {
    let stamp = keyring.cache.stamp();
    let organizations: Vec<Uuid> = names.iter().map(|name| name.organization.0).collect();
    let classes: Vec<i16> = names.iter().map(|name| name.class.number()).collect();
    let buckets: Vec<i32> = names.iter().map(|name| name.bucket).collect();
    let statement = client.prepare_cached(FIND).await?;
    let mut rows = client.query(&statement, &[&organizations, &classes, &buckets]).await?;
    let mut epochs = keyring.epochs_of(client, &rows).await?;
    if epochs.is_none() {
        rows = client.query(&statement, &[&organizations, &classes, &buckets]).await?;
        epochs = keyring.epochs_of(client, &rows).await?;
    }
    let epochs = epochs.unwrap_or_else(|| keyring.epochs());
    let mut found: HashMap<BucketName, FoundBucket> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let state = BucketKey::from_row(row, &epochs).map(|key| key.map_or(KeyState::Destroyed, KeyState::from));
        found.insert(names[ordinal(row)], (KeyId(row.get("id")), state));
    }
    keyring.cache.keep_names(stamp, found.iter().map(|(name, (id, _))| (Known::Bucket(*name), *id)));
    keyring.cache.keep_keys(stamp, found.values().filter_map(|(id, state)| Some((*id, state.as_ref().ok()?.clone()))));
    Ok(found)
}

async fn create(keyring: &Keyring, client: &Client, mut names: Vec<BucketName>) -> Result<(), VaultError> {
    let epochs = keyring.epochs();
    let epoch = epochs.open();
    // Everyone inserts in the same order, so that two processes cannot wait for each other.
    names.sort_by_key(|name| (name.organization, name.class, name.bucket));
    let keys: Vec<BucketKey> = names.into_iter().map(BucketKey::new).collect();
    let ids: Vec<Uuid> = keys.iter().map(|key| key.id.0).collect();
    let organizations: Vec<Uuid> = keys.iter().map(|key| key.name.organization.0).collect();
    let classes: Vec<i16> = keys.iter().map(|key| key.name.class.number()).collect();
    let buckets: Vec<i32> = keys.iter().map(|key| key.name.bucket).collect();
    let wrapped: Vec<Vec<u8>> = keys.iter().map(|key| key.wrap(epoch)).collect();
    let arguments: [&(dyn ToSql + Sync); 6] = [&epoch.epoch, &ids, &organizations, &classes, &buckets, &wrapped];
    let is_open: bool = client.query_one(CREATE, &arguments).await?.get(0);
    if !is_open {
        // It was closed: the next attempt is made in the one that was opened.
        keyring.renew_epochs(client, &epochs).await?;
    }
    Ok(())
}
