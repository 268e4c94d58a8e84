//! One process moves a projection at a time, and a late one cannot do harm.

use crate::story::Story;
use crate::support::{START, Site};
use projections::delivery_stats;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_projectors_at_once_never_count_twice() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(9, START);
    let (one, two) = (site.start(1), site.start(2));
    let thief = site.database.client().await;
    for _ in 0..25 {
        let position = site.append(story.steps(20)).await;
        // Whoever leads looks dead to the other, though it lives and goes on.
        thief.execute("UPDATE ops.bookmark SET lease_expires_at_us = 0", &[]).await.unwrap();
        if story.draw(3) == 0 {
            one.reach(position).await;
        }
    }
    let head = site.store.head().await.unwrap();
    one.reach(head).await;
    two.reach(head).await;
    one.stop().await;
    two.stop().await;
    let contended = site.hashes().await;
    site.rebuild_all().await;
    assert_eq!(contended, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_when_the_lease_runs_out_and_not_before() {
    let site = Site::open().await;
    let mut story = Story::new(10, START);
    let first = site.start(1);
    first.reach(site.append(story.steps(50)).await).await;
    let owner = site.database.client().await;
    let tokens = async || -> Vec<uuid::Uuid> {
        owner.query("SELECT lease FROM ops.bookmark ORDER BY reader", &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let before = tokens().await;
    first.crash().await;
    let second = site.start(2);
    let position = site.append(story.steps(50)).await;
    // Time stands still, so the dead one's lease is good.
    assert!(!second.freshness.at_least(&["emails"], position, std::time::Duration::ZERO).await);
    assert_eq!(before, tokens().await);
    let mut site = site;
    site.let_time_run();
    second.reach(position).await;
    let after = tokens().await;
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projector_that_is_told_to_stop_hands_over_at_once() {
    let site = Site::open().await;
    let mut story = Story::new(11, START);
    let first = site.start(1);
    first.reach(site.append(story.steps(50)).await).await;
    first.stop().await;
    let second = site.start(2);
    // The clock stands still: there is no lease to be waited out.
    second.reach(site.append(story.steps(50)).await).await;
    second.stop().await;
    let client = site.client().await;
    let organization = story.organization();
    assert!(delivery_stats::open(&client, organization).await.is_ok());
}
