//! A read model is made again beside the one in use: nobody sees anything half built, and there is a way back.

use crate::story::Story;
use crate::support::{START, Site, in_time};
use domain::Clock;
use projections::{Generation, Projection, ProjectionError, all, emails, find, status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use test_support::Role;
use tokio_postgres::error::SqlState;

fn messages() -> &'static Projection {
    find("emails").unwrap()
}

/// What lies beside what queries see.
async fn beside(site: &Site, projection: &Projection) -> Vec<Generation> {
    let all = status(&*site.client().await, &site.store, site.clock.now()).await.unwrap();
    let found = all.into_iter().find(|found| found.projection.name == projection.name).unwrap();
    found.beside.into_iter().map(|(generation, _)| generation).collect()
}

/// Tables in a schema.
pub async fn tables(site: &Site, schema: &str) -> Vec<String> {
    let select = "SELECT relname::text FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' ORDER BY relname";
    site.database.client().await.query(select, &[&schema]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_see_the_whole_content_while_it_is_made_again_amid_traffic() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(31, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(1_500)).await).await;
    let (stop, app) = (Arc::new(AtomicBool::new(false)), site.app.clone());
    let known: Vec<_> = story.emails.iter().map(|email| (email.name.organization, domain::EmailId(email.name.id))).collect();
    let told = stop.clone();
    // One connection whose statements stay prepared, as those of a server do.
    let reader = tokio::spawn(async move {
        let client = app.get().await.unwrap();
        let count =
            client.prepare("SELECT count(*), count(q.email) FROM read.emails e LEFT JOIN read.delivery_queue q ON q.email = e.id").await;
        let count = count.unwrap();
        let (mut looks, mut most) = (0, 0);
        while !told.load(Ordering::Relaxed) {
            let row = client.query_one(&count, &[]).await.unwrap();
            let (found, queued) = (row.get::<_, i64>(0), row.get::<_, i64>(1));
            assert!(found >= most && queued > 0, "{found} messages after {most}, {queued} queued");
            let (organization, email) = known[looks % known.len()];
            assert!(emails::by_id(&client, organization, email).await.unwrap().is_some(), "a message was gone for a moment");
            most = found;
            looks += 1;
        }
        looks
    });
    let (projector, _) = site.projector(2);
    for round in 0..3 {
        let rebuilt = projector.rebuild(messages(), |_| {});
        let appended = async {
            for _ in 0..5 {
                site.append(story.steps(30)).await;
            }
        };
        let (rebuilt, ()) = tokio::join!(rebuilt, appended);
        rebuilt.unwrap();
        assert_eq!(beside(&site, messages()).await, [Generation::Former], "round {round}");
    }
    running.reach(site.store.head().await.unwrap()).await;
    stop.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 10);
    running.stop().await;
    let switched = site.hashes().await;
    site.rebuild_all().await;
    assert_eq!(switched, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m6_3_the_new_tables_have_the_indexes_settings_and_grants_of_the_old_and_only_the_projector_enters_the_side_rooms() {
    let site = Site::open().await;
    let running = site.start(1);
    running.reach(site.append(Story::new(32, START).steps(200)).await).await;
    running.stop().await;
    let owner = site.database.client().await;
    let select = "SELECT c.relname::text, c.reloptions::text, c.relacl::text, pg_get_indexdef(c.oid), a.attname::text, a.attstorage::text, a.attnotnull
        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'read'::regnamespace ORDER BY c.relname, a.attname";
    type Shape = (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>, Option<bool>);
    let shape = async || -> Vec<Shape> {
        let rows = owner.query(select, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5), row.get(6))).collect()
    };
    let before = shape().await;
    assert!(before.iter().any(|row| row.1.as_deref() == Some("{fillfactor=60,autovacuum_vacuum_scale_factor=0.05}")));
    site.rebuild_all().await;
    site.rebuild_all().await;
    assert_eq!(before, shape().await);
    let count: usize = all().iter().map(|projection| projection.tables.len()).sum();
    assert_eq!(tables(&site, "read_former").await.len(), count, "the former content of each is kept, and only the last");
    for schema in ["read_next", "read_check"] {
        assert!(tables(&site, schema).await.is_empty(), "{schema}");
    }
    for role in [Role::App, Role::Analyst, Role::Vault] {
        let client = site.database.pool(role, 1).get().await.unwrap();
        let error = client.query("SELECT FROM read_former.emails", &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role:?} enters a side room");
    }
    let projector = site.database.pool(Role::Projector, 1).get().await.unwrap();
    // What runs with more rights than the projector's reaches no further than the side rooms.
    for reach in ["SELECT ops.drop_generation('log', 'event')", "SELECT ops.make_generation('keyring', 'key', '{key}')"] {
        assert!(projector.query(reach, &[]).await.is_err(), "{reach}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_rebuild_at_once_is_refused_and_a_query_that_holds_a_table_holds_up_nobody() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(33, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(200)).await).await;
    // Somebody looks at the messages for long.
    let analyst = site.database.client().await;
    analyst.batch_execute("BEGIN; SELECT count(*) FROM read.email_tag").await.unwrap();
    let (first, _) = site.projector(2);
    let rebuilding = tokio::spawn(async move { first.rebuild(messages(), |_| {}).await });
    let (second, _) = site.projector(3);
    in_time(async { while beside(&site, messages()).await.is_empty() {} }).await;
    assert!(matches!(second.rebuild(messages(), |_| {}).await, Err(ProjectionError::Busy)));
    assert!(matches!(second.roll_back(messages(), |_| {}).await, Err(ProjectionError::NoFormer | ProjectionError::Busy)));
    assert!(matches!(second.drop_former(messages()).await, Err(ProjectionError::Busy)));
    // What is in use goes on while the new content waits for its place, and so do those who ask it.
    for _ in 0..5 {
        running.reach(site.append(story.steps(20)).await).await;
        let sender = story.emails[0].name.organization;
        assert!(!emails::page(&*site.client().await, sender, &Default::default(), 5, None).await.unwrap().rows.is_empty());
    }
    assert!(!rebuilding.is_finished());
    analyst.batch_execute("COMMIT").await.unwrap();
    in_time(rebuilding).await.unwrap().unwrap();
    assert_eq!(beside(&site, messages()).await, [Generation::Former]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_leads_to_the_former_content_brought_up_to_date() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(34, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(200)).await).await;
    let (projector, _) = site.projector(2);
    assert!(matches!(projector.roll_back(messages(), |_| {}).await, Err(ProjectionError::NoFormer)));
    projector.rebuild(messages(), |_| {}).await.unwrap();
    running.reach(site.append(story.steps(100)).await).await;
    // The new content turns out to be wrong.
    let owner = site.database.client().await;
    owner.batch_execute("UPDATE read.emails SET size_bytes = size_bytes + 1").await.unwrap();
    let wrong = site.hashes().await;
    projector.roll_back(messages(), |_| {}).await.unwrap();
    running.reach(site.append(story.steps(50)).await).await;
    let right = site.hashes().await;
    assert_ne!(wrong["emails"], right["emails"]);
    assert_eq!(beside(&site, messages()).await, [Generation::Former], "what was in use last is kept in turn");
    assert!(projector.drop_former(messages()).await.unwrap());
    assert!(!projector.drop_former(messages()).await.unwrap());
    assert!(matches!(projector.roll_back(messages(), |_| {}).await, Err(ProjectionError::NoFormer)));
    assert!(tables(&site, "read_former").await.is_empty());
    running.stop().await;
    site.rebuild_all().await;
    assert_eq!(right, site.hashes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_of_an_older_version_is_shown_as_it_stands_until_the_new_one_takes_its_place() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(35, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(200)).await).await;
    running.stop().await;
    let owner = site.database.client().await;
    // As an older program left it: with a mark that its version made.
    owner.batch_execute("UPDATE ops.bookmark SET version = 0; UPDATE read.emails SET size_bytes = 77").await.unwrap();
    let old = site.hashes().await;
    // The new content is filled, but cannot take its place yet.
    owner.batch_execute("BEGIN; SELECT count(*) FROM read.emails").await.unwrap();
    let running = site.start(2);
    let position = site.append(story.steps(50)).await;
    in_time(async { while !beside(&site, messages()).await.contains(&Generation::Next) {} }).await;
    assert!(!in_time(running.freshness.at_least(&["emails"], position, Duration::from_secs(10))).await, "what it shows is old");
    assert_eq!(old["emails"], site.hashes().await["emails"], "and whole");
    owner.batch_execute("COMMIT").await.unwrap();
    running.reach(position).await;
    assert_ne!(old["emails"], site.hashes().await["emails"]);
    // This program does not go back to what the older one made: it would only replace it again.
    let (projector, _) = site.projector(3);
    assert!(matches!(projector.roll_back(messages(), |_| {}).await, Err(ProjectionError::OtherVersion { found: 0, known: 1 })));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_leaves_newer_content_alone_and_can_lead_the_way_back() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(36, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(200)).await).await;
    let (projector, _) = site.projector(2);
    projector.rebuild(messages(), |_| {}).await.unwrap();
    running.stop().await;
    // As if the program that made it anew had been a newer one.
    let owner = site.database.client().await;
    owner.batch_execute("UPDATE ops.bookmark SET version = 2 WHERE reader = 'emails'").await.unwrap();
    let refused = projector.rebuild(messages(), |_| {}).await;
    assert!(matches!(refused, Err(ProjectionError::OtherVersion { found: 2, known: 1 })), "{refused:?}");
    assert!(matches!(projector.verify(messages(), |_| {}).await, Err(ProjectionError::OtherVersion { .. })));
    assert_eq!(beside(&site, messages()).await, [Generation::Former], "nothing was lost by trying");
    let running = site.start(3);
    let position = site.append(story.steps(50)).await;
    assert!(!in_time(running.freshness.at_least(&["emails"], position, Duration::from_secs(10))).await);
    projector.roll_back(messages(), |_| {}).await.unwrap();
    running.reach(position).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_filled_before_a_migration_is_of_no_use_after_it() {
    let mut site = Site::open().await;
    site.let_time_run();
    let running = site.start(1);
    running.reach(site.append(Story::new(37, START).steps(300)).await).await;
    running.stop().await;
    let (projector, _) = site.projector(2);
    // A rebuild that ends in the middle.
    let mut begun = Box::pin(projector.rebuild(messages(), |_| {}));
    in_time(async {
        while tables(&site, "read_next").await.is_empty() {
            assert!(futures::poll!(&mut begun).is_pending());
        }
    })
    .await;
    drop(begun);
    let owner = site.database.client().await;
    owner.batch_execute("ALTER TABLE read.emails ADD COLUMN later integer; UPDATE ops.bookmark SET lease_expires_at_us = 0").await.unwrap();
    projector.rebuild(messages(), |_| {}).await.unwrap();
    owner.query("SELECT later FROM read.emails", &[]).await.unwrap();
    owner.batch_execute("ALTER TABLE read.emails ADD COLUMN still_later integer").await.unwrap();
    assert!(matches!(projector.roll_back(messages(), |_| {}).await, Err(ProjectionError::ShapeChanged)));
    assert_eq!(beside(&site, messages()).await, [Generation::Former]);
}
