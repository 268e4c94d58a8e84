//! People by their addresses.

use crate::support::{DAY, World, organization};
use domain::{Class, OrganizationId, SubjectId};
use uuid::Uuid;
use vault::{Registered, Subject};

#[tokio::test]
async fn an_address_leads_to_its_key_in_its_organisation_and_class_only() {
    let world = World::new().await;
    let (one, two) = (organization(), organization());
    let key = world.vault.recipient_keys(one, Class::Ops, &["ada@example.org"]).await.unwrap()[0];
    let other = world.another_vault().await;
    assert_eq!(other.find_recipient(one, Class::Ops, "ada@example.org").await.unwrap(), Some(key));
    assert_eq!(other.find_recipient(two, Class::Ops, "ada@example.org").await.unwrap(), None);
    assert_eq!(other.find_recipient(one, Class::Id, "ada@example.org").await.unwrap(), None);
    assert_eq!(other.find_recipient(one, Class::Suppress, "ada@example.org").await.unwrap(), None);
    assert_eq!(other.find_recipient(one, Class::Ops, "bob@example.org").await.unwrap(), None);
    assert_eq!(other.recipient_keys(one, Class::Ops, &["ada@example.org"]).await.unwrap(), [key]);
}

#[tokio::test]
async fn a_suppression_made_elsewhere_is_seen_at_once() {
    let world = World::new().await;
    let organization = organization();
    let other = world.another_vault().await;
    let addresses = ["ada@example.org", "bob@example.org", "cy@example.org"];
    assert_eq!(other.find_recipients(organization, Class::Suppress, &addresses).await.unwrap(), [None; 3]);
    let key = world.vault.recipient_keys(organization, Class::Suppress, &addresses[1..2]).await.unwrap()[0];
    assert_eq!(other.find_recipients(organization, Class::Suppress, &addresses).await.unwrap(), [None, Some(key), None]);
}

#[tokio::test]
async fn suppressions_and_recipients_cannot_be_matched_in_the_table() {
    let world = World::new().await;
    let organization = organization();
    for class in [Class::Ops, Class::Id, Class::Suppress] {
        world.vault.recipient_keys(organization, class, &["ada@example.org"]).await.unwrap();
    }
    let rows = world.database.client().await.query("SELECT DISTINCT value FROM keyring.lookup", &[]).await.unwrap();
    assert_eq!(rows.len(), 2);
    let listed = world.vault.subject_keys_of(organization, "ada@example.org").await.unwrap();
    assert_eq!(listed.iter().map(|key| (key.class, key.epoch)).collect::<Vec<_>>(), [(Class::Id, 1), (Class::Ops, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_registered_for_one_person() {
    let world = World::new().await;
    let other = world.another_vault().await;
    let people: Vec<SubjectId> = (0..16).map(|_| SubjectId(Uuid::now_v7())).collect();
    let tasks = people.iter().enumerate().map(|(n, person)| {
        let (vault, person) = (if n % 2 == 0 { world.vault.clone() } else { other.clone() }, *person);
        tokio::spawn(async move { vault.register_person(OrganizationId::PLATFORM, Class::Id, person, "ada@example.org").await.unwrap() })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    let winners: Vec<usize> = (0..16).filter(|n| matches!(answers[*n], Registered::Created(_))).collect();
    assert_eq!(winners.len(), 1);
    let winner = people[winners[0]];
    let Registered::Created(key) = answers[winners[0]] else { unreachable!() };
    assert!(answers.iter().all(|answer| matches!(answer, Registered::Created(id) | Registered::Taken(id) if *id == key)));
    assert_eq!(world.vault.subject_of(key).await.unwrap(), Some((OrganizationId::PLATFORM, Subject::Person(winner))));
    let again = other.register_person(OrganizationId::PLATFORM, Class::Id, winner, "ada@example.org").await.unwrap();
    assert_eq!(again, Registered::Created(key), "a repeated sign-up finds its own registration");
}

#[tokio::test]
async fn the_look_up_does_not_end_with_a_lease_or_a_day() {
    let world = World::new().await;
    let organization = organization();
    let key = world.vault.recipient_keys(organization, Class::Ops, &["ada@example.org"]).await.unwrap();
    world.clock.advance(DAY * 400);
    assert_eq!(world.vault.recipient_keys(organization, Class::Ops, &["ada@example.org"]).await.unwrap(), key);
}
