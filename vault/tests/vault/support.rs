//! A vault in a database and a key directory of its own, and somebody's personal data.

use domain::{
    Class, Clock, DataEntry, EventId, KeyId, ManualClock, OrganizationId, Personal, PersonalData, PersonalSlot, Purpose, ReplyDetails,
    SealContext, Sealed, SealedSlots, StreamName, SubjectId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};
use uuid::Uuid;
use vault::{KeyName, ProviderSettings, Subject, Vault, VaultConfig, VaultError};
use zeroize::Zeroizing;

pub const NOON: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);
pub const DAY: Duration = Duration::from_secs(86_400);

pub struct World {
    pub database: TestDatabase,
    pub directory: tempfile::TempDir,
    pub clock: ManualClock,
    pub vault: Vault,
    pub providers: ProviderSettings,
}

impl World {
    pub async fn new() -> Self {
        Self::on(ProviderSettings::default()).await
    }

    pub async fn on(providers: ProviderSettings) -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(NOON);
        let vault = Vault::start(VaultConfig { providers: providers.clone(), ..config(&database, &directory, &clock) }).await.unwrap();
        Self { database, directory, clock, vault, providers }
    }

    /// Another process with other providers.
    pub async fn start(&self, providers: &ProviderSettings) -> Result<Vault, VaultError> {
        Vault::start(VaultConfig { providers: providers.clone(), ..config(&self.database, &self.directory, &self.clock) }).await
    }

    /// What another process would have: nothing in common but the database and the key directory.
    pub async fn another_vault(&self) -> Vault {
        Vault::start(config(&self.database, &self.directory, &self.clock)).await.unwrap()
    }

    pub async fn person_key(&self, organization: OrganizationId) -> KeyId {
        self.vault.keys(&[person(organization)]).await.unwrap()[0]
    }

    /// Seals one note of this person in a new event.
    pub async fn seal_note(&self, key: KeyId, place: &Place, text: &str) -> Sealed<Note> {
        let slots = self.seal_slots(place, &[note_slot(Some(key), text)]).await.unwrap();
        place.sealed(&slots, 0)
    }

    pub async fn seal_slots(&self, place: &Place, slots: &[PersonalSlot]) -> Result<SealedSlots, VaultError> {
        self.vault.seal(place.stream.organization, place.stream, place.event_id, place.event_type, self.clock.now(), slots).await
    }
}

pub fn config(database: &TestDatabase, directory: &tempfile::TempDir, clock: &ManualClock) -> VaultConfig {
    VaultConfig {
        pool: database.pool(Role::Vault, 4),
        key_dir: directory.path().join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock: Arc::new(clock.clone()),
        cache_keys_max: 10_000,
    }
}

pub fn organization() -> OrganizationId {
    OrganizationId(Uuid::new_v4())
}

pub fn person(organization: OrganizationId) -> KeyName {
    KeyName { organization, subject: Subject::Person(SubjectId(Uuid::new_v4())), class: Class::Ops }
}

/// Where an event's envelopes stand.
#[derive(Clone)]
pub struct Place {
    pub stream: StreamName,
    pub event_id: EventId,
    pub event_type: &'static str,
}

impl Place {
    pub fn new(organization: OrganizationId) -> Self {
        let stream = StreamName::new(domain::Category::Email, organization, Uuid::new_v4());
        Self { stream, event_id: EventId(Uuid::now_v7()), event_type: "EmailQueued" }
    }

    pub fn context(&self, slot: u16) -> SealContext {
        let Self { stream, event_id, event_type } = self.clone();
        SealContext { organization: stream.organization, stream, event_id, event_type: event_type.into(), slot }
    }

    pub fn sealed(&self, slots: &SealedSlots, slot: u16) -> Sealed<Note> {
        Sealed::from_parts(self.context(slot), slots.get(slot).cloned().unwrap())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
}

impl PersonalData for Note {
    const CLASS: Class = Class::Ops;
    const ENTRY: DataEntry = DataEntry { purposes: &[Purpose::Service, Purpose::Deliver], ..ReplyDetails::ENTRY };
}

pub fn note(text: &str) -> Personal<Note> {
    Personal::new(Note { text: text.into() })
}

pub fn note_slot(key: Option<KeyId>, text: &str) -> PersonalSlot {
    PersonalSlot { key, class: Class::Ops, plaintext: Zeroizing::new(serde_json::to_vec(note(text).expose()).unwrap()) }
}
