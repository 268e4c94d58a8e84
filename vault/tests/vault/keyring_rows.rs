//! What a stolen or changed database gives away.

use crate::oracle::Oracle;
use crate::support::{Place, World, organization};
use domain::{Class, KeyId, Purpose};
use test_support::Role;
use vault::VaultError;

#[tokio::test]
async fn m6_2_exchanged_rows_and_changed_columns_do_not_unwrap() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let other = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "x").await;
    let client = world.database.client().await;
    client
        .batch_execute("CREATE TABLE public.saved AS TABLE keyring.key; CREATE TABLE public.saved_bucket AS TABLE keyring.bucket")
        .await
        .unwrap();
    let id = key.0;
    let changes = [
        format!("UPDATE keyring.key k SET wrapped = s.wrapped FROM public.saved s WHERE k.id = '{id}' AND s.id = '{}'", other.0),
        format!(
            "UPDATE keyring.key SET id = gen_random_uuid() WHERE id = '{id}'; UPDATE keyring.key SET id = '{id}' WHERE id = '{}'",
            other.0
        ),
        format!("UPDATE keyring.key SET organization = gen_random_uuid() WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET kind = 8 WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET kind = 99 WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET subject = gen_random_uuid() WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET kind = 3, generation = 1 WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET class = 1 WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET epoch = 2 WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET wrapped = '' WHERE id = '{id}'"),
        format!("UPDATE keyring.key SET wrapped = set_byte(wrapped, 1, 2) WHERE id = '{id}'"),
        "UPDATE keyring.bucket SET id = gen_random_uuid()".into(),
        "UPDATE keyring.bucket SET organization = gen_random_uuid()".into(),
        "UPDATE keyring.bucket SET class = 4".into(),
        "UPDATE keyring.bucket SET bucket = bucket + 1".into(),
        "UPDATE keyring.bucket SET wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20))".into(),
        format!("UPDATE keyring.bucket SET wrapped = k.wrapped FROM keyring.key k WHERE k.id = '{id}'"),
    ];
    for change in changes {
        client.batch_execute(&change).await.unwrap();
        let opened = world.another_vault().await.open(Purpose::Service, &sealed).await;
        let refused = matches!(opened, Err(VaultError::RowTampered(_) | VaultError::UnknownEpoch(2) | VaultError::UnknownKey(_)));
        assert!(refused, "{change}: {opened:?}");
        client
            .batch_execute(
                "TRUNCATE keyring.key, keyring.bucket; INSERT INTO keyring.key TABLE public.saved;
                 INSERT INTO keyring.bucket TABLE public.saved_bucket",
            )
            .await
            .unwrap();
    }
    world.another_vault().await.open(Purpose::Service, &sealed).await.unwrap();
}

#[tokio::test]
async fn m6_2_no_key_and_no_address_stands_in_the_database() {
    let world = World::new().await;
    let oracle = Oracle::new(&world).await;
    let place = Place::new(organization());
    world.vault.recipient_keys(place.stream.organization, Class::Ops, &["ada.canary@example.org"]).await.unwrap();
    let key = world.person_key(place.stream.organization).await;
    world.seal_note(key, &place, "x").await;
    let client = world.database.client().await;
    let mut secrets = vec![oracle.epoch_key.clone(), b"ada.canary".to_vec()];
    for row in client.query("SELECT id FROM keyring.key", &[]).await.unwrap() {
        secrets.push(oracle.subject_key(KeyId(row.get(0))).await);
    }
    for row in client.query("SELECT id FROM keyring.bucket", &[]).await.unwrap() {
        secrets.push(oracle.bucket_key(KeyId(row.get(0))).await);
    }
    for file in world.directory.path().join("keys").read_dir().unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        secrets.push(bytes.strip_prefix(b"lmepoch1").unwrap_or(&bytes).to_vec());
    }
    secrets.retain(|secret| !secret.is_empty());
    assert!(secrets.len() >= 7);
    for table in ["epoch", "key", "bucket", "lookup", "destroyed", "fence"] {
        let rows = client.query(&format!("SELECT t::text FROM keyring.{table} t"), &[]).await.unwrap();
        let text: String = rows.iter().map(|row| row.get::<_, String>(0)).collect();
        for secret in &secrets {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.contains(&hex), "keyring.{table}");
        }
    }
}

#[tokio::test]
async fn m6_3_only_the_vaults_role_reaches_the_keyring_and_it_reaches_nothing_else() {
    let world = World::new().await;
    for role in [Role::App, Role::Projector, Role::Analyst] {
        let client = world.database.pool(role, 1).get().await.unwrap();
        for table in ["epoch", "key", "bucket", "lookup", "lookup_1", "destroyed", "fence"] {
            let refused = client.query(&format!("SELECT 1 FROM keyring.{table}"), &[]).await.unwrap_err();
            assert_eq!(refused.code().unwrap().code(), "42501", "{role:?} {table}");
        }
    }
    let vault = world.database.pool(Role::Vault, 1).get().await.unwrap();
    let superuser = world.database.client().await;
    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('log', 'read', 'spool', 'ops')";
    for row in superuser.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let refused = vault.query(&format!("SELECT 1 FROM {table}"), &[]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{table}");
    }
    for forbidden in ["DELETE FROM keyring.destroyed", "DELETE FROM keyring.bucket", "DELETE FROM keyring.epoch", "TRUNCATE keyring.key"] {
        assert_eq!(vault.batch_execute(forbidden).await.unwrap_err().code().unwrap().code(), "42501", "{forbidden}");
    }
}
