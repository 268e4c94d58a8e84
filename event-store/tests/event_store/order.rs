//! Many writers in several processes, and a reader that follows them: no gap, no loss, no duplicate.

use crate::support::{append, event, in_time, open, read_up_to, stream};
use domain::{Category, EventId, OrganizationId, Position, RecordedEvent, StreamName};
use event_store::{EventStore, ExpectedVersion, Filter};
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use test_support::TestDatabase;
use uuid::Uuid;

const DATABASE: &str = "EVENT_STORE_WRITER_DATABASE";
const WRITERS: u64 = 8;
const APPENDS: u64 = 60;
const EVENTS_OF_A_PROCESS: usize = (WRITERS * APPENDS) as usize;

/// All processes write to this one as well.
fn shared_stream() -> StreamName {
    StreamName::new(Category::Organization, OrganizationId::PLATFORM, Uuid::from_u128(1))
}

/// Not a test by itself: what the writing processes run.
#[tokio::test(flavor = "multi_thread")]
async fn writer_process() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = EventStore::Postgres(open(&TestDatabase { url }).await);
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(store.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    store.shutdown().await;
}

async fn write(store: EventStore) {
    let own = stream();
    let mut version = None;
    for number in 0..APPENDS {
        let event = event();
        let id = event.id;
        let request = if number % 3 == 0 {
            append(shared_stream(), ExpectedVersion::Any, vec![event])
        } else {
            append(own, version.map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact), vec![event])
        };
        let to_own = request.stream == own;
        let answer = store.append(request).await.unwrap();
        version = if to_own { Some(answer.last_version) } else { version };
        // Written past the test harness, in one go, so that a killed process leaves whole lines.
        let line = format!("\nacknowledged {} {id}\n", answer.position.commit);
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

struct Writer {
    process: Child,
    acknowledged: std::thread::JoinHandle<Vec<(u64, EventId)>>,
}

fn start_writer(database: &TestDatabase) -> Writer {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "order::writer_process", "--nocapture"])
        .env(DATABASE, &database.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let acknowledged = std::thread::spawn(move || output.lines().map_while(Result::ok).filter_map(|line| acknowledgement(&line)).collect());
    Writer { process, acknowledged }
}

fn acknowledgement(line: &str) -> Option<(u64, EventId)> {
    let (position, id) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((position.parse().ok()?, id.parse().ok()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_in_several_processes_leave_no_gap_no_loss_and_no_duplicate() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    let writers: Vec<_> = (0..3).map(|_| start_writer(&database)).collect();
    let mut subscription = store.subscribe(Position::START, Filter::default());
    let read = in_time(read_up_to(&mut subscription, 3 * EVENTS_OF_A_PROCESS)).await;
    let mut acknowledged = Vec::new();
    for mut writer in writers {
        assert!(writer.process.wait().unwrap().success());
        acknowledged.extend(writer.acknowledged.join().unwrap());
    }
    assert_eq!(acknowledged.len(), read.len());
    assert_whole(&read, &acknowledged);
    assert_eq!(store.head().await.unwrap(), read[read.len() - 1].position);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_killed_amid_appends_leaves_no_gap_and_loses_nothing_acknowledged() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    let mut writers: Vec<_> = (0..3).map(|_| start_writer(&database)).collect();
    let mut subscription = store.subscribe(Position::START, Filter::default());
    let mut read = in_time(read_up_to(&mut subscription, 200)).await;
    writers[0].process.kill().unwrap();
    let mut acknowledged = Vec::new();
    for mut writer in writers {
        writer.process.wait().unwrap();
        acknowledged.extend(writer.acknowledged.join().unwrap());
    }
    // Appends go on afterwards; the killed process holds nobody up.
    in_time(store.append(append(stream(), ExpectedVersion::NoStream, vec![event()]))).await.unwrap();
    let head = usize::try_from(store.head().await.unwrap().commit).unwrap();
    read.extend(in_time(read_up_to(&mut subscription, head - read.len())).await);
    assert!(acknowledged.len() >= 2 * EVENTS_OF_A_PROCESS && read.len() < 3 * EVENTS_OF_A_PROCESS + 1);
    assert_whole(&read, &acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_beside_an_open_snapshot_are_not_held_up() {
    let database = TestDatabase::create().await;
    let snapshot = database.client().await;
    snapshot.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log.event").await.unwrap();
    let stores = [EventStore::Postgres(open(&database).await), EventStore::Postgres(open(&database).await)];
    let writers: Vec<_> = (0..8).map(|number| tokio::spawn(write(stores[number % 2].clone()))).collect();
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
fn assert_whole(read: &[RecordedEvent], acknowledged: &[(u64, EventId)]) {
    assert!(read.iter().map(|event| event.position.commit).eq(1..=read.len() as u64), "positions have a gap or a duplicate");
    let mut versions: HashMap<StreamName, u64> = HashMap::new();
    for event in read {
        let next = versions.entry(event.header.stream).or_default();
        assert_eq!(event.header.version, *next, "{}", event.header.stream);
        *next += 1;
    }
    let ids: HashSet<_> = read.iter().map(|event| event.header.event_id).collect();
    assert_eq!(ids.len(), read.len(), "an event stands twice");
    for (position, id) in acknowledged {
        assert_eq!(read[usize::try_from(*position).unwrap() - 1].header.event_id, *id, "acknowledged at {position}");
    }
}
