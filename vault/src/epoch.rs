//! Epoch keys: everything else in the keyring is wrapped under one.

use crate::canonical::canonical;
use crate::cipher::{SealingKey, derive, encrypt_block, unwrap, wrap};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use deadpool_postgres::Pool;
use domain::{OrganizationId, Timestamp};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use uuid::Uuid;

const OPEN: i16 = 1;
const DESTROYED: i16 = 3;
/// The provider that keeps its keys in files of the key directory.
const SEALED_FILE: i16 = 1;
/// Held while epochs are opened or closed.
const ROTATION_LOCK: i64 = 0x6c65_7468_726f_7461;
/// The first look-up table is made by the migration.
const FIRST: i32 = 1;

/// An epoch key, ready for use.
pub(crate) struct EpochKey {
    pub(crate) epoch: i32,
    secret: Secret,
    sealing: SealingKey,
}

/// The living epochs.
pub(crate) struct Epochs {
    living: BTreeMap<i32, EpochKey>,
    open: i32,
}

impl Epochs {
    /// Reads the living epochs; at the very first start makes the first one. Of several processes that start at once, one makes it.
    pub(crate) async fn load(pool: &Pool, directory: &KeyDirectory, now: Timestamp) -> Result<Self, VaultError> {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        transaction.query("SELECT pg_advisory_xact_lock($1)", &[&ROTATION_LOCK]).await?;
        let select = "SELECT epoch, state, provider_key, wrapped, check_value FROM keyring.epoch WHERE state <> $1 ORDER BY epoch";
        let mut rows = transaction.query(select, &[&DESTROYED]).await?;
        if rows.is_empty() {
            // The file is durable before the row that needs it; a crash in between leaves a file that nothing names.
            let (provider_key, provider) = directory.create_key()?;
            let secret = Secret::random();
            let wrapped = wrap(&SealingKey::new(provider.bytes()), &epoch_aad(FIRST, provider_key), &secret);
            let insert = "INSERT INTO keyring.epoch (epoch, state, provider, provider_key, wrapped, check_value, opened_at)
                          VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let check = check_value(FIRST, &secret);
            let opened_at = now.to_datetime();
            transaction.execute(insert, &[&FIRST, &OPEN, &SEALED_FILE, &provider_key, &wrapped, &check.as_slice(), &opened_at]).await?;
            rows = transaction.query(select, &[&DESTROYED]).await?;
        }
        transaction.commit().await?;
        Self::read(directory, &rows)
    }

    fn read(directory: &KeyDirectory, rows: &[Row]) -> Result<Self, VaultError> {
        let mut living = BTreeMap::new();
        let mut open = None;
        for row in rows {
            let key = EpochKey::read(directory, row)?;
            if row.get::<_, i16>("state") == OPEN {
                open = Some(key.epoch);
            }
            living.insert(key.epoch, key);
        }
        let open = open.ok_or(VaultError::UnknownEpoch(0))?;
        Ok(Self { living, open })
    }

    /// The epoch that new keys are wrapped under.
    pub(crate) fn open(&self) -> &EpochKey {
        &self.living[&self.open]
    }

    pub(crate) fn get(&self, epoch: i32) -> Result<&EpochKey, VaultError> {
        self.living.get(&epoch).ok_or(VaultError::UnknownEpoch(epoch))
    }
}

impl EpochKey {
    fn read(directory: &KeyDirectory, row: &Row) -> Result<Self, VaultError> {
        let epoch: i32 = row.get("epoch");
        let provider_key: Uuid = row.get("provider_key");
        let provider = directory.read_key(provider_key)?.ok_or(VaultError::EpochKeyMissing(epoch))?;
        let unwrapped = unwrap(&SealingKey::new(provider.bytes()), &epoch_aad(epoch, provider_key), row.get("wrapped"));
        let secret = unwrapped.map_err(|_| VaultError::EpochKeyWrong(epoch))?;
        if check_value(epoch, &secret).as_slice() != row.get::<_, &[u8]>("check_value") {
            return Err(VaultError::EpochKeyWrong(epoch));
        }
        let sealing = SealingKey::new(secret.bytes());
        Ok(Self { epoch, secret, sealing })
    }

    pub(crate) fn wrap(&self, aad: &[u8], key: &Secret) -> Vec<u8> {
        wrap(&self.sealing, aad, key)
    }

    pub(crate) fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<Secret, crate::cipher::Refused> {
        unwrap(&self.sealing, aad, wrapped)
    }

    /// What the look-up table holds for an address whose HMAC begins with `mac`. Another epoch's value cannot be compared with it.
    pub(crate) fn lookup_value(&self, organization: OrganizationId, mac: [u8; 16]) -> [u8; 16] {
        let key = derive(b"", self.secret.bytes(), &[b"lethemail lookup v1", organization.0.as_bytes()]);
        encrypt_block(&key, mac)
    }
}

fn epoch_aad(epoch: i32, provider_key: Uuid) -> Vec<u8> {
    canonical(&[b"lethemail epoch v1", &epoch.to_be_bytes(), &SEALED_FILE.to_be_bytes(), provider_key.as_bytes()])
}

/// Tells the right key from a wrong one, and nothing else about it.
fn check_value(epoch: i32, secret: &Secret) -> [u8; 16] {
    let derived = derive(b"", secret.bytes(), &[b"lethemail check v1", &epoch.to_be_bytes()]);
    *derived.bytes().first_chunk().expect("a derived key is longer than 16 bytes")
}
