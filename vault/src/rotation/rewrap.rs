//! Wrapping keys again in place. No indexed column is touched, so that the new version of a row stays on its half-empty page; and the lock on a row decides
//! between wrapping it again and destroying it.

use super::lease::{At, batch};
use super::{Place, Rotation, RotationStep};
use crate::epochs::Epochs;
use crate::error::VaultError;
use crate::keyring::{BucketKey, SubjectKey};
use crate::spool_body::{key_aad, unwrap_key};
use domain::OrganizationId;
use tokio_postgres::Row;
use uuid::Uuid;

const KEYS: &str = "SELECT ctid::text AS tid, id, organization, kind, subject, generation, class, limits, epoch, wrapped FROM keyring.key
    WHERE ctid >= $1::text::tid AND ctid < $2::text::tid AND epoch = $3";
const BUCKETS: &str = "SELECT ctid::text AS tid, id, organization, class, bucket, epoch, wrapped FROM keyring.bucket
    WHERE ctid >= $1::text::tid AND ctid < $2::text::tid AND epoch = $3 AND wrapped IS NOT NULL";
const BODIES: &str = "SELECT tid, id, organization, epoch, wrapped FROM keyring.body_keys($1, $2) WHERE epoch = $3";

// By the row's place: rows are written where they were read, whatever their ids.
const WRITE_KEYS: &str = "UPDATE keyring.key k SET epoch = $1, wrapped = u.wrapped
    FROM unnest($3::text[], $4::uuid[], $5::bytea[]) AS u(tid, id, wrapped) WHERE k.ctid = u.tid::tid AND k.id = u.id AND k.epoch = $2";
const WRITE_BUCKETS: &str = "UPDATE keyring.bucket b SET epoch = $1, wrapped = u.wrapped
    FROM unnest($3::text[], $4::uuid[], $5::bytea[]) AS u(tid, id, wrapped)
    WHERE b.ctid = u.tid::tid AND b.id = u.id AND b.epoch = $2 AND b.wrapped IS NOT NULL";
const WRITE_BODIES: &str = "SELECT keyring.rewrap_bodies($1, $2, $3, $4, $5)";

/// One batch. No row comes to the closed epoch any more, so one pass sees all.
pub(super) async fn rewrap(rotation: &Rotation, place: Place, closed: i32, at: At) -> Result<RotationStep, VaultError> {
    let keyring = rotation.vault.keyring();
    let mut client = keyring.pool.get().await?;
    let mut epochs = keyring.epochs();
    if epochs.get(closed).is_err() || epochs.open().epoch == closed {
        epochs = keyring.renew_epochs(&client, &epochs).await?;
    }
    let (read, write) = match place {
        Place::Keys => (KEYS, WRITE_KEYS),
        Place::Buckets => (BUCKETS, WRITE_BUCKETS),
        Place::Bodies => (BODIES, WRITE_BODIES),
    };
    let read = client.prepare_cached(read).await?;
    let write = client.prepare_cached(write).await?;
    let transaction = batch(&mut client).await?;
    let (from, to) = at.bounds();
    let rows = transaction.query(&read, &[&from, &to, &closed]).await?;
    if !rows.is_empty() {
        let tids: Vec<&str> = rows.iter().map(|row| row.get("tid")).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
        let wrapped = rows.iter().map(|row| wrap_again(place, row, &epochs)).collect::<Result<Vec<_>, _>>()?;
        transaction.execute(&write, &[&epochs.open().epoch, &closed, &tids, &ids, &wrapped]).await?;
    }
    rotation.advance(transaction, at, closed).await
}

fn wrap_again(place: Place, row: &Row, epochs: &Epochs) -> Result<Vec<u8>, VaultError> {
    let epoch = epochs.open();
    Ok(match place {
        Place::Keys => SubjectKey::from_row(row, epochs)?.wrap(epoch),
        Place::Buckets => BucketKey::from_row(row, epochs)?.map(|key| key.wrap(epoch)).unwrap_or_default(),
        Place::Bodies => {
            let (entry, organization) = (row.get("id"), OrganizationId(row.get("organization")));
            let key = unwrap_key(epochs.get(row.get("epoch"))?, entry, organization, row.get("wrapped"))?;
            epoch.wrap(&key_aad(entry, organization, epoch.epoch), &key)
        }
    })
}
