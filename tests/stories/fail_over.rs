//! The database's primary is lost for good amid sends, and its standby takes its place.

use super::account::Account;
use super::crashes::{CONNECTIONS, every_acknowledged_recipient_has_a_fate, pause, send_all};
use super::sink::Sink;
use crate::program::{Place, Program, eventually, lethemail};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use test_support::ReplicatedPair;

const MESSAGES: usize = 400;
const SENDERS: usize = 8;
/// How long a cluster's supervisor might take to notice.
const NOTICED_AFTER: Duration = Duration::from_secs(2);
/// From the promotion to the first message that is taken.
const RESUMED_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn sending_goes_on_by_itself_when_the_standby_takes_the_lost_primarys_place() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut pair = runtime.block_on(ReplicatedPair::start());
    let database = runtime.block_on(pair.database());
    let sink = Sink::start(&["--login", "shop:let me in", "--pipelining"]);
    let place = Place::new();
    let mut command = lethemail(&place);
    command.env("DATABASE_URL", &database.url).env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8");
    let mut program = Program::spawn(&mut command);
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    account.connect(sink.port);

    let acknowledged: Mutex<BTreeMap<usize, String>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let count = || acknowledged.lock().unwrap().len();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| send_all(&account.application, MESSAGES, &next, &acknowledged));
        }
        eventually("sending is under way", || count() >= MESSAGES / 4);
        pair.kill_primary();
        pause(NOTICED_AFTER);
        let before = count();
        assert!(before < MESSAGES, "the loss came amid sending");
        runtime.block_on(pair.promote_standby());
        let resumed = time(|| eventually("sending goes on", || count() > before));
        println!("a message was taken {resumed:?} after the promotion");
        assert!(resumed < RESUMED_WITHIN);
    });
    // What was amid delivery waits for its lease to run out.
    every_acknowledged_recipient_has_a_fate(&account.application, &sink, &acknowledged.into_inner().unwrap(), 2 * CONNECTIONS);
    assert_eq!(account.application.get_text("/readyz").0, 200);
    assert!(program.terminate().0.success());
}

#[expect(clippy::disallowed_methods, reason = "measures what other processes take")]
fn time(work: impl FnOnce()) -> Duration {
    let began = std::time::Instant::now();
    work();
    began.elapsed()
}
