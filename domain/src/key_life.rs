//! What the platform does to keys: epochs that come and go, and days that expire. An epoch has a stream of its own, and so has a bucket key.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::{Category, Class, Draft, KeyId, KeyProvider, OrganizationId, StreamName};
use uuid::Uuid;

vocabulary! {
    /// In this order.
    pub enum KeyEpochStage {
        /// New keys are wrapped under the epoch's.
        Opened,
        /// No new ones are; those that live are being wrapped again under the next epoch's.
        Closed,
        /// Every row was opened with the next epoch's key, and no copy of the database is behind that.
        Rewrapped,
        /// The key was destroyed by its provider.
        Destroyed,
    }
}

facts! {
    pub struct KeyEpochOpened {
        pub epoch: u32,
    }
    /// Who keeps, and will destroy, the key that wraps the epoch's. An epoch without this event has a sealed file.
    pub struct KeyEpochWrapped {
        pub epoch: u32,
        pub provider: KeyProvider,
    }
    pub struct KeyEpochClosed {
        pub epoch: u32,
    }
    pub struct KeyEpochRewrapped {
        pub epoch: u32,
    }
    /// Whatever was destroyed while the epoch was open or closed is gone from every copy of the database.
    pub struct KeyEpochDestroyed {
        pub epoch: u32,
    }
    /// The retention of a bucket has ended, and its key was destroyed.
    pub struct BucketKeyDestroyed {
        pub key: KeyId,
        pub class: Class,
        /// Days since 1970 (UTC) for daily buckets, year and month of the end (202612) for fiscal ones, 0 otherwise.
        pub bucket: i32,
    }
}

events! {
    pub enum KeyEvent {
        KeyEpochOpened(KeyEpochOpened) = 1,
        KeyEpochWrapped(KeyEpochWrapped) = 1,
        KeyEpochClosed(KeyEpochClosed) = 1,
        KeyEpochRewrapped(KeyEpochRewrapped) = 1,
        KeyEpochDestroyed(KeyEpochDestroyed) = 1,
        BucketKeyDestroyed(BucketKeyDestroyed) = 1,
    }
}

/// How far an epoch has come, or that a bucket's key is gone.
#[derive(Clone, Debug, Default)]
pub struct KeyLife {
    pub stage: Option<KeyEpochStage>,
    pub provider: Option<KeyProvider>,
    pub bucket_destroyed: bool,
}

impl Aggregate for KeyLife {
    type Event = KeyEvent;
    const CATEGORY: Category = Category::Platform;

    fn evolve(&mut self, recorded: &Recorded<KeyEvent>) {
        match &recorded.event {
            KeyEvent::KeyEpochOpened(_) => self.stage = Some(KeyEpochStage::Opened),
            KeyEvent::KeyEpochWrapped(event) => self.provider = Some(event.provider),
            KeyEvent::KeyEpochClosed(_) => self.stage = Some(KeyEpochStage::Closed),
            KeyEvent::KeyEpochRewrapped(_) => self.stage = Some(KeyEpochStage::Rewrapped),
            KeyEvent::KeyEpochDestroyed(_) => self.stage = Some(KeyEpochStage::Destroyed),
            KeyEvent::BucketKeyDestroyed(_) => self.bucket_destroyed = true,
        }
    }
}

impl KeyLife {
    /// Everything up to `stage` that is not recorded yet: rows move first, and a crash may come before the event.
    pub fn reach(&self, epoch: u32, provider: KeyProvider, stage: KeyEpochStage) -> Vec<Draft<KeyEvent>> {
        let missing = KeyEpochStage::ALL.iter().filter(|reached| Some(**reached) > self.stage && **reached <= stage);
        let drafts = |reached: &KeyEpochStage| match reached {
            KeyEpochStage::Opened => vec![Draft::plain(KeyEpochOpened { epoch }), Draft::plain(KeyEpochWrapped { epoch, provider })],
            KeyEpochStage::Closed => vec![Draft::plain(KeyEpochClosed { epoch })],
            KeyEpochStage::Rewrapped => vec![Draft::plain(KeyEpochRewrapped { epoch })],
            KeyEpochStage::Destroyed => vec![Draft::plain(KeyEpochDestroyed { epoch })],
        };
        missing.flat_map(drafts).collect()
    }

    /// Who keeps, or kept, the key that wraps the epoch's; a certificate names it.
    pub fn provider(&self) -> KeyProvider {
        self.provider.unwrap_or(KeyProvider::SealedFile)
    }

    pub fn expire(&self, key: KeyId, class: Class, bucket: i32) -> Vec<Draft<KeyEvent>> {
        if self.bucket_destroyed { vec![] } else { vec![Draft::plain(BucketKeyDestroyed { key, class, bucket })] }
    }

    pub fn stream_of_epoch(epoch: u32) -> StreamName {
        StreamName::new(Category::Platform, OrganizationId::PLATFORM, Uuid::from_u128(epoch.into()))
    }

    /// In the log of the organisation whose data it sealed.
    pub fn stream_of_bucket(organization: OrganizationId, key: KeyId) -> StreamName {
        StreamName::new(Category::Platform, organization, key.0)
    }
}
