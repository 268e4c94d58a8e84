//! The clock of tests.

use super::given::NOON;
use domain::{Clock, Ids, ManualClock, SeededIds};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_sleeper_wakes_when_the_clock_is_moved_there_and_not_before() {
    let clock = ManualClock::new(NOON);
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut sleep = pin!(clock.sleep_until(NOON + Duration::from_secs(10)));
    assert_eq!(sleep.as_mut().poll(&mut context), Poll::Pending);
    clock.advance(Duration::from_secs(9));
    assert!(!woken.0.load(Ordering::SeqCst));
    clock.advance(Duration::from_secs(1));
    assert!(woken.0.load(Ordering::SeqCst));
    assert_eq!(sleep.as_mut().poll(&mut context), Poll::Ready(()));
    assert_eq!(clock.since_boot(), Duration::from_secs(10));
}

#[test]
fn time_ordered_ids_sort_by_their_time() {
    let ids = SeededIds::new(1);
    let (early, late) = (ids.time_ordered(NOON), ids.time_ordered(NOON + Duration::from_millis(1)));
    assert!(early < late);
    assert_eq!((early.get_version_num(), ids.random().get_version_num()), (7, 4));
    assert_ne!(ids.salt(), ids.salt());
}
