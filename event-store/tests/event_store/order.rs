//! Many writers in several processes, some of them killed, and a reader that follows: no gap, no loss, no duplicate.

use crate::support::{append, in_time, open, read_up_to};
use domain::{Category, EventId, OrganizationId, Position, RecordedEvent, StreamName};
use event_store::{EventStore, ExpectedVersion, Filter};
use event_store_contract::sample::event_with_id;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use test_support::TestDatabase;
use uuid::Uuid;

const DATABASE: &str = "EVENT_STORE_WRITER_DATABASE";
const NAME: &str = "EVENT_STORE_WRITER_NAME";
const PROCESSES: usize = 3;
const WRITERS: u32 = 8;
const APPENDS: u32 = 120;
const EVENTS_OF_A_PROCESS: usize = (WRITERS * APPENDS) as usize;
const KILLS: usize = 6;

/// All processes write to this one as well.
fn shared_stream() -> StreamName {
    StreamName::new(Category::Organization, OrganizationId::PLATFORM, Uuid::from_u128(1))
}

/// Not a test by itself: what the writing processes run.
#[tokio::test(flavor = "multi_thread")]
async fn writer_process() {
    let (Ok(url), Ok(name)) = (std::env::var(DATABASE), std::env::var(NAME)) else { return };
    let store = EventStore::Postgres(open(&TestDatabase { url }).await);
    let name = name.parse().unwrap();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), name, writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    store.shutdown().await;
}

/// Streams and ids follow from the names, so that a process which is started again asks the same again: a caller that knows no answer does that.
async fn write(store: EventStore, process: u64, writer: u32) {
    let id = |number: u32| Uuid::from_u128(u128::from(process) << 64 | u128::from(writer) << 32 | u128::from(number));
    let own = StreamName::new(Category::Email, OrganizationId(Uuid::from_u128(u128::from(process))), id(u32::MAX));
    let mut version = None;
    for number in 0..APPENDS {
        let event = event_with_id(EventId(id(number)));
        let request = if number % 3 == 0 {
            append(shared_stream(), ExpectedVersion::Any, vec![event])
        } else {
            append(own, version.map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact), vec![event])
        };
        let to_own = request.stream == own;
        let answer = store.append(request).await.unwrap();
        version = if to_own { Some(answer.last_version) } else { version };
        // Written past the test harness, in one go, so that a killed process leaves whole lines.
        let line = format!("\nacknowledged {} {}\n", answer.position.commit, id(number));
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

struct Writer {
    name: u64,
    process: Child,
    acknowledged: std::thread::JoinHandle<Vec<(u64, EventId)>>,
}

impl Writer {
    fn start(database: &TestDatabase, name: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "order::writer_process", "--nocapture"])
            .envs([(DATABASE, database.url.clone()), (NAME, name.to_string())])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let lines = move || output.lines().map_while(Result::ok).filter_map(|line| acknowledgement(&line)).collect();
        Self { name, process, acknowledged: std::thread::spawn(lines) }
    }

    fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

fn acknowledgement(line: &str) -> Option<(u64, EventId)> {
    let (position, id) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some((position.parse().ok()?, id.parse().ok()?))
}

/// SIGKILL for a process that is writing, and the same process anew. What it had acknowledged; `None` when none was writing any more.
fn kill_and_restart(database: &TestDatabase, writers: &mut [Writer], turn: usize) -> Option<Vec<(u64, EventId)>> {
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
    assert_eq!(acknowledged.iter().map(|(_, id)| id).collect::<HashSet<_>>().len(), total);
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
