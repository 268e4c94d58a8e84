//! The end of an epoch's key: condemned in its row, from when on nobody loads it, then destroyed by its provider, then recorded.

use super::status::{self, EpochRow};
use super::{Rotation, RotationPolicy, RotationStep, boundary, number};
use crate::anchor;
use crate::epochs::{CLOSED, CONDEMNED, DESTROYED, OPEN};
use crate::error::VaultError;
use crate::provider::ProviderKey;
use crate::vault::{Vault, blocking};
use std::fmt;
use std::sync::Arc;

/// Why an old epoch's key is kept for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A standby that is configured is not connected.
    StandbyMissing(String),
    /// It has not replayed all that was wrapped again: promoted now, it would hold rows that nothing opens.
    StandbyBehind(String),
    /// A replication slot keeps changes for somebody who is away.
    SlotBehind(String),
    /// How far it is cannot be seen with this login's rights (`pg_monitor`).
    StandbyUnseen(String),
    /// A key's provider does not answer, or does not do what is asked of it; the reason is its own.
    Provider(Arc<str>),
}

impl Obstacle {
    /// A fault of a provider stands in the way until it passes or somebody mends it; others are faults of ours.
    pub(super) fn of(error: &VaultError) -> Option<Self> {
        match error {
            VaultError::ProviderAway { .. } | VaultError::ProviderRefused { .. } | VaultError::ProviderNotConfigured(_) => {
                Some(Self::Provider(error.to_string().into()))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::StandbyMissing(name) => write!(f, "the standby {name} is not connected"),
            Obstacle::StandbyBehind(name) => write!(f, "the standby {name} has not replayed what was wrapped again"),
            Obstacle::SlotBehind(name) => {
                write!(f, "the replication slot {name} keeps changes for somebody who is away; drop it if he does not return")
            }
            Obstacle::StandbyUnseen(name) => {
                write!(f, "how far the standby {name} is cannot be seen; grant pg_monitor to the login that runs the migrations")
            }
            Obstacle::Provider(reason) => f.write_str(reason),
        }
    }
}

const COPIES: &str = "SELECT c.name, c.is_slot, c.replayed >= r.settled AS level FROM keyring.copies() c CROSS JOIN keyring.rotation r";
const CONDEMN: &str = "UPDATE keyring.epoch SET state = $2, wrapped = NULL WHERE epoch = $1 AND state = $3";
const RECORD: &str = "UPDATE keyring.epoch SET state = $2, destroyed_at = $3 WHERE epoch = $1 AND state = $4";

/// From here on there is no way back.
pub(super) async fn condemn(rotation: &Rotation, closed: i32, policy: &RotationPolicy) -> Result<RotationStep, VaultError> {
    let obstacles = obstacles(&rotation.vault, policy).await?;
    if !obstacles.is_empty() {
        return Ok(RotationStep::Waiting { epoch: number(closed), obstacles });
    }
    let keyring = rotation.vault.keyring();
    expect_keys_of(rotation, |row| row.epoch == closed).await?;
    let mut client = keyring.pool.get().await?;
    let transaction = client.transaction().await?;
    transaction.execute(CONDEMN, &[&closed, &CONDEMNED, &CLOSED]).await?;
    rotation.leave(&transaction).await?;
    transaction.commit().await?;
    boundary("condemned");
    let epochs = keyring.epochs();
    keyring.renew_epochs(&client, &epochs).await?;
    drop(client);
    rotation.progress().await
}

/// What stands in the way now.
pub(super) async fn obstacles(vault: &Vault, policy: &RotationPolicy) -> Result<Vec<Obstacle>, VaultError> {
    let rows = vault.keyring().pool.get().await?.query(COPIES, &[]).await?;
    let mut obstacles = Vec::new();
    for row in &rows {
        let name: String = row.get("name");
        match (row.get("is_slot"), row.get("level")) {
            (_, Some(true)) => {}
            (true, _) => obstacles.push(Obstacle::SlotBehind(name)),
            (false, Some(false)) => obstacles.push(Obstacle::StandbyBehind(name)),
            (false, None) => obstacles.push(Obstacle::StandbyUnseen(name)),
        }
    }
    let connected = |wanted: &String| rows.iter().any(|row| !row.get::<_, bool>("is_slot") && row.get::<_, &str>("name") == wanted);
    let missing = policy.standbys.iter().filter(|wanted| !connected(wanted));
    obstacles.extend(missing.map(|name| Obstacle::StandbyMissing(name.clone())));
    Ok(obstacles)
}

/// Nothing counts as destroyed by a provider that never had it.
async fn expect_keys_of(rotation: &Rotation, wanted: impl Fn(&EpochRow) -> bool) -> Result<(), VaultError> {
    let rows = status::epochs(&rotation.vault).await?;
    let keys: Vec<ProviderKey> = rows.iter().filter(|row| wanted(row)).map(|row| row.key).collect();
    let providers = rotation.vault.keyring().providers.clone();
    blocking(move || keys.into_iter().try_for_each(|key| providers.expect(key))).await
}

/// Every part can be repeated; the row is last, so that a crash in between repeats them.
pub(super) async fn destroy(rotation: &Rotation, condemned: &EpochRow) -> Result<RotationStep, VaultError> {
    let keyring = rotation.vault.keyring();
    let (directory, key, epoch) = (keyring.directory.clone(), condemned.key, condemned.epoch);
    // Absent may mean that a crash came after its destruction. That this is the provider which had it, the open epoch's key shows where they share one.
    expect_keys_of(rotation, |row| row.state == OPEN && row.key.provider == key.provider).await?;
    let client = keyring.pool.get().await?;
    client.execute("SELECT keyring.drop_lookup($1)", &[&epoch]).await?;
    let providers = keyring.providers.clone();
    blocking(move || providers.destroy(key)).await?;
    boundary("destroyed");
    blocking(move || anchor::forget(&directory, epoch)).await?;
    boundary("anchor let go");
    let now = rotation.now().await?.to_datetime();
    client.execute(RECORD, &[&epoch, &DESTROYED, &now, &CONDEMNED]).await?;
    boundary("recorded");
    Ok(RotationStep::Destroyed { epoch: number(epoch) })
}
