//! Opening the next epoch and closing the one before.

use super::status::EpochRow;
use super::{Rotation, RotationStep, boundary, number};
use crate::epoch::{EpochKey, WrappedEpochKey};
use crate::epochs::{BEING_MADE, CLOSED, OPEN, ROTATION_LOCK, hold_open};
use crate::error::VaultError;
use crate::provider::{self, ProviderKey};
use crate::vault::blocking;
use std::time::Duration;

const PLAN: &str = "INSERT INTO keyring.epoch (epoch, state, provider, provider_key, opened_at) VALUES ($1, $2, $3, $4, $5)";
// A provider's key is used by who planned it. Whoever carries on after him takes one of his own.
const PLAN_AGAIN: &str = "UPDATE keyring.epoch SET provider_key = $3, provider = $4 WHERE epoch = $1 AND state = 0 AND provider_key = $2";
const CLOSE: &str = "UPDATE keyring.epoch SET state = $2, closed_at = $3 WHERE epoch = $1";
const OPEN_PLANNED: &str = "UPDATE keyring.epoch SET state = $3, wrapped = $4, check_value = $5, opened_at = $6
    WHERE epoch = $1 AND state = 0 AND provider_key = $2";

/// `rows` holds the open epoch, and perhaps one that is being made.
pub(super) async fn open_next(rotation: &Rotation, rows: &[EpochRow], interval: Duration) -> Result<RotationStep, VaultError> {
    let open = rows.iter().find(|row| row.state == OPEN).ok_or(VaultError::UnknownEpoch(0))?;
    let planned = rows.iter().find(|row| row.state == BEING_MADE);
    let until = open.opened_at + interval;
    let now = rotation.now().await?;
    if planned.is_none() && now < until {
        return Ok(RotationStep::Resting { until });
    }
    let providers = rotation.vault.keyring().providers.clone();
    // Asked first: as long as it does not answer nothing is written down, and no half-made key has to be given up.
    let beside = providers.clone();
    blocking(move || beside.ping(beside.current())).await?;
    let (epoch, key) = plan(rotation, open.epoch, planned, now).await?;
    boundary("planned");
    let made = blocking(move || EpochKey::make(epoch, key, &providers)).await?;
    boundary("made");
    let client = rotation.vault.keyring().pool.get().await?;
    client.execute("SELECT keyring.make_lookup($1)", &[&epoch]).await?;
    drop(client);
    boundary("look-up made");
    let closed = change_over(rotation, epoch, key, made, now).await?;
    boundary("opened");
    Ok(RotationStep::Opened { epoch: number(epoch), closed: number(closed) })
}

/// The epoch and the name of its provider's key are written down before that key is made.
async fn plan(
    rotation: &Rotation,
    open: i32,
    planned: Option<&EpochRow>,
    now: domain::Timestamp,
) -> Result<(i32, ProviderKey), VaultError> {
    let keyring = rotation.vault.keyring();
    let key = keyring.providers.name_key();
    let provider = provider::number(key.provider);
    let client = keyring.pool.get().await?;
    let Some(planned) = planned else {
        let epoch = open + 1;
        client.execute(PLAN, &[&epoch, &BEING_MADE, &provider, &key.name, &now.to_datetime()]).await?;
        return Ok((epoch, key));
    };
    if client.execute(PLAN_AGAIN, &[&planned.epoch, &planned.key.name, &key.name, &provider]).await? == 0 {
        return Err(VaultError::LeaseLost);
    }
    let (providers, left_behind) = (keyring.providers.clone(), planned.key);
    blocking(move || providers.destroy(left_behind)).await?;
    Ok((planned.epoch, key))
}

/// Waits for all who create a key at the moment; whoever comes after them is refused in the old epoch.
async fn change_over(
    rotation: &Rotation,
    epoch: i32,
    key: ProviderKey,
    made: WrappedEpochKey,
    now: domain::Timestamp,
) -> Result<i32, VaultError> {
    let keyring = rotation.vault.keyring();
    let mut client = keyring.pool.get().await?;
    let transaction = client.transaction().await?;
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&ROTATION_LOCK]).await?;
    rotation.confirm(&transaction).await?;
    let closed = hold_open(&transaction, "FOR UPDATE").await?;
    let now = now.to_datetime();
    transaction.execute(CLOSE, &[&closed, &CLOSED, &now]).await?;
    let WrappedEpochKey { wrapped, check_value } = made;
    let opened = transaction.execute(OPEN_PLANNED, &[&epoch, &key.name, &OPEN, &wrapped, &check_value.as_slice(), &now]).await?;
    if opened != 1 || closed + 1 != epoch {
        return Err(VaultError::LeaseLost);
    }
    transaction.commit().await?;
    let epochs = keyring.epochs();
    keyring.renew_epochs(&client, &epochs).await?;
    Ok(closed)
}
