//! Keyed hashes of things that may not be kept: idempotency keys, tags, rate limit keys. They end with the day's key.

use crate::canonical::canonical;
use crate::cipher::{derive, mac};
use crate::error::VaultError;
use crate::key_name::BucketName;
use crate::keyring::{BucketKey, KeyState};
use crate::vault::Vault;
use domain::{Day, OrganizationId};

impl Vault {
    /// HMAC-SHA256 of `data` under a key of (organisation, day, context). Equal data gives equal fingerprints within a day; fields cannot run into each
    /// other. Makes the day's key if `day` is the database's today or yesterday.
    pub async fn fingerprint(
        &self,
        organization: OrganizationId,
        day: Day,
        context: &'static str,
        data: &[&[u8]],
    ) -> Result<[u8; 32], VaultError> {
        match self.bucket_states(&[BucketName::of_day(organization, day)], true).await?.pop().flatten() {
            Some(KeyState::Bucket(bucket)) => Ok(fingerprint(&bucket, context, data)),
            _ => Err(VaultError::BucketDestroyed),
        }
    }

    /// The fingerprints that `data` has had on these days, in one statement; `None` for a day without a living key, on which nothing can be found.
    pub async fn existing_fingerprints(
        &self,
        organization: OrganizationId,
        days: &[Day],
        context: &'static str,
        data: &[&[u8]],
    ) -> Result<Vec<Option<[u8; 32]>>, VaultError> {
        let names: Vec<BucketName> = days.iter().map(|day| BucketName::of_day(organization, *day)).collect();
        let states = self.bucket_states(&names, false).await?;
        let fingerprints = states.into_iter().map(|state| match state {
            Some(KeyState::Bucket(bucket)) => Some(fingerprint(&bucket, context, data)),
            _ => None,
        });
        Ok(fingerprints.collect())
    }
}

fn fingerprint(bucket: &BucketKey, context: &str, data: &[&[u8]]) -> [u8; 32] {
    let key = derive(b"", bucket.secret.bytes(), &[b"lethemail fingerprint v1 ", context.as_bytes()]);
    mac(key.bytes(), &canonical(data))
}
