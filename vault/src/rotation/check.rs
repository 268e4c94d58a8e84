//! Before an old key goes, every row is opened with the new one, which is read from its provider again for that.

use super::lease::{At, batch};
use super::{Pass, Place, Rotation, RotationStep};
use crate::epochs::Epochs;
use crate::error::VaultError;
use crate::keyring::{BucketKey, SubjectKey};
use crate::spool_body::unwrap_key;
use domain::OrganizationId;
use tokio_postgres::Row;

const KEYS: &str = "SELECT id, organization, kind, subject, generation, class, limits, epoch, wrapped FROM keyring.key
    WHERE ctid >= $1::text::tid AND ctid < $2::text::tid";
const BUCKETS: &str = "SELECT id, organization, class, bucket, epoch, wrapped FROM keyring.bucket
    WHERE ctid >= $1::text::tid AND ctid < $2::text::tid AND wrapped IS NOT NULL";
const BODIES: &str = "SELECT id, organization, epoch, wrapped FROM keyring.body_keys($1, $2)";

pub(super) async fn check(rotation: &Rotation, place: Place, closed: i32, at: At) -> Result<RotationStep, VaultError> {
    let keyring = rotation.vault.keyring();
    let mut client = keyring.pool.get().await?;
    let open = keyring.epochs().open().epoch;
    let epochs = Epochs::of_one(rotation.reread_key(open).await?);
    let read = match place {
        Place::Keys => KEYS,
        Place::Buckets => BUCKETS,
        Place::Bodies => BODIES,
    };
    let transaction = batch(&mut client).await?;
    let (from, to) = at.bounds();
    let rows = transaction.query(read, &[&from, &to]).await?;
    if rows.iter().any(|row| row.get::<_, i32>("epoch") == closed) {
        drop(transaction);
        return rotation.enter(Pass::FIRST, closed).await;
    }
    // A body that an old backup brought back may be of an epoch that is long gone: nothing opens it, so it needs no key.
    let needed = rows.iter().filter(|row| place != Place::Bodies || row.get::<_, i32>("epoch") > closed);
    needed.into_iter().try_for_each(|row| opens(place, row, &epochs))?;
    rotation.advance(transaction, at, closed).await
}

fn opens(place: Place, row: &Row, epochs: &Epochs) -> Result<(), VaultError> {
    match place {
        Place::Keys => SubjectKey::from_row(row, epochs).map(drop),
        Place::Buckets => BucketKey::from_row(row, epochs).map(drop),
        Place::Bodies => {
            let organization = OrganizationId(row.get("organization"));
            unwrap_key(epochs.get(row.get("epoch"))?, row.get("id"), organization, row.get("wrapped")).map(drop)
        }
    }
}
