//! Time and randomness come in from outside, so that a test moves time and a decision can be replayed.

use crate::Timestamp;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use uuid::Uuid;

/// The three faces of time. Wall time dates events; boot time (it runs on through suspend and never jumps) ends leases; the
/// database's time decides about bucket keys, since all processes share it.
pub trait Clock: Send + Sync + 'static {
    /// Wall time, UTC.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary start (CLOCK_BOOTTIME).
    fn since_boot(&self) -> Duration;
    /// What to believe when the database says that it is `reported` (tests shift it).
    fn database_time(&self, reported: Timestamp) -> Timestamp;
    /// Completes when wall time has reached `time`.
    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Identifiers, injected. Keys, nonces and tokens do not come from here: `vault` draws those from the system.
pub trait Ids: Send + Sync + 'static {
    /// A UUIDv7 for `time`.
    fn time_ordered(&self, time: Timestamp) -> Uuid;
    /// A random UUID.
    fn random(&self) -> Uuid;
    /// 16 random bytes that keep two equal events from having equal hashes.
    fn salt(&self) -> [u8; 16] {
        let (high, low) = (self.random().into_bytes(), self.random().into_bytes());
        // The ends of a version 4 UUID are random throughout; its middle is not.
        let mut salt = [0; 16];
        salt[..6].copy_from_slice(&high[..6]);
        salt[6..10].copy_from_slice(&low[12..]);
        salt[10..].copy_from_slice(&high[10..]);
        salt
    }
}

/// A clock that moves only when told to. All three faces move together.
#[derive(Clone)]
pub struct ManualClock {
    state: Arc<Mutex<ManualState>>,
}

struct ManualState {
    start: Timestamp,
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next_sleeper: u64,
}

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self { state: Arc::new(Mutex::new(ManualState { start: now, now, sleepers: BTreeMap::new(), next_sleeper: 0 })) }
    }

    /// Moves time on by `span` and wakes whoever waited for it.
    pub fn advance(&self, span: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now + span;
        let next = state.now + Duration::from_micros(1);
        let later = state.sleepers.split_off(&(next, 0));
        let due = std::mem::replace(&mut state.sleepers, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn since_boot(&self) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now.since(state.start)
    }

    fn database_time(&self, _reported: Timestamp) -> Timestamp {
        self.now()
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ManualSleep { clock: self, until: time })
    }
}

struct ManualSleep<'a> {
    clock: &'a ManualClock,
    until: Timestamp,
}

impl Future for ManualSleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.now >= self.until {
            return Poll::Ready(());
        }
        let number = state.next_sleeper;
        state.next_sleeper += 1;
        state.sleepers.insert((self.until, number), context.waker().clone());
        Poll::Pending
    }
}

/// Ids that repeat from run to run, for tests of rules.
pub struct SeededIds {
    next: Mutex<u64>,
}

impl SeededIds {
    pub fn new(seed: u64) -> Self {
        Self { next: Mutex::new(seed) }
    }

    /// SplitMix64: well spread, and enough for ids that guard nothing.
    fn draw(&self) -> u64 {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *next;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Ids for SeededIds {
    fn time_ordered(&self, time: Timestamp) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.draw().to_be_bytes());
        let millis = u64::try_from(time.micros() / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn random(&self) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.draw().to_be_bytes());
        bytes[8..].copy_from_slice(&self.draw().to_be_bytes());
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
