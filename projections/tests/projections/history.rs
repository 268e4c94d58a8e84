//! Every action: who, what, when, from where.

use crate::story::Story;
use crate::support::{START, Site};
use domain::{Actor, Category, Position, RecordedEvent, UserId};
use projections::{HistoryOrigin, HistoryRange, HistoryRow, Page, account_history};

async fn walk(mut page: impl AsyncFnMut(Option<Position>) -> Page<HistoryRow>) -> Vec<HistoryRow> {
    let (mut rows, mut before) = (Vec::new(), None);
    loop {
        let next = page(before).await;
        before = next.rows.last().map(|row| row.position);
        rows.extend(next.rows);
        if !next.has_next {
            return rows;
        }
    }
}

fn is_action(event: &RecordedEvent) -> bool {
    let by_hand = !matches!(event.header.actor, Actor::System(_));
    match event.header.stream.category {
        Category::Email => by_hand && ["EmailQueued", "EmailCancelled"].contains(&&*event.header.event_type),
        Category::Evidence => event.header.event_type != "CheckpointsRecorded",
        _ => true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_2_every_action_has_exactly_one_row_with_who_what_when_and_where_from() {
    let site = Site::open().await;
    let mut story = Story::new(20, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(600)).await).await;
    let client = site.client().await;
    let log = site.store.read_all(Position::START, 100_000).await.unwrap();
    let organization = story.organizations[0].name.organization;
    let rows = walk(async |before| {
        account_history::of_organization(&client, organization, 50, HistoryRange { before, until: None }).await.unwrap()
    })
    .await;
    let known: Vec<_> = log.iter().rev().filter(|event| event.header.organization == organization && is_action(event)).collect();
    assert_eq!(rows.len(), known.len());
    assert!(rows.len() > 20);
    for (row, event) in rows.iter().zip(known) {
        assert_eq!(
            (row.position, row.event_id, &*row.event_type, row.occurred_at, row.actor, row.stream),
            (
                event.position,
                event.header.event_id,
                &*event.header.event_type,
                event.header.occurred_at,
                event.header.actor,
                event.header.stream
            )
        );
        let facts: serde_json::Value = serde_json::from_slice(&event.facts).unwrap();
        let slot = |name: &str| facts[name].as_u64().map(|slot| u16::try_from(slot).unwrap());
        match &row.origin {
            HistoryOrigin::Request(sealed) => {
                assert_eq!((Some(sealed.context.slot), &sealed.context.event_type), (slot("origin"), &event.header.event_type));
                assert_eq!(Some(&sealed.content), event.slots.get(sealed.context.slot));
            }
            HistoryOrigin::Sender(sealed) => {
                assert_eq!(Some(sealed.context.slot), slot("sender"));
                assert_eq!(Some(&sealed.content), event.slots.get(sealed.context.slot));
            }
            HistoryOrigin::Unstated => assert_eq!((slot("origin"), slot("sender")), (None, None)),
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_the_own_actions_in_every_organisation() {
    let site = Site::open().await;
    let mut story = Story::new(21, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(600)).await).await;
    let client = site.client().await;
    let user = UserId(story.users[0].name.id);
    let rows = walk(async |before| account_history::of_user(&client, user, 50, HistoryRange { before, until: None }).await.unwrap()).await;
    let log = site.store.read_all(Position::START, 100_000).await.unwrap();
    let own = |event: &&RecordedEvent| match event.header.stream.category {
        Category::User => event.header.stream.id == user.0,
        _ => event.header.actor == Actor::Member(user),
    };
    let known = log.iter().filter(own).filter(|event| is_action(event));
    assert_eq!(rows.len(), known.count());
    assert!(rows.iter().any(|row| row.event_type == "UserSignedUp"));
    running.stop().await;
}
