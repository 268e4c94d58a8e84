//! Which index a filtered read goes by, whatever the plan is made from.

use crate::support::{position_of, start};
use domain::{Category, OrganizationId};
use event_store::{EventStore, Filter, LOG_END};
use test_support::{Role, TestDatabase};

/// 20,000 events of 100 organisations, one in ten of them no message's.
const FILL: &str =
    "INSERT INTO log.event SELECT n, 0, now(), now(), lpad((n % 100)::text, 32, '0')::uuid, gen_random_uuid(), gen_random_uuid(),
        CASE WHEN n / 100 % 10 = 0 THEN 1 + n / 1000 % 4 ELSE 5 END, 'Something', '', '', '', '' FROM generate_series(1, 20000) n;
    ANALYZE log.event";

/// As the program's own pool plans, without a look at the values, and as any other does.
const SETTINGS: [&str; 3] = [
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan",
    "SET plan_cache_mode = force_generic_plan",
    "SET plan_cache_mode = force_custom_plan",
];

#[tokio::test]
async fn what_happened_to_an_organisation_is_found_by_its_index_and_everything_else_by_position() {
    let database = TestDatabase::create().await;
    database.client().await.batch_execute(FILL).await.unwrap();
    let one_of = Filter {
        organization: Some(OrganizationId(uuid::Uuid::from_u128(7))),
        ..Filter::categories(&[Category::Organization, Category::ApiKey])
    };
    let typed = Filter { event_types: vec!["Something".to_owned()], ..one_of.clone() };
    let tail = Filter::categories(&[Category::Organization, Category::ApiKey]);
    for settings in SETTINGS {
        for (filter, index, values) in [
            (&one_of, "organization_category_position_idx", format!("'{}'", uuid::Uuid::from_u128(7))),
            (&typed, "organization_category_position_idx", format!("'{}', '{{Something}}'", uuid::Uuid::from_u128(7))),
            (&tail, "pkey", String::new()),
        ] {
            for plan in plans(&database, settings, filter, &values).await {
                assert!(
                    plan.contains(&format!("event_000000_{index}")) && !plan.contains("Seq Scan on event_000000"),
                    "{settings}\n{plan}"
                );
            }
        }
    }
}

/// The plans of reading forwards and backwards.
async fn plans(database: &TestDatabase, settings: &str, filter: &Filter, values: &str) -> [String; 2] {
    let pool = database.pool(Role::App, 1);
    pool.get().await.unwrap().batch_execute(settings).await.unwrap();
    let store = EventStore::Postgres(start(&database.url, pool.clone()).await);
    // What stands there are no events; only the statements matter.
    let _ = store.read_matching(position_of(19_990), 0, filter).await;
    let _ = store.read_backwards(LOG_END, 0, filter).await;
    store.shutdown().await;
    let client = pool.get().await.unwrap();
    let mut plans = Vec::new();
    let prepared = "SELECT name FROM pg_prepared_statements WHERE statement ~ '^.?SELECT e[.]' ORDER BY prepare_time";
    for row in client.query(prepared, &[]).await.unwrap() {
        let explain =
            format!("EXPLAIN EXECUTE {}(19000, 20000, 10{}{values})", row.get::<_, String>(0), if values.is_empty() { "" } else { ", " });
        let lines = client.query(&explain, &[]).await.unwrap();
        plans.push(lines.iter().map(|line| line.get::<_, String>(0)).collect::<Vec<_>>().join("\n"));
    }
    plans.try_into().expect("one statement for each direction")
}
