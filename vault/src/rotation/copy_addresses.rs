//! The look-up of addresses moves to the new epoch's table. The older table decides until the newer holds all of it; whoever creates a key writes both, and
//! whoever destroys one deletes from the older first, where a row that is being copied makes him wait.

use super::lease::{At, batch};
use super::{Pass, Rotation, RotationStep, boundary};
use crate::error::VaultError;
use domain::OrganizationId;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

const READ: &str = "SELECT organization, value, class, key FROM keyring.lookup
    WHERE epoch = $1 AND ctid >= $2::text::tid AND ctid < $3::text::tid FOR SHARE";
const WRITE: &str = "INSERT INTO keyring.lookup AS l (epoch, organization, value, class, key)
    SELECT $1, u.organization, u.value, u.class, u.key FROM unnest($2::uuid[], $3::bytea[], $4::smallint[], $5::uuid[])
        AS u(organization, value, class, key)
    ON CONFLICT (organization, value, class, epoch) DO UPDATE SET key = EXCLUDED.key WHERE l.key <> EXCLUDED.key";
const MISSING: &str = "SELECT EXISTS (SELECT FROM keyring.lookup older WHERE older.epoch = $1 AND older.ctid >= $2::text::tid
    AND older.ctid < $3::text::tid AND NOT EXISTS (SELECT FROM keyring.lookup newer WHERE newer.epoch = $4 AND newer.key = older.key))";
const SETTLE: &str = "UPDATE keyring.epoch SET lookup = false WHERE epoch = $1 AND state = 2 AND lookup";

/// One batch of rows, held so that nobody destroys them before their copies can be seen.
pub(super) async fn copy(rotation: &Rotation, closed: i32, at: At) -> Result<RotationStep, VaultError> {
    let keyring = rotation.vault.keyring();
    let mut client = keyring.pool.get().await?;
    let mut epochs = keyring.epochs();
    if epochs.get(closed).is_err() || epochs.open().epoch == closed {
        epochs = keyring.renew_epochs(&client, &epochs).await?;
    }
    let (older, newer) = (epochs.get(closed)?, epochs.open());
    let transaction = batch(&mut client).await?;
    let (from, to) = at.bounds();
    let mut rows: Vec<(Uuid, Vec<u8>, i16, Uuid)> = Vec::new();
    for row in transaction.query(READ, &[&closed, &from, &to]).await? {
        let (organization, key): (Uuid, Uuid) = (row.get("organization"), row.get("key"));
        let value: &[u8] = row.get("value");
        let value = value.try_into().map_err(|_| VaultError::RowTampered(domain::KeyId(key)))?;
        let mac = older.lookup_mac(OrganizationId(organization), value);
        rows.push((organization, newer.lookup_value(OrganizationId(organization), mac).to_vec(), row.get("class"), key));
    }
    // In the order in which creators insert, so that nobody waits for each other.
    rows.sort_unstable();
    let organizations: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
    let values: Vec<&[u8]> = rows.iter().map(|row| row.1.as_slice()).collect();
    let classes: Vec<i16> = rows.iter().map(|row| row.2).collect();
    let keys: Vec<Uuid> = rows.iter().map(|row| row.3).collect();
    let arguments: [&(dyn ToSql + Sync); 5] = [&newer.epoch, &organizations, &values, &classes, &keys];
    transaction.execute(WRITE, &arguments).await?;
    rotation.advance(transaction, at, closed).await
}

/// Both tables change together, so what is missing in the newer at any moment was not copied.
pub(super) async fn check(rotation: &Rotation, closed: i32, at: At) -> Result<RotationStep, VaultError> {
    let keyring = rotation.vault.keyring();
    let mut client = keyring.pool.get().await?;
    let open = keyring.epochs().open().epoch;
    let transaction = batch(&mut client).await?;
    let (from, to) = at.bounds();
    if transaction.query_one(MISSING, &[&closed, &from, &to, &open]).await?.get(0) {
        drop(transaction);
        return rotation.enter(Pass::CopyAddresses, closed).await;
    }
    rotation.advance(transaction, at, closed).await
}

/// Waits for whoever writes both tables at the moment. Whoever asks the older one afterwards is told that it decides nothing any more.
pub(super) async fn settle(rotation: &Rotation, closed: i32) -> Result<RotationStep, VaultError> {
    let keyring = rotation.vault.keyring();
    let mut client = keyring.pool.get().await?;
    let transaction = client.transaction().await?;
    rotation.confirm(&transaction).await?;
    transaction.execute(SETTLE, &[&closed]).await?;
    transaction.commit().await?;
    boundary("settled");
    client.execute("SELECT keyring.drop_lookup($1)", &[&closed]).await?;
    boundary("look-up dropped");
    let epochs = keyring.epochs();
    keyring.renew_epochs(&client, &epochs).await?;
    drop(client);
    rotation.enter(Pass::Settle.next(), closed).await
}
