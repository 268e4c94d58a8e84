//! When a deferred delivery is tried again: written out, so that anybody can predict it.

use std::time::Duration;

/// No recipient is tried longer than this after the message was first due (row M1.6).
pub const DELIVERY_AGE_MAX: Duration = Duration::from_secs(72 * 3600);

/// Minutes to wait after the first, second, … attempt; the last repeats.
const DELAYS_MIN: [u64; 9] = [1, 2, 5, 10, 20, 40, 80, 160, 240];

/// The wait after attempt number `attempt` (from 1), plus up to a tenth of it by `jitter` (0..=255), so that what failed together does not come back together.
pub fn retry_delay(attempt: u32, jitter: u8) -> Duration {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX).min(DELAYS_MIN.len() - 1);
    let delay = Duration::from_secs(DELAYS_MIN[index] * 60);
    delay + delay * u32::from(jitter) / 2550
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_from_one_minute_to_four_hours() {
        assert_eq!(retry_delay(1, 0), Duration::from_secs(60));
        assert_eq!(retry_delay(9, 0), Duration::from_secs(4 * 3600));
        assert_eq!(retry_delay(1000, 0), Duration::from_secs(4 * 3600));
        assert_eq!(retry_delay(1, 255), Duration::from_secs(66));
    }
}
