//! Processes that write, each of them with many writers, so that a test may kill them or take their database away.

use crate::support::{append, open};
use domain::{Category, EventId, OrganizationId, StreamName};
use event_store::{EventStore, ExpectedVersion};
use event_store_contract::sample::event_with_id;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use test_support::TestDatabase;
use uuid::Uuid;

const DATABASE: &str = "EVENT_STORE_WRITER_DATABASE";
const NAME: &str = "EVENT_STORE_WRITER_NAME";
pub const WRITERS: u32 = 8;
const APPENDS: u32 = 120;
pub const EVENTS_OF_A_PROCESS: usize = (WRITERS * APPENDS) as usize;

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
pub async fn write(store: EventStore, process: u64, writer: u32) {
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

/// A process that writes, and what it has been answered so far.
pub struct Writer {
    pub name: u64,
    pub process: Child,
    pub acknowledged: std::thread::JoinHandle<Vec<Acknowledgement>>,
}

impl Writer {
    pub fn start(database: &TestDatabase, name: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writers::writer_process", "--nocapture"])
            .envs([(DATABASE, database.url.clone()), (NAME, name.to_string())])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let lines = move || output.lines().map_while(Result::ok).filter_map(|line| acknowledgement(&line)).collect();
        Self { name, process, acknowledged: std::thread::spawn(lines) }
    }

    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

/// An answer, and when it was heard.
pub struct Acknowledgement {
    pub position: u64,
    pub id: EventId,
    pub at: Instant,
}

fn acknowledgement(line: &str) -> Option<Acknowledgement> {
    let (position, id) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
    Some(Acknowledgement { position: position.parse().ok()?, id: id.parse().ok()?, at: Instant::now() })
}
