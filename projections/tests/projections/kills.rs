//! Real processes, killed with SIGKILL: a standby takes over, and what was half built is carried on or cleared.

use crate::generations::tables;
use crate::story::Story;
use crate::support::{START, Site, real_time};
use projections::{all, content_hash, find};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What a child does, and where.
const PART: &str = "PROJECTIONS_TEST_PART";
const DATABASE: &str = "PROJECTIONS_TEST_DATABASE";

/// Does nothing unless it runs in a child that one of the tests below has started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_in_a_process_of_its_own() {
    let (Ok(part), Ok(url)) = (std::env::var(PART), std::env::var(DATABASE)) else { return };
    let site = Site::in_real_time(url).await;
    let (projector, _) = site.projector(u64::from(std::process::id()));
    match part.as_str() {
        "projector" => {
            let (_never, shutdown) = tokio::sync::watch::channel(false);
            projector.run(all(), shutdown).await.unwrap();
        }
        "rebuild" => projector.rebuild(find("emails").unwrap(), |_| {}).await.unwrap(),
        _ => assert!(projector.verify(find("emails").unwrap(), |_| {}).await.unwrap().is_same()),
    }
}

/// A child, killed when dropped.
struct Process(Child);

impl Process {
    fn start(site: &Site, part: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "kills::a_part_in_a_process_of_its_own", "--nocapture"]);
        command.env(PART, part).env(DATABASE, &site.database.url).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// As its leases name it.
    fn is_named_by(&self, holder: &str) -> bool {
        holder.ends_with(&format!(":{}", self.0.id()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn holders(site: &Site) -> Vec<String> {
    let now = real_time().micros();
    let select = "SELECT holder FROM ops.bookmark WHERE reader NOT LIKE '%/%' AND lease_expires_at_us > $1";
    site.database.client().await.query(select, &[&now]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..4_000 {
        if holds().await {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "waits for another process, which no clock of ours moves")]
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("it never came about that {what}");
}

async fn is_caught_up(site: &Site) -> bool {
    let client = site.client().await;
    projections::lags(&client, &site.store).await.unwrap().iter().all(|(_, lag)| lag.events == Some(0))
}

async fn emails_as_the_log_makes_them(site: &Site) {
    let client = site.client().await;
    let seen = content_hash(find("emails").unwrap(), &client).await.unwrap();
    site.rebuild_all().await;
    assert_eq!(seen, content_hash(find("emails").unwrap(), &client).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_process_that_leads_is_killed_a_standby_takes_over_and_nothing_is_lost_or_doubled() {
    let site = Site::open().await;
    let mut story = Story::new(51, START);
    let first = Process::start(&site, "projector");
    let leads_all = async |process: &Process| {
        let holders = holders(&site).await;
        holders.len() == all().len() && holders.iter().all(|holder| process.is_named_by(holder))
    };
    eventually("the first leads", async || leads_all(&first).await).await;
    let second = Process::start(&site, "projector");
    for _ in 0..20 {
        site.append(story.steps(40)).await;
    }
    assert!(leads_all(&first).await, "one that stands by takes nothing from one that lives");
    first.kill();
    for _ in 0..20 {
        site.append(story.steps(40)).await;
    }
    eventually("the second leads", async || leads_all(&second).await).await;
    eventually("it has caught up", async || is_caught_up(&site).await).await;
    second.kill();
    let taken_over = site.hashes().await;
    site.rebuild_all().await;
    assert_eq!(taken_over, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_is_killed_is_carried_on_and_shows_nothing_half_built() {
    let site = Site::open().await;
    let mut story = Story::new(52, START);
    for _ in 0..5 {
        site.append(story.steps(1_000)).await;
    }
    let server = Process::start(&site, "projector");
    eventually("all is shown", async || is_caught_up(&site).await).await;
    let client = site.database.client().await;
    let place = "SELECT position > decode(repeat('00', 16), 'hex') FROM ops.bookmark WHERE reader = 'emails/next'";
    let count = async || client.query_one("SELECT count(*) FROM read.emails", &[]).await.unwrap().get::<_, i64>(0);
    let mut shown = count().await;
    let (mut caught_in_the_middle, mut server) = (0, Some(server));
    for round in 0..4 {
        let mut rebuild = Process::start(&site, "rebuild");
        // Killed as soon as there is something, or when some of it is filled.
        eventually("it is under way", async || {
            let row = client.query_opt(place, &[]).await.unwrap();
            rebuild.has_ended() || row.is_some_and(|row| round % 2 == 0 || row.get(0))
        })
        .await;
        rebuild.kill();
        caught_in_the_middle += usize::from(client.query_opt(place, &[]).await.unwrap().is_some());
        if round == 1 {
            // The one that would carry on dies as well.
            server.take().unwrap().kill();
            server = Some(Process::start(&site, "projector"));
        }
        site.append(story.steps(50)).await;
        eventually("it is carried on", async || {
            let now = count().await;
            assert!(now >= shown, "{now} messages after {shown}");
            shown = now;
            client.query_opt(place, &[]).await.unwrap().is_none() && is_caught_up(&site).await
        })
        .await;
        assert!(tables(&site, "read_next").await.is_empty());
        assert_eq!(tables(&site, "read_former").await.len(), find("emails").unwrap().tables.len(), "one former content, not more");
    }
    assert!(caught_in_the_middle > 0, "some were killed in the middle");
    server.unwrap().kill();
    emails_as_the_log_makes_them(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_comparison_leaves_is_cleared_away() {
    let site = Site::open().await;
    let mut story = Story::new(53, START);
    for _ in 0..3 {
        site.append(story.steps(1_000)).await;
    }
    let server = Process::start(&site, "projector");
    eventually("all is shown", async || is_caught_up(&site).await).await;
    let mut verify = Process::start(&site, "verify");
    eventually("it is under way", async || verify.has_ended() || !tables(&site, "read_check").await.is_empty()).await;
    verify.kill();
    eventually("it is cleared away", async || tables(&site, "read_check").await.is_empty()).await;
    let rows = site.database.client().await.query("SELECT FROM ops.bookmark WHERE reader = 'emails/check'", &[]).await.unwrap();
    assert!(rows.is_empty());
    server.kill();
}
