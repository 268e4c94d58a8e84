//! What lies on the disk after a key and its epoch are destroyed.

use crate::oracle::Oracle;
use crate::rotation::rotate;
use crate::support::{World, organization};
use domain::{Class, KeyId};
use std::path::{Path, PathBuf};

/// A wrapped key as PostgreSQL stores it: behind its length (62 bytes and the length's own, in one byte), it begins with version and algorithm.
const WRAPPED: [u8; 3] = [63 << 1 | 1, 1, 1];
const LENGTH: usize = 62;

/// The database's own files, the write-ahead log and the key directory.
async fn places(world: &World) -> Vec<PathBuf> {
    let select = "SELECT current_setting('data_directory'), (SELECT oid::int8 FROM pg_database WHERE datname = current_database())";
    let row = world.database.client().await.query_one(select, &[]).await.unwrap();
    let data = Path::new(row.get::<_, &str>(0)).to_owned();
    vec![data.join(format!("base/{}", row.get::<_, i64>(1))), data.join("pg_wal"), world.directory.path().join("keys")]
}

/// Whatever has the form of a wrapped key in these directories. Other tests write and remove files there meanwhile.
fn candidates(places: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut waiting: Vec<PathBuf> = places.to_vec();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if let Ok(entries) = std::fs::read_dir(&path) {
            waiting.extend(entries.map_while(Result::ok).map(|entry| entry.path()));
        } else if let Ok(file) = std::fs::read(&path) {
            let starts = memchr::memmem::find_iter(&file, &WRAPPED).map(|start| start + 1);
            found.extend(starts.filter_map(|start| file.get(start..start + LENGTH)).map(<[u8]>::to_vec));
        }
    }
    found
}

async fn wrapped(world: &World, key: KeyId) -> Vec<u8> {
    world.database.client().await.query_one("SELECT wrapped FROM keyring.key WHERE id = $1", &[&key.0]).await.unwrap().get(0)
}

#[tokio::test]
async fn m4_2_no_wrapped_key_is_left_on_the_disk_that_a_living_key_opens() {
    let world = World::new().await;
    let keys = world.vault.recipient_keys(organization(), Class::Ops, &["ada@example.org", "bob@example.org"]).await.unwrap();
    let before = Oracle::new(&world).await;
    let (of_ada, of_bob) = (before.subject_columns(keys[0]).await, before.subject_columns(keys[1]).await);
    // Ada's key is wrapped under two epochs, one after the other, before she is forgotten.
    let first = wrapped(&world, keys[0]).await;
    rotate(&world.vault).await;
    let second = wrapped(&world, keys[0]).await;
    world.vault.destroy(&keys[..1]).await.unwrap();
    let client = world.database.client().await;
    client.batch_execute("CHECKPOINT").await.unwrap();
    let opened = |oracle: &Oracle, columns: &[u8], candidates: &[Vec<u8>]| {
        candidates.iter().filter(|candidate| (1..=3).any(|epoch| oracle.unwrap(columns, epoch, candidate).is_some())).count()
    };
    let (living, found) = (Oracle::new(&world).await, candidates(&places(&world).await));
    assert!(found.contains(&first) && found.contains(&second), "deleting a row leaves what it held on the disk");
    assert!(opened(&living, &of_ada, &found) > 0, "and the living epoch's key opens it still");
    rotate(&world.vault).await;
    client.batch_execute("CHECKPOINT").await.unwrap();
    let (living, found) = (Oracle::new(&world).await, candidates(&places(&world).await));
    assert!(found.contains(&second), "it still lies there");
    assert_eq!(opened(&living, &of_ada, &found), 0, "and nothing opens it any more");
    assert!(opened(&living, &of_bob, &found) > 0, "while the scan finds what lives");
}
