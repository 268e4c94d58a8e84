//! Identifiers from the system's randomness.

use domain::{Ids, Timestamp};
use uuid::{Builder, Uuid};

/// The ids of a running installation.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn time_ordered(&self, time: Timestamp) -> Uuid {
        let random = self.random().into_bytes();
        let mut tail = [0; 10];
        // Six bits of a random UUID are fixed (its version and variant, in bytes 6 and 8): those two bytes are left out.
        tail[..6].copy_from_slice(&random[..6]);
        tail[6] = random[7];
        tail[7..].copy_from_slice(&random[9..12]);
        let millis = u64::try_from(time.micros() / 1000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that draws ids; everything else is given them")]
    fn random(&self) -> Uuid {
        Uuid::new_v4()
    }
}
