//! What is in use is compared with what the log makes, without touching it.

use crate::generations::tables;
use crate::story::Story;
use crate::support::{START, Site};
use projections::{all, content_hash, find};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_makes_is_the_same_as_what_is_in_use_at_one_position_amid_traffic() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(41, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(500)).await).await;
    let (projector, _) = site.projector(2);
    for projection in all() {
        let (found, ()) = tokio::join!(projector.verify(projection, |_| {}), async {
            for _ in 0..4 {
                site.append(story.steps(10)).await;
            }
        });
        let found = found.unwrap();
        assert!(found.is_same(), "{}: {found:?}", projection.name);
        assert!(found.position > domain::Position::START && found.tables.len() == projection.tables.len());
    }
    running.reach(site.store.head().await.unwrap()).await;
    running.stop().await;
    let found = projector.verify(all()[0], |_| {}).await.unwrap();
    assert_eq!(found.live, content_hash(all()[0], &*site.client().await).await.unwrap());
    assert!(tables(&site, "read_check").await.is_empty(), "it leaves nothing behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changed_row_is_found_and_the_table_named() {
    let site = Site::open().await;
    let running = site.start(1);
    running.reach(site.append(Story::new(42, START).steps(500)).await).await;
    running.stop().await;
    let owner = site.database.client().await;
    let change = "DELETE FROM read.email_tag WHERE ctid IN (SELECT ctid FROM read.email_tag LIMIT 1)";
    assert_eq!(owner.execute(change, &[]).await.unwrap(), 1);
    let (projector, _) = site.projector(2);
    let found = projector.verify(find("emails").unwrap(), |_| {}).await.unwrap();
    assert!(!found.is_same());
    let differ: Vec<&str> = found.tables.iter().filter(|table| table.live != table.rebuilt).map(|table| table.name).collect();
    assert_eq!(differ, ["read.email_tag"]);
    assert!(projector.verify(find("erasures").unwrap(), |_| {}).await.unwrap().is_same());
}
