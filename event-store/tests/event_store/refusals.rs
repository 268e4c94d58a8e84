//! Events are only ever appended: everybody is refused anything else, by role or by trigger.

use crate::support::{append, events, open, stream};
use event_store::{EventStore, ExpectedVersion};
use test_support::{Role, TestDatabase};
use tokio_postgres::error::SqlState;

const CHANGES: [&str; 8] = [
    "UPDATE log.event SET facts = ''",
    "DELETE FROM log.event",
    "TRUNCATE log.event",
    "UPDATE log.event_000000 SET salt = ''",
    "DELETE FROM log.event_000000",
    "TRUNCATE log.event_000000",
    "DELETE FROM log.stream",
    "TRUNCATE log.stream",
];

async fn log_with_events() -> TestDatabase {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    store.append(append(stream(), ExpectedVersion::NoStream, events(2))).await.unwrap();
    store.shutdown().await;
    database
}

#[tokio::test]
async fn even_a_superuser_cannot_change_or_delete_events() {
    let client = log_with_events().await.client().await;
    for settings in ["", "SET session_replication_role = replica"] {
        client.batch_execute(settings).await.unwrap();
        for change in CHANGES {
            let refusal = client.batch_execute(change).await.expect_err(change);
            assert_eq!(refusal.code(), Some(&SqlState::RESTRICT_VIOLATION), "{change}");
        }
    }
    let count: i64 = client.query_one("SELECT count(*) FROM log.event", &[]).await.unwrap().get(0);
    assert_eq!(count, 2);
}

#[tokio::test]
async fn a_partition_made_later_refuses_as_well() {
    let client = log_with_events().await.client().await;
    client
        .batch_execute("SET ROLE lethemail_app; SELECT log.ensure_partition(70000000), log.ensure_partition(70000000); RESET ROLE")
        .await
        .unwrap();
    let copy = "INSERT INTO log.event SELECT 70000000 + position, version, occurred_at, recorded_at, organization, stream_id, event_id, category, event_type,
        header, facts, sealed, salt FROM log.event";
    client.batch_execute(copy).await.unwrap();
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for change in ["UPDATE log.event_000007 SET facts = ''", "DELETE FROM log.event_000007", "TRUNCATE log.event_000007"] {
        let refusal = client.batch_execute(change).await.expect_err(change);
        assert_eq!(refusal.code(), Some(&SqlState::RESTRICT_VIOLATION), "{change}");
    }
}

#[tokio::test]
async fn no_role_may_do_more_to_the_log_than_it_needs() {
    let database = log_with_events().await;
    let insert_stream = "INSERT INTO log.stream SELECT * FROM log.stream LIMIT 0";
    let insert_event = "INSERT INTO log.event SELECT * FROM log.event LIMIT 0";
    let read = "SELECT count(*) FROM log.event";
    let app = database.pool(Role::App, 1).get().await.unwrap();
    for allowed in [read, insert_event, insert_stream, "UPDATE log.stream SET version = version WHERE false"] {
        app.batch_execute(allowed).await.expect(allowed);
    }
    for change in CHANGES {
        let refusal = app.batch_execute(change).await.expect_err(change);
        assert_eq!(refusal.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{change}");
    }
    let projector = database.pool(Role::Projector, 1).get().await.unwrap();
    projector.batch_execute(read).await.unwrap();
    let ensure = "SELECT log.ensure_partition(1)";
    for refused in CHANGES.into_iter().chain([insert_event, insert_stream, "UPDATE log.stream SET version = 0", ensure]) {
        let refusal = projector.batch_execute(refused).await.expect_err(refused);
        assert_eq!(refusal.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{refused}");
    }
    for role in [Role::Vault, Role::Analyst] {
        let refusal = database.pool(role, 1).get().await.unwrap().batch_execute(read).await.expect_err(read);
        assert_eq!(refusal.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    }
}
