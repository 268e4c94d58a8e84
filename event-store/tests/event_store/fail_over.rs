//! The primary is lost for good while processes write, and the standby takes its place.

use crate::order::assert_whole;
use crate::support::{in_time, open};
use crate::writers::{EVENTS_OF_A_PROCESS, Writer};
use domain::{Position, RecordedEvent};
use event_store::{EventStore, Filter, ReadError, Subscription, SubscriptionEvent};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use test_support::ReplicatedPair;
use uuid::Uuid;

const PROCESSES: usize = 3;
/// How long a cluster's supervisor might take to notice.
const NOTICED_AFTER: Duration = Duration::from_secs(2);
/// From the promotion to the first answer of the process that is last to find the new primary.
const RESUMED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn writers_resume_on_the_promoted_standby_and_no_acknowledged_event_is_lost_or_doubled() {
    let mut pair = ReplicatedPair::start().await;
    let database = pair.database().await;
    let store = EventStore::Postgres(open(&database).await);
    let writers: Vec<_> = (0..PROCESSES).map(|_| Writer::start(&database, Uuid::new_v4().as_u64_pair().0)).collect();
    let mut subscription = store.subscribe(Position::START, Filter::default());
    let total = PROCESSES * EVENTS_OF_A_PROCESS;
    let mut read = Vec::new();
    in_time(read_on(&mut subscription, &mut read, total / 3)).await;
    pair.kill_primary();
    let lost = Instant::now();
    tokio::time::sleep(NOTICED_AFTER).await;
    pair.promote_standby().await;
    let promoted = Instant::now();
    in_time(read_on(&mut subscription, &mut read, total)).await;

    let mut acknowledged = Vec::new();
    for mut writer in writers {
        assert!(writer.process.wait().unwrap().success(), "no writer was told an error");
        let answers = writer.acknowledged.join().unwrap();
        let first = answers.iter().map(|answer| answer.at).filter(|at| *at > promoted).min().expect("the loss came amid writing");
        println!("answered again {:?} after the promotion, {:?} after the loss", first - promoted, first - lost);
        assert!(first - promoted < RESUMED_WITHIN);
        acknowledged.extend(answers);
    }
    assert_whole(&read, &acknowledged);
    assert_eq!(acknowledged.iter().map(|answer| answer.id).collect::<HashSet<_>>().len(), total);
    assert_eq!(store.head().await.unwrap(), read[total - 1].position);
}

/// A reader is told when the log cannot be reached, and asks again.
async fn read_on(subscription: &mut Subscription, read: &mut Vec<RecordedEvent>, count: usize) {
    while read.len() < count {
        match subscription.next().await {
            Ok(SubscriptionEvent::Events(events)) => read.extend(events),
            Ok(SubscriptionEvent::CaughtUp(_)) => {}
            Err(ReadError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("{error}"),
        }
    }
}
