//! The same log always makes the same content, however it was cut into batches.

use crate::story::{Story, all_types};
use crate::support::{START, Site};
use projections::all;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_projection_rebuilt_from_zero_has_the_same_content_byte_for_byte() {
    let site = Site::open().await;
    let empty = site.hashes().await;
    let mut types = std::collections::BTreeSet::new();
    let running = site.start(1);
    for seed in 1..=4 {
        let mut story = Story::new(seed, START);
        for _ in 0..60 {
            let count = usize::try_from(story.draw(20)).unwrap();
            let appends = story.steps(count);
            if !appends.is_empty() {
                site.append(appends).await;
            }
        }
        types.extend(story.types);
    }
    assert_eq!(types, all_types(), "the story covers every type of event");
    running.reach(site.store.head().await.unwrap()).await;
    running.stop().await;
    let live = site.hashes().await;
    for (name, hash) in &live {
        assert_ne!(hash, &empty[name], "{name} holds something");
    }
    site.rebuild_all().await;
    assert_eq!(live, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_beside_a_running_projector_takes_over_and_gives_back() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(5, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(300)).await).await;
    let before = site.hashes().await;
    let (projector, _) = site.projector(2);
    let mut reports = vec![];
    projector.rebuild(all()[0], |progress| reports.push(progress)).await.unwrap();
    let last = reports.last().unwrap();
    assert_eq!(last.reached, last.head, "progress goes to the log's end");
    assert_eq!(before, site.hashes().await);
    running.reach(site.append(story.steps(100)).await).await;
    running.stop().await;
    let after = site.hashes().await;
    site.rebuild_all().await;
    assert_eq!(after, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_of_an_older_version_is_made_again() {
    let mut site = Site::open().await;
    site.let_time_run();
    let running = site.start(1);
    running.reach(site.append(Story::new(6, START).steps(200)).await).await;
    running.stop().await;
    let before = site.hashes().await;
    let owner = site.database.client().await;
    owner.batch_execute("UPDATE ops.bookmark SET version = 0; DELETE FROM read.members; DELETE FROM read.emails").await.unwrap();
    // By two processes at once: each read model by one of them.
    let (running, beside) = (site.start(2), site.start(3));
    running.reach(site.store.head().await.unwrap()).await;
    running.stop().await;
    beside.stop().await;
    assert_eq!(before, site.hashes().await);
}
