//! Key rows, in memory and in the database. A wrapped key is bound to every identifying column of its row: no two rows, and no two columns, can be
//! exchanged.

use crate::canonical::canonical;
use crate::epoch::EpochKey;
use crate::epochs::Epochs;
use crate::error::VaultError;
use crate::key_name::{BucketName, KeyName, Subject, class_from_number};
use crate::secret::Secret;
use domain::{KeyId, OrganizationId, ProcessingLimits};
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) struct SubjectKey {
    pub(crate) id: KeyId,
    pub(crate) name: KeyName,
    /// How far what it opens may be used. Bound to the wrapped key like the name: it cannot be changed where the row lies.
    pub(crate) limits: ProcessingLimits,
    pub(crate) secret: Secret,
}

pub(crate) struct BucketKey {
    pub(crate) id: KeyId,
    pub(crate) name: BucketName,
    pub(crate) secret: Secret,
}

impl SubjectKey {
    pub(crate) fn new(name: KeyName) -> Self {
        Self { id: super::new_key_id(), name, limits: ProcessingLimits::default(), secret: Secret::random() }
    }

    pub(crate) fn wrap(&self, epoch: &EpochKey) -> Vec<u8> {
        epoch.wrap(&subject_aad(self.id, &self.name, self.limits, epoch.epoch), &self.secret)
    }

    /// From a row with the columns of `keyring.key`.
    pub(crate) fn from_row(row: &Row, epochs: &Epochs) -> Result<Self, VaultError> {
        let id = KeyId(row.get("id"));
        let epoch = epochs.get(row.get("epoch"))?;
        let name = key_name(row).ok_or(VaultError::RowTampered(id))?;
        let limits = ProcessingLimits::from_number(row.get("limits")).ok_or(VaultError::RowTampered(id))?;
        let unwrapped = epoch.unwrap(&subject_aad(id, &name, limits, epoch.epoch), row.get("wrapped"));
        Ok(Self { id, name, limits, secret: unwrapped.map_err(|_| VaultError::RowTampered(id))? })
    }
}

impl BucketKey {
    pub(crate) fn new(name: BucketName) -> Self {
        Self { id: super::new_key_id(), name, secret: Secret::random() }
    }

    pub(crate) fn wrap(&self, epoch: &EpochKey) -> Vec<u8> {
        epoch.wrap(&bucket_aad(self.id, &self.name, epoch.epoch), &self.secret)
    }

    /// From a row with the columns of `keyring.bucket`; `None` when the key was destroyed.
    pub(crate) fn from_row(row: &Row, epochs: &Epochs) -> Result<Option<Self>, VaultError> {
        let Some(wrapped) = row.get::<_, Option<&[u8]>>("wrapped") else { return Ok(None) };
        let id = KeyId(row.get("id"));
        let epoch = epochs.get(row.get("epoch"))?;
        let class = class_from_number(row.get("class")).ok_or(VaultError::RowTampered(id))?;
        let name = BucketName { organization: OrganizationId(row.get("organization")), class, bucket: row.get("bucket") };
        let unwrapped = epoch.unwrap(&bucket_aad(id, &name, epoch.epoch), wrapped);
        Ok(Some(Self { id, name, secret: unwrapped.map_err(|_| VaultError::RowTampered(id))? }))
    }
}

fn key_name(row: &Row) -> Option<KeyName> {
    let subject = Subject::from_columns(row.get("kind"), row.get("subject"), row.get("generation"))?;
    let class = class_from_number(row.get("class"))?;
    Some(KeyName { organization: OrganizationId(row.get("organization")), subject, class })
}

fn subject_aad(id: KeyId, name: &KeyName, limits: ProcessingLimits, epoch: i32) -> Vec<u8> {
    let (kind, subject, generation) = name.subject.columns();
    let limits = limits.number().to_be_bytes();
    let (class, epoch) = (name.class.number().to_be_bytes(), epoch.to_be_bytes());
    let (kind, generation) = (kind.to_be_bytes(), generation.to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![
        b"lethemail subject key v1",
        id.0.as_bytes(),
        name.organization.0.as_bytes(),
        &kind,
        subject.as_bytes(),
        &generation,
        &class,
        &epoch,
    ];
    // Keys without limits are bound as they were before there were any.
    if limits != [0, 0] {
        parts.push(&limits);
    }
    canonical(&parts)
}

fn bucket_aad(id: KeyId, name: &BucketName, epoch: i32) -> Vec<u8> {
    canonical(&[
        b"lethemail bucket key v1",
        id.0.as_bytes(),
        name.organization.0.as_bytes(),
        &name.class.number().to_be_bytes(),
        &name.bucket.to_be_bytes(),
        &epoch.to_be_bytes(),
    ])
}

/// New subject keys as parallel columns, for `unnest`.
#[derive(Default)]
pub(crate) struct KeyColumns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) organizations: Vec<Uuid>,
    pub(crate) kinds: Vec<i16>,
    pub(crate) subjects: Vec<Uuid>,
    pub(crate) generations: Vec<i32>,
    pub(crate) classes: Vec<i16>,
    pub(crate) wrapped: Vec<Vec<u8>>,
}

impl KeyColumns {
    pub(crate) fn push_name(&mut self, name: &KeyName) {
        let (kind, subject, generation) = name.subject.columns();
        self.organizations.push(name.organization.0);
        self.kinds.push(kind);
        self.subjects.push(subject);
        self.generations.push(generation);
        self.classes.push(name.class.number());
    }

    pub(crate) fn push_key(&mut self, key: &SubjectKey, epoch: &EpochKey) {
        self.push_name(&key.name);
        self.ids.push(key.id.0);
        self.wrapped.push(key.wrap(epoch));
    }
}
