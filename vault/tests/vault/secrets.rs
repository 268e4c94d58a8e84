//! Bodies, fingerprints, passwords and tokens.

use crate::support::{DAY, World, organization};
use domain::{Clock, Personal, Purpose};
use uuid::Uuid;
use vault::{SealedBody, VaultError, token_hash, token_matches};

#[tokio::test]
async fn a_body_opens_for_its_entry_only() {
    let world = World::new().await;
    let (entry, org) = (Uuid::now_v7(), organization());
    let body = world.vault.wrap_body(entry, org, b"Dear Ada");
    assert_eq!(world.another_vault().await.open_body(Purpose::Deliver, entry, org, &body).await.unwrap().as_slice(), b"Dear Ada");
    let again = world.vault.wrap_body(entry, org, b"Dear Ada");
    let changed = |change: fn(&mut SealedBody)| {
        let mut body = body.clone();
        change(&mut body);
        body
    };
    let bad = [
        (Uuid::now_v7(), org, body.clone()),
        (entry, organization(), body.clone()),
        (entry, org, SealedBody { wrapped_key: again.wrapped_key, ..body.clone() }),
        (entry, org, changed(|body| body.ciphertext[14] ^= 1)),
        (entry, org, changed(|body| body.ciphertext.truncate(5))),
        (entry, org, changed(|body| body.wrapped_key.truncate(1))),
        (entry, org, changed(|body| body.wrapped_key[30] ^= 1)),
    ];
    for (entry, organization, body) in bad {
        assert!(matches!(world.vault.open_body(Purpose::Deliver, entry, organization, &body).await, Err(VaultError::BodyRefused)));
    }
    let unknown = world.vault.open_body(Purpose::Deliver, entry, org, &changed(|body| body.epoch = 2)).await;
    assert!(matches!(unknown, Err(VaultError::UnknownEpoch(2))));
}

#[tokio::test]
async fn fingerprints_are_equal_for_equal_data_within_a_day_and_context() {
    let world = World::new().await;
    let (org, day) = (organization(), world.clock.now().day());
    let one = world.vault.fingerprint(org, day, "tag", &[b"ab", b"c"]).await.unwrap();
    assert_eq!(world.another_vault().await.fingerprint(org, day, "tag", &[b"ab", b"c"]).await.unwrap(), one);
    assert_ne!(world.vault.fingerprint(org, day, "tag", &[b"a", b"bc"]).await.unwrap(), one);
    assert_ne!(world.vault.fingerprint(org, day, "rate", &[b"ab", b"c"]).await.unwrap(), one);
    assert_ne!(world.vault.fingerprint(org, day.previous(), "tag", &[b"ab", b"c"]).await.unwrap(), one);
    assert_ne!(world.vault.fingerprint(organization(), day, "tag", &[b"ab", b"c"]).await.unwrap(), one);
    world.clock.advance(DAY * 3);
    let (today, days) = (world.clock.now().day(), [world.clock.now().day(), day]);
    assert_eq!(world.vault.existing_fingerprints(org, &days, "tag", &[b"ab", b"c"]).await.unwrap(), [None, Some(one)]);
    assert!(matches!(world.vault.fingerprint(org, today.previous().previous(), "tag", &[]).await, Err(VaultError::BucketNotCurrent)));
}

#[tokio::test]
async fn passwords_are_argon2id_with_a_salt_each() {
    let world = World::new().await;
    let password = || Personal::new("correct horse".to_owned());
    let one = world.vault.hash_password(password()).await.unwrap();
    let two = world.vault.hash_password(password()).await.unwrap();
    assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(one, two);
    assert!(world.vault.verify_password(password(), Some(one.clone())).await.unwrap());
    assert!(!world.vault.verify_password(Personal::new("wrong".into()), Some(one)).await.unwrap());
    assert!(!world.vault.verify_password(Personal::new("nobody".into()), None).await.unwrap());
    let malformed = world.vault.verify_password(password(), Some(Personal::new("$argon2id$".into()))).await;
    assert!(matches!(malformed, Err(VaultError::PasswordHashMalformed)));
}

#[tokio::test]
async fn a_token_is_known_by_its_hash() {
    let world = World::new().await;
    let (one, two) = (world.vault.new_token(), world.vault.new_token());
    assert_eq!(one.secret.len(), 43);
    assert_ne!(*one.secret, *two.secret);
    assert_eq!(token_hash(&one.secret), one.hash);
    assert!(token_matches(&one.secret, &one.hash));
    assert!(!token_matches(&one.secret, &two.hash));
}
