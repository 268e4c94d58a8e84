//! Sealing: personal data into envelopes.

use crate::cipher::SealingKey;
use crate::envelope::{self, Place};
use crate::error::VaultError;
use crate::key_cache::Known;
use crate::key_name::BucketName;
use crate::keyring::buckets::BucketRequest;
use crate::keyring::{BucketKey, KeyState, SubjectKey};
use crate::vault::Vault;
use domain::{
    EnvelopeKeys, EventId, FiscalYearStart, KeyId, OrganizationId, PersonalSlot, SealedSlots, SlotContent, StreamName, Timestamp,
};
use std::collections::HashMap;
use std::sync::Arc;

/// One event's personal data, and where it will stand.
#[derive(Clone, Copy)]
pub struct SealRequest<'a> {
    pub organization: OrganizationId,
    pub stream: StreamName,
    pub event_id: EventId,
    /// The type as it will be stored.
    pub event_type: &'a str,
    /// Decides the bucket.
    pub occurred_at: Timestamp,
    pub slots: &'a [PersonalSlot],
    /// Decides the bucket of financial records.
    pub fiscal_year: FiscalYearStart,
}

impl SealRequest<'_> {
    fn bucket_of(&self, subject: &SubjectKey, slot: &PersonalSlot) -> BucketName {
        BucketName::at(subject.name.organization, slot.class, self.occurred_at, self.fiscal_year)
    }
}

impl Vault {
    /// Seals one event's slots, financial records by the calendar year. A slot without a key, or whose key or bucket was destroyed meanwhile, is withheld.
    pub async fn seal(
        &self,
        organization: OrganizationId,
        stream: StreamName,
        event_id: EventId,
        event_type: &str,
        occurred_at: Timestamp,
        slots: &[PersonalSlot],
    ) -> Result<SealedSlots, VaultError> {
        let fiscal_year = FiscalYearStart::default();
        let request = SealRequest { organization, stream, event_id, event_type, occurred_at, slots, fiscal_year };
        Ok(self.seal_many(&[request]).await?.pop().expect("one request has one answer"))
    }

    /// Seals many events: keys are fetched in one statement, bucket keys in another, and each pair is derived once.
    pub async fn seal_many(&self, requests: &[SealRequest<'_>]) -> Result<Vec<SealedSlots>, VaultError> {
        let subjects = self.subjects_of(requests).await?;
        let buckets = self.buckets_of(requests, &subjects).await?;
        let mut derived = HashMap::new();
        requests.iter().map(|request| seal_event(request, &subjects, &buckets, &mut derived)).collect()
    }

    async fn subjects_of(&self, requests: &[SealRequest<'_>]) -> Result<Subjects, VaultError> {
        let mut ids: Vec<KeyId> = requests.iter().flat_map(|request| request.slots).filter_map(|slot| slot.key).collect();
        ids.sort_unstable();
        ids.dedup();
        let states = self.key_states(&ids).await?;
        let mut subjects = HashMap::with_capacity(ids.len());
        for (id, state) in ids.into_iter().zip(states) {
            match state? {
                KeyState::Subject(key) => drop(subjects.insert(id, key)),
                KeyState::Destroyed => {}
                KeyState::Bucket(_) => return Err(VaultError::KeyMisused(id)),
            }
        }
        Ok(subjects)
    }

    async fn buckets_of(&self, requests: &[SealRequest<'_>], subjects: &Subjects) -> Result<Buckets, VaultError> {
        let mut names: Vec<BucketName> = Vec::new();
        for request in requests {
            for (slot, subject) in request.slots.iter().filter_map(|slot| Some((slot, subjects.get(&slot.key?)?))) {
                let name = request.bucket_of(subject, slot);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let states = self.bucket_states(&names, true).await?;
        let living = names.into_iter().zip(states).filter_map(|(name, state)| match state {
            Some(KeyState::Bucket(key)) => Some((name, key)),
            _ => None,
        });
        Ok(living.collect())
    }

    /// What became of these buckets; nothing when there never was a key. With `create`, missing current ones are made and others refused.
    pub(crate) async fn bucket_states(&self, names: &[BucketName], create: bool) -> Result<Vec<Option<KeyState>>, VaultError> {
        let cache = &self.keyring().cache;
        let cached = names.iter().map(|name| cache.find(&Known::Bucket(*name)).and_then(|id| cache.key(id)));
        let mut states: Vec<Option<KeyState>> = cached.collect();
        let missing = names.iter().zip(&states).filter(|(_, state)| state.is_none());
        let missing = missing.map(|(name, _)| BucketRequest { name: *name, create }).collect();
        let mut fetched = self.shared.buckets.request(missing).await?.into_iter();
        for state in states.iter_mut().filter(|state| state.is_none()) {
            *state = fetched.next().expect("every missing bucket was fetched")?.map(|(_, state)| state);
        }
        Ok(states)
    }
}

type Subjects = HashMap<KeyId, Arc<SubjectKey>>;
type Buckets = HashMap<BucketName, Arc<BucketKey>>;

fn seal_event(
    request: &SealRequest<'_>,
    subjects: &Subjects,
    buckets: &Buckets,
    derived: &mut HashMap<(KeyId, KeyId), SealingKey>,
) -> Result<SealedSlots, VaultError> {
    let SealRequest { organization, event_id, event_type, .. } = *request;
    let stream = request.stream.to_string();
    let mut contents = Vec::with_capacity(request.slots.len());
    for (number, slot) in request.slots.iter().enumerate() {
        let subject = slot.key.and_then(|key| subjects.get(&key));
        let bucket = subject.and_then(|subject| buckets.get(&request.bucket_of(subject, slot)));
        let (Some(subject), Some(bucket)) = (subject, bucket) else {
            contents.push(SlotContent::Withheld);
            continue;
        };
        let fits = request.stream.organization == organization
            && subject.name.may_stand_in(organization)
            && subject.name.class == slot.class
            && !subject.name.subject.is_tool();
        if !fits {
            return Err(VaultError::KeyMisused(subject.id));
        }
        let keys = EnvelopeKeys { subject_key: subject.id, bucket_key: bucket.id };
        let key = derived.entry((subject.id, bucket.id)).or_insert_with(|| envelope::event_key(&subject.secret, &bucket.secret));
        let slot_number = u16::try_from(number).expect("an event speaks of at most a few dozen people");
        let place = Place { organization, stream: &stream, event_id, event_type, slot: slot_number };
        contents.push(SlotContent::Envelope(envelope::seal(key, keys, &place, &slot.plaintext)));
    }
    Ok(SealedSlots::new(contents))
}
