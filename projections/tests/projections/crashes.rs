//! A move that does not commit leaves nothing; the same events come again.

use crate::story::Story;
use crate::support::{START, Site};

/// Refuses every third move of a bookmark, after the rows were written.
const SABOTAGE: &str = "
    CREATE SEQUENCE ops.sabotage;
    GRANT USAGE ON SEQUENCE ops.sabotage TO lethemail_projector;
    CREATE FUNCTION ops.refuse_some() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('ops.sabotage') % 3 = 0 THEN RAISE EXCEPTION 'sabotage'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER sabotage BEFORE UPDATE OF position ON ops.bookmark FOR EACH ROW WHEN (OLD.position <> NEW.position)
        EXECUTE FUNCTION ops.refuse_some();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_applied_again_after_a_crash_before_the_commit_change_nothing() {
    let mut site = Site::open().await;
    site.let_time_run();
    site.database.client().await.batch_execute(SABOTAGE).await.unwrap();
    let mut story = Story::new(7, START);
    let running = site.start(1);
    for _ in 0..10 {
        running.reach(site.append(story.steps(30)).await).await;
    }
    running.stop().await;
    let owner = site.database.client().await;
    let refusals: i64 = owner.query_one("SELECT last_value / 3 FROM ops.sabotage", &[]).await.unwrap().get(0);
    assert!(refusals > 5, "moves were refused");
    owner.batch_execute("DROP TRIGGER sabotage ON ops.bookmark").await.unwrap();
    let stumbled = site.hashes().await;
    site.rebuild_all().await;
    assert_eq!(stumbled, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_projector_is_succeeded_by_another_that_misses_and_repeats_nothing() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(8, START);
    for seed in 0..6 {
        let running = site.start(seed);
        site.append(story.steps(40)).await;
        running.crash().await;
    }
    let running = site.start(100);
    running.reach(site.append(story.steps(40)).await).await;
    running.stop().await;
    let survived = site.hashes().await;
    site.rebuild_all().await;
    assert_eq!(survived, site.hashes().await);
}
