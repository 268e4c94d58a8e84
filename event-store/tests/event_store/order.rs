//! Many writers in several processes, some of them killed, and a reader that follows: no gap, no loss, no duplicate.

use crate::support::{in_time, open, read_up_to};
use crate::writers::{Acknowledgement, EVENTS_OF_A_PROCESS, WRITERS, Writer, write};
use domain::{Position, RecordedEvent, StreamName};
use event_store::{EventStore, Filter};
use std::collections::{HashMap, HashSet};
use test_support::TestDatabase;
use uuid::Uuid;

const PROCESSES: usize = 3;
const KILLS: usize = 6;

/// SIGKILL for a process that is writing, and the same process anew. What it had acknowledged; `None` when none was writing any more.
fn kill_and_restart(database: &TestDatabase, writers: &mut [Writer], turn: usize) -> Option<Vec<Acknowledgement>> {
    let count = writers.len();
    let place = (turn..turn + count).map(|place| place % count).find(|place| writers[*place].is_running())?;
    let victim = &mut writers[place];
    victim.process.kill().unwrap();
    victim.process.wait().unwrap();
    let again = Writer::start(database, victim.name);
    Some(std::mem::replace(victim, again).acknowledged.join().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_in_several_processes_killed_and_started_again_leave_no_gap_no_loss_and_no_duplicate() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    let mut writers: Vec<_> = (0..PROCESSES).map(|_| Writer::start(&database, Uuid::new_v4().as_u64_pair().0)).collect();
    let mut subscription = store.subscribe(Position::START, Filter::default());
    let (mut read, mut acknowledged, mut kills) = (Vec::new(), Vec::new(), 0);
    let total = PROCESSES * EVENTS_OF_A_PROCESS;
    for turn in 0..KILLS {
        // The reader follows all the while; how far it has come says when to strike.
        let due = total * (turn + 1) / (KILLS + 2);
        read.extend(in_time(read_up_to(&mut subscription, due.saturating_sub(read.len()))).await);
        if let Some(answers) = kill_and_restart(&database, &mut writers, turn) {
            acknowledged.extend(answers);
            kills += 1;
        }
    }
    read.extend(in_time(read_up_to(&mut subscription, total - read.len())).await);
    for mut writer in writers {
        assert!(writer.process.wait().unwrap().success());
        acknowledged.extend(writer.acknowledged.join().unwrap());
    }
    assert!(kills >= KILLS / 2, "only {kills} processes were writing when it was their turn to be killed");
    // Everything was asked again until it was answered, so every event is there, and once.
    assert_eq!(read.len(), total);
    assert_whole(&read, &acknowledged);
    assert_eq!(acknowledged.iter().map(|answer| answer.id).collect::<HashSet<_>>().len(), total);
    assert_eq!(store.head().await.unwrap(), read[read.len() - 1].position);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_beside_an_open_snapshot_are_not_held_up() {
    let database = TestDatabase::create().await;
    let snapshot = database.client().await;
    snapshot.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log.event").await.unwrap();
    let name = Uuid::new_v4().as_u64_pair().0;
    let stores = [EventStore::Postgres(open(&database).await), EventStore::Postgres(open(&database).await)];
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(stores[writer as usize % 2].clone(), name, writer))).collect();
    for writer in writers {
        in_time(writer).await.unwrap();
    }
    let mut subscription = stores[0].subscribe(Position::START, Filter::default());
    let read = in_time(read_up_to(&mut subscription, EVENTS_OF_A_PROCESS)).await;
    assert_whole(&read, &[]);
    let seen: i64 = snapshot.query_one("SELECT count(*) FROM log.event", &[]).await.unwrap().get(0);
    assert_eq!(seen, 0);
}

/// Positions from 1 without a gap, versions of each stream from 0 without a gap, every id once, and everything acknowledged where it was said to be.
pub fn assert_whole(read: &[RecordedEvent], acknowledged: &[Acknowledgement]) {
    assert!(read.iter().map(|event| event.position.commit).eq(1..=read.len() as u64), "positions have a gap or a duplicate");
    let mut versions: HashMap<StreamName, u64> = HashMap::new();
    for event in read {
        let next = versions.entry(event.header.stream).or_default();
        assert_eq!(event.header.version, *next, "{}", event.header.stream);
        *next += 1;
    }
    let ids: HashSet<_> = read.iter().map(|event| event.header.event_id).collect();
    assert_eq!(ids.len(), read.len(), "an event stands twice");
    for Acknowledgement { position, id, .. } in acknowledged {
        assert_eq!(read[usize::try_from(*position).unwrap() - 1].header.event_id, *id, "acknowledged at {position}");
    }
}
