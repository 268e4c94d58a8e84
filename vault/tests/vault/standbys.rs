//! An old key is not destroyed while somebody has copies that only it opens, and could become the primary.

use crate::rotation::at_once;
use crate::support::{NOON, config, organization};
use domain::{Class, ManualClock};
use test_support::{ReplicatedPair, TestDatabase};
use vault::{Obstacle, Rotation, RotationStep, Vault};

async fn standby_of(database: &TestDatabase) -> tokio_postgres::Client {
    let (_, hosts) = database.url.split_once(',').unwrap();
    let (host, rest) = hosts.split_once('/').unwrap();
    let name = rest.split('?').next().unwrap();
    let (client, connection) = tokio_postgres::connect(&format!("postgresql://tester@{host}/{name}"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn until_it_stops(rotation: &Rotation) -> RotationStep {
    loop {
        let step = rotation.step(&at_once()).await.unwrap();
        if matches!(step, RotationStep::Waiting { .. } | RotationStep::Destroyed { .. }) {
            return step;
        }
    }
}

#[tokio::test]
async fn an_old_key_waits_for_a_standby_that_is_behind_and_for_a_slot_that_nobody_reads() {
    let pair = ReplicatedPair::start().await;
    let database = pair.database().await;
    let (directory, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(NOON));
    let vault = Vault::start(config(&database, &directory, &clock)).await.unwrap();
    let org = organization();
    let keys = vault.recipient_keys(org, Class::Ops, &["ada@example.org", "bob@example.org"]).await.unwrap();
    let (client, standby) = (database.client().await, standby_of(&database).await);
    client.batch_execute("SELECT pg_create_physical_replication_slot('idle', true)").await.unwrap();
    standby.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    while standby.query_one("SELECT pg_get_wal_replay_pause_state()", &[]).await.unwrap().get::<_, &str>(0) != "paused" {}
    vault.destroy(&keys[1..]).await.unwrap();
    let rotation = vault.take_rotation().await.unwrap().unwrap();
    let (behind, slot) = (Obstacle::StandbyBehind("walreceiver".into()), Obstacle::SlotBehind("idle".into()));
    assert_eq!(until_it_stops(&rotation).await, RotationStep::Waiting { epoch: 1, obstacles: vec![behind.clone(), slot] });
    client.batch_execute("SELECT pg_drop_replication_slot('idle')").await.unwrap();
    assert_eq!(until_it_stops(&rotation).await, RotationStep::Waiting { epoch: 1, obstacles: vec![behind] });
    let behind: i64 = standby.query_one("SELECT count(*) FROM keyring.key WHERE epoch = 1", &[]).await.unwrap().get(0);
    assert!(behind > 0, "promoted now, it would need the old key");
    standby.batch_execute("SELECT pg_wal_replay_resume()").await.unwrap();
    while until_it_stops(&rotation).await != (RotationStep::Destroyed { epoch: 1 }) {}
    let rows = "SELECT count(*) FROM keyring.key WHERE epoch <> 2 OR id = $1";
    assert_eq!(standby.query_one(rows, &[&keys[1].0]).await.unwrap().get::<_, i64>(0), 0);
}
