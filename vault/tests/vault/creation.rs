//! Many who want the same keys at once.

use crate::support::{World, organization, person};
use domain::{Class, KeyId, SmtpServerId};
use std::collections::HashSet;
use uuid::Uuid;
use vault::{KeyName, Subject};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_in_two_processes_get_one_key_for_a_name() {
    let world = World::new().await;
    let other = world.another_vault().await;
    let organization = organization();
    let names: Vec<KeyName> = (0..50).map(|_| person(organization)).collect();
    let tasks = (0..24).map(|n| {
        let (vault, mut names) = (if n % 2 == 0 { world.vault.clone() } else { other.clone() }, names.clone());
        tokio::spawn(async move {
            if n % 3 == 0 {
                names.reverse();
            }
            let mut keys = vault.keys(&names).await.unwrap();
            if n % 3 == 0 {
                keys.reverse();
            }
            keys
        })
    });
    let mut answers: HashSet<Vec<KeyId>> = HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.insert(task.await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(answers.into_iter().next().unwrap().into_iter().collect::<HashSet<_>>().len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_in_two_processes_get_one_key_for_an_address() {
    let world = World::new().await;
    let other = world.another_vault().await;
    let organization = organization();
    let addresses: Vec<String> = (0..300).map(|n| format!("person{n}@example.org")).collect();
    let tasks = (0..24).map(|n| {
        let (vault, addresses) = (if n % 2 == 0 { world.vault.clone() } else { other.clone() }, addresses.clone());
        tokio::spawn(async move {
            // Every caller another, overlapping part, with everything twice.
            let part: Vec<&str> = addresses.iter().cycle().skip(n * 12).take(150).map(String::as_str).collect();
            let doubled = [part.as_slice(), part.as_slice()].concat();
            let keys = vault.recipient_keys(organization, Class::Ops, &doubled).await.unwrap();
            doubled.into_iter().map(str::to_owned).zip(keys).collect::<HashSet<_>>()
        })
    });
    let mut answers: HashSet<(String, KeyId)> = HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.extend(task.await.unwrap());
    }
    assert_eq!(answers.len(), 300, "one key for each address");
    assert_eq!(answers.iter().map(|(_, key)| key).collect::<HashSet<_>>().len(), 300, "one address for each key");
    let row = world.database.client().await.query_one("SELECT count(*) FROM keyring.key WHERE kind = 1", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 300, "no key that nothing leads to");
}

#[tokio::test]
async fn every_part_of_a_name_makes_another_key() {
    let world = World::new().await;
    let (one, two) = (organization(), organization());
    let server = SmtpServerId(Uuid::new_v4());
    let mut names = vec![person(one), KeyName { organization: two, ..person(one) }];
    names.push(KeyName { class: Class::Id, ..names[0] });
    for secret_version in [1, 2] {
        names.push(KeyName { organization: one, subject: Subject::SmtpServer { id: server, secret_version }, class: Class::Id });
    }
    for subject in [Subject::Organization, Subject::LookupKey, Subject::SuppressionKey, Subject::TokenKey, Subject::SessionKey] {
        names.push(KeyName { organization: one, subject, class: Class::Id });
    }
    names.push(KeyName { organization: one, subject: Subject::Requester(server.0), class: Class::Case });
    assert!(world.vault.find_keys(&names).await.unwrap().iter().all(Option::is_none));
    let keys = world.vault.keys(&names).await.unwrap();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), names.len());
    let other = world.another_vault().await;
    assert_eq!(other.find_keys(&names).await.unwrap(), keys.iter().map(|key| Some(*key)).collect::<Vec<_>>());
    for (name, key) in names.iter().zip(&keys) {
        assert_eq!(other.subject_of(*key).await.unwrap(), Some((name.organization, name.subject)));
    }
}
