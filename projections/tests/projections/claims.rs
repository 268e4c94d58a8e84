//! Work is handed out once.

use crate::story::Story;
use crate::support::{START, Site};
use deadpool_postgres::Client;
use domain::{EmailId, SmtpServerId, Timestamp, Transport};
use projections::ClaimedDelivery;
use projections::delivery_queue::{self, Room, Round};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

const LATER: Timestamp = Timestamp::from_micros(i64::MAX / 2);

fn due(story: &Story, now: Timestamp) -> BTreeSet<EmailId> {
    let due = story.emails.iter().filter(|email| email.state.delivery.due_at.is_some_and(|due| due <= now));
    due.map(|email| EmailId(email.name.id)).collect()
}

fn room(messages: usize) -> Room<'static> {
    Room { messages, per_server: messages, busy: &[] }
}

async fn claim(client: &Client, token: u128, now: Timestamp, room: &Room<'_>) -> Vec<ClaimedDelivery> {
    let until = now + Duration::from_secs(60);
    delivery_queue::claim(client, Uuid::from_u128(token), now, until, room, &mut Round::default()).await.unwrap()
}

fn ids(claimed: &[ClaimedDelivery]) -> BTreeSet<EmailId> {
    claimed.iter().map(|claimed| claimed.email).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_claim_at_once_never_get_the_same_delivery() {
    let site = Site::open().await;
    let mut story = Story::new(14, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(1_500)).await).await;
    let process = |token: u128| {
        let (app, now) = (site.app.clone(), story.now);
        tokio::spawn(async move {
            let client = app.get().await.unwrap();
            let mut all = Vec::new();
            loop {
                let claimed = claim(&client, token, now, &room(7)).await;
                if claimed.is_empty() {
                    return all;
                }
                all.extend(claimed);
            }
        })
    };
    let tasks = [process(1), process(2), process(3)];
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    // A process gives up when others win several times in a row; what is left then is still to be had.
    let client = site.client().await;
    all.extend(claim(&client, 4, story.now, &room(10_000)).await);
    assert_eq!(ids(&all).len(), all.len(), "nothing was handed out twice");
    assert_eq!(ids(&all), due(&story, story.now));
    assert!(all.len() > 50);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_holds_until_it_expires_or_is_released() {
    let site = Site::open().await;
    let mut story = Story::new(15, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(300)).await).await;
    let client = site.client().await;
    let (one, two, now) = (Uuid::from_u128(1), Uuid::from_u128(2), LATER);
    let second = Duration::from_secs(1);
    let claim = async |token: Uuid, now: Timestamp| claim(&client, token.as_u128(), now, &room(10_000)).await;
    let first = claim(one, now).await;
    assert_eq!(ids(&first), due(&story, now));
    assert!(claim(two, now + second * 59).await.is_empty(), "the lease holds");
    let held: Vec<EmailId> = first.iter().map(|claimed| claimed.email).collect();
    delivery_queue::renew(&client, &held, one, now + second * 120).await.unwrap();
    assert!(claim(two, now + second * 119).await.is_empty(), "and holds longer when it is renewed");
    delivery_queue::release(&client, first[0].email, two).await.unwrap();
    assert!(claim(two, now + second * 119).await.is_empty(), "nobody releases what another holds");
    delivery_queue::release(&client, first[0].email, one).await.unwrap();
    assert_eq!(ids(&claim(two, now + second * 119).await), BTreeSet::from([first[0].email]));
    let rest = claim(two, now + second * 120).await;
    assert_eq!(rest.len(), first.len() - 1, "an expired lease belongs to a process that died");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_gets_its_turn_and_a_busy_one_is_passed_over() {
    let site = Site::open().await;
    let client = site.database.client().await;
    // Three messages each for more servers than one claim looks at, one of them with a long queue.
    let fill = "INSERT INTO read.delivery_queue (organization, email, due_at_us, smtp_server)
        SELECT gen_random_uuid(), gen_random_uuid(), 1, lpad(to_hex(server), 32, '0')::uuid
        FROM generate_series(1, 600) server, generate_series(1, CASE server WHEN 7 THEN 500 ELSE 3 END) message";
    client.batch_execute(fill).await.unwrap();
    let app = site.client().await;
    let slow = SmtpServerId(Uuid::from_u128(7));
    let mut round = Round::default();
    let mut served: BTreeMap<SmtpServerId, usize> = BTreeMap::new();
    loop {
        let room = Room { messages: 100, per_server: 2, busy: &[slow] };
        let claimed =
            delivery_queue::claim(&app, Uuid::from_u128(1), LATER, LATER + Duration::from_secs(60), &room, &mut round).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        let mut at_once: BTreeMap<SmtpServerId, usize> = BTreeMap::new();
        for delivery in claimed {
            let Transport::SmtpServer(server) = delivery.transport else { panic!("nothing waits for the sandbox") };
            *served.entry(server).or_default() += 1;
            *at_once.entry(server).or_default() += 1;
        }
        assert!(at_once.values().all(|count| *count <= 2), "no server gets more than its part of one claim");
    }
    assert_eq!(served.len(), 599);
    assert!(!served.contains_key(&slow) && served.values().all(|count| *count == 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_open_messages_of_a_person_are_found_by_the_person_s_key() {
    let site = Site::open().await;
    let mut story = Story::new(16, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(1_500)).await).await;
    let client = site.client().await;
    let (organization, key) = (story.organizations[0].name.organization, story.recipient_keys[0]);
    let found = delivery_queue::of_recipient(&client, organization, &[key]).await.unwrap();
    let open = story.emails.iter().filter(|email| email.name.organization == organization && email.state.delivery.due_at.is_some());
    let to_them = open.filter(|email| email.state.queued.as_ref().unwrap().recipients.iter().any(|recipient| recipient.key == Some(key)));
    let known: BTreeSet<EmailId> = to_them.map(|email| EmailId(email.name.id)).collect();
    assert!(!known.is_empty());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), known);
    running.stop().await;
}
