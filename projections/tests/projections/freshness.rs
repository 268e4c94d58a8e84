//! Reading one's own writes, whoever moves the projections.

use crate::story::Story;
use crate::support::{START, Site, in_time, names};
use std::time::Duration;
use test_support::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_a_projector_learns_from_the_bookmarks() {
    let mut site = Site::open().await;
    site.let_time_run();
    let running = site.start(1);
    let elsewhere = site.freshness();
    let mut story = Story::new(22, START);
    for _ in 0..3 {
        let position = site.append(story.steps(30)).await;
        assert!(in_time(elsewhere.at_least(&names(), position, Duration::from_secs(3600))).await);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_what_does_not_come_ends() {
    let mut site = Site::open().await;
    let position = site.append(Story::new(23, START).steps(30)).await;
    site.let_time_run();
    assert!(!in_time(site.freshness().at_least(&["emails"], position, Duration::from_secs(2))).await);
    assert!(!in_time(site.freshness().at_least(&["no such thing"], position, Duration::from_secs(2))).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_is_not_fresh_until_it_is_done() {
    let mut site = Site::open().await;
    site.let_time_run();
    let running = site.start(1);
    let position = site.append(Story::new(24, START).steps(30)).await;
    running.reach(position).await;
    running.stop().await;
    site.database.client().await.batch_execute("UPDATE ops.bookmark SET position = decode(repeat('00', 16), 'hex')").await.unwrap();
    assert!(!in_time(site.freshness().at_least(&["emails"], position, Duration::from_secs(2))).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_projector_writes_and_the_analyst_only_reads() {
    let site = Site::open().await;
    for role in [Role::App, Role::Analyst] {
        let client = site.database.pool(role, 1).get().await.unwrap();
        client.query("SELECT * FROM read.emails", &[]).await.unwrap();
        assert!(client.execute("DELETE FROM read.emails", &[]).await.is_err());
    }
    let vault = site.database.pool(Role::Vault, 1).get().await.unwrap();
    assert!(vault.query("SELECT * FROM read.emails", &[]).await.is_err());
}
