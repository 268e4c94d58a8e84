//! Keys that were used lately, and which key a name led to. Bounded, and each entry for one lease at most: so long may a key destroyed by another
//! process still be used here. A process that cannot reach the database for one lease has forgotten every key.

use crate::key_name::{BucketName, KeyName};
use crate::keyring::KeyState;
use domain::{Class, Clock, KeyId, OrganizationId};
use moka::sync::Cache;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// By boot time, which runs on while the machine sleeps.
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// What a key can be found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Known {
    Name(KeyName),
    Bucket(BucketName),
    /// The first half of an address's HMAC.
    Address(OrganizationId, Class, [u8; 16]),
}

/// The cache's contents before a statement was sent: what the statement returns is kept only if nothing was destroyed since.
#[derive(Clone, Copy)]
pub(crate) struct Stamp {
    destructions: u64,
    read_at: Duration,
}

pub(crate) struct KeyCache {
    clock: Arc<dyn Clock>,
    keys: Cache<KeyId, (KeyState, Duration)>,
    names: Cache<Known, (KeyId, Duration)>,
    /// Counts `forget`. Entries are added under the read lock, so that none slips in behind a destruction.
    destructions: RwLock<u64>,
}

impl KeyCache {
    pub(crate) fn new(clock: Arc<dyn Clock>, keys_max: u64) -> Self {
        let names = Cache::new(keys_max);
        Self { clock, keys: Cache::new(keys_max), names, destructions: RwLock::new(0) }
    }

    pub(crate) fn stamp(&self) -> Stamp {
        let destructions = *self.destructions.read().unwrap_or_else(PoisonError::into_inner);
        Stamp { destructions, read_at: self.clock.since_boot() }
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<KeyState> {
        let (state, read_at) = self.keys.get(&id)?;
        self.is_leased(read_at).then_some(state)
    }

    pub(crate) fn find(&self, known: &Known) -> Option<KeyId> {
        let (id, read_at) = self.names.get(known)?;
        self.is_leased(read_at).then_some(id)
    }

    pub(crate) fn keep_keys(&self, stamp: Stamp, keys: impl IntoIterator<Item = (KeyId, KeyState)>) {
        let destructions = self.destructions.read().unwrap_or_else(PoisonError::into_inner);
        if *destructions == stamp.destructions {
            keys.into_iter().for_each(|(id, state)| self.keys.insert(id, (state, stamp.read_at)));
        }
    }

    pub(crate) fn keep_names(&self, stamp: Stamp, names: impl IntoIterator<Item = (Known, KeyId)>) {
        let destructions = self.destructions.read().unwrap_or_else(PoisonError::into_inner);
        if *destructions == stamp.destructions {
            names.into_iter().for_each(|(known, id)| self.names.insert(known, (id, stamp.read_at)));
        }
    }

    /// After keys were destroyed. Names do not say which key they lead to, so all of them go.
    pub(crate) fn forget(&self, ids: &[KeyId]) {
        let mut destructions = self.destructions.write().unwrap_or_else(PoisonError::into_inner);
        *destructions += 1;
        ids.iter().for_each(|id| self.keys.invalidate(id));
        self.names.invalidate_all();
    }

    /// Gives the memory of ended leases back, so that keys do not lie about in an idle process.
    pub(crate) fn drop_ended(&self) {
        let ended: Vec<KeyId> = self.keys.iter().filter(|(_, (_, read_at))| !self.is_leased(*read_at)).map(|(id, _)| *id).collect();
        ended.iter().for_each(|id| self.keys.invalidate(id));
        let ended: Vec<Known> = self.names.iter().filter(|(_, (_, read_at))| !self.is_leased(*read_at)).map(|(known, _)| *known).collect();
        ended.iter().for_each(|known| self.names.invalidate(known));
        self.keys.run_pending_tasks();
        self.names.run_pending_tasks();
    }

    fn is_leased(&self, read_at: Duration) -> bool {
        self.clock.since_boot().saturating_sub(read_at) < LEASE
    }
}
