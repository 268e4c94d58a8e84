//! C16 and C17: reading the whole log, and what a filter lets through.

use crate::Log;
use crate::sample::{append, assert_ordered, events, ids, new_ids, of, put, stream_of, take};
use domain::{Category, EventId, OrganizationId, Position, RecordedEvent};
use event_store::{EventStore, ExpectedVersion, Filter, LOG_END, ReadError, SubscriptionEvent};
use uuid::Uuid;

/// Twelve events of two streams of one organisation, and strangers' events between them.
async fn twelve_events(store: &EventStore, organization: OrganizationId) -> Vec<EventId> {
    let streams = [stream_of(Category::Email, organization), stream_of(Category::User, organization)];
    let stranger = stream_of(Category::Email, OrganizationId(Uuid::new_v4()));
    let mut written = Vec::new();
    for round in 0..4 {
        let new = events(3);
        written.extend(new_ids(&new));
        store.append(append(streams[round % 2], ExpectedVersion::Any, new)).await.unwrap();
        put(store, stranger, 1).await;
    }
    written
}

pub(crate) async fn c16_the_log_is_read_forwards_from_any_position(log: Log) {
    let (store, organization) = (log.open().await, OrganizationId(Uuid::new_v4()));
    let start = store.head().await.unwrap();
    let written = twelve_events(&store, organization).await;
    let (filter, mut after, mut read) = (of(organization), start, Vec::new());
    // Page by page; a page may be short, and an empty one says that there is no more.
    loop {
        let page = store.read_matching(after, 5, &filter).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 5);
        after = last.position;
        read.extend(page);
    }
    assert_eq!(ids(&read), written);
    assert_ordered(&read);
    // Without a filter the same events stand in the same order, among others'.
    let everything = store.read_all(start, usize::MAX).await.unwrap();
    assert_ordered(&everything);
    let mine: Vec<RecordedEvent> = everything.into_iter().filter(|event| event.header.organization == organization).collect();
    assert_eq!(mine, read);
    assert!(store.read_all(start, 0).await.unwrap().is_empty());
    assert!(store.head().await.unwrap() >= read[11].position);
    assert!(store.read_matching(LOG_END, 5, &filter).await.unwrap().is_empty());
    assert_eq!(store.read_matching(Position::START, 1, &filter).await.unwrap(), read[..1]);
}

pub(crate) async fn c16_the_log_is_read_backwards_from_any_position(log: Log) {
    let (store, organization) = (log.open().await, OrganizationId(Uuid::new_v4()));
    let start = store.head().await.unwrap();
    let mut written = twelve_events(&store, organization).await;
    let filter = of(organization);
    let forwards = store.read_matching(start, usize::MAX, &filter).await.unwrap();
    let backwards = store.read_backwards(LOG_END, 12, &filter).await.unwrap();
    written.reverse();
    assert_eq!(ids(&backwards), written);
    assert_eq!(backwards.iter().rev().cloned().collect::<Vec<_>>(), forwards);
    // The event at the position itself is not among them.
    let before = store.read_backwards(forwards[7].position, 3, &filter).await.unwrap();
    assert_eq!(before, [6, 5, 4].map(|place: usize| forwards[place].clone()));
    assert!(store.read_backwards(forwards[0].position, 3, &filter).await.unwrap().is_empty());
    assert!(store.read_backwards(LOG_END, 0, &filter).await.unwrap().is_empty());
}

pub(crate) async fn c28_events_are_read_at_the_positions_asked_for(log: Log) {
    let (store, organization) = (log.open().await, OrganizationId(Uuid::new_v4()));
    let start = store.head().await.unwrap();
    twelve_events(&store, organization).await;
    let all = store.read_matching(start, usize::MAX, &of(organization)).await.unwrap();
    let wanted = [11, 0, 5, 5].map(|place: usize| all[place].clone());
    let positions = wanted.each_ref().map(|event| event.position);
    assert_eq!(store.read_at(&positions).await.unwrap(), wanted);
    assert!(store.read_at(&[]).await.unwrap().is_empty());
    let nowhere = Position { commit: all[11].position.commit + (1 << 40), prepare: all[11].position.prepare + (1 << 40) };
    assert_eq!(store.read_at(&[positions[0], nowhere]).await, Err(ReadError::Damaged { position: nowhere }));
}

struct Mixture {
    organization: OrganizationId,
    mail: EventId,
    other_type: EventId,
    user: EventId,
}

/// One event of each kind, and a stranger's of the same kinds.
async fn mixture(store: &EventStore) -> Mixture {
    let (organization, stranger) = (OrganizationId(Uuid::new_v4()), OrganizationId(Uuid::new_v4()));
    let mut written = Vec::new();
    for owner in [stranger, organization, stranger] {
        let (email, user) = (stream_of(Category::Email, owner), stream_of(Category::User, owner));
        let mut new = events(3);
        new[1].event_type = "EmailRelayed".into();
        written = new_ids(&new).into_iter().filter(|_| owner == organization).chain(written).collect();
        for (stream, event) in [email, email, user].into_iter().zip(new) {
            store.append(append(stream, ExpectedVersion::Any, vec![event])).await.unwrap();
        }
    }
    Mixture { organization, mail: written[0], other_type: written[1], user: written[2] }
}

fn expectations(mixture: &Mixture) -> Vec<(Filter, Vec<EventId>)> {
    let all = of(mixture.organization);
    let of_type = |name: &str| vec![name.to_owned()];
    vec![
        (all.clone(), vec![mixture.mail, mixture.other_type, mixture.user]),
        (Filter { categories: vec![Category::Email], ..all.clone() }, vec![mixture.mail, mixture.other_type]),
        (Filter { categories: vec![Category::Email, Category::User], ..all.clone() }, vec![mixture.mail, mixture.other_type, mixture.user]),
        (Filter { event_types: of_type("EmailRelayed"), ..all.clone() }, vec![mixture.other_type]),
        (Filter { event_types: of_type("TransmissionStarted"), ..all.clone() }, vec![mixture.mail, mixture.user]),
        (Filter { categories: vec![Category::User], event_types: of_type("TransmissionStarted"), ..all.clone() }, vec![mixture.user]),
        (Filter { categories: vec![Category::User], event_types: of_type("EmailRelayed"), ..all.clone() }, vec![]),
        // A name is compared whole.
        (Filter { event_types: of_type("Email"), ..all.clone() }, vec![]),
        (Filter { categories: vec![Category::Suppression], ..all }, vec![]),
    ]
}

pub(crate) async fn c17_a_filter_lets_through_what_it_names_and_nothing_else(log: Log) {
    let store = log.open().await;
    let start = store.head().await.unwrap();
    let mixture = mixture(&store).await;
    for (filter, wanted) in expectations(&mixture) {
        let forwards = store.read_matching(start, 100, &filter).await.unwrap();
        assert_eq!(ids(&forwards), wanted, "{filter:?}");
        let mut backwards = ids(&store.read_backwards(LOG_END, wanted.len(), &filter).await.unwrap());
        backwards.reverse();
        assert_eq!(backwards, wanted, "{filter:?}");
        // Without an organisation, strangers' events come too, and still nothing else.
        let anybody = Filter { organization: None, ..filter };
        let read = store.read_matching(start, usize::MAX, &anybody).await.unwrap();
        assert!(read.iter().all(|event| anybody.matches(event)));
        let mine: Vec<_> = read.into_iter().filter(|event| event.header.organization == mixture.organization).collect();
        assert_eq!(ids(&mine), wanted, "{anybody:?}");
    }
}

pub(crate) async fn c17_a_filter_holds_for_subscriptions_too(log: Log) {
    let store = log.open().await;
    let start = store.head().await.unwrap();
    let mixture = mixture(&store).await;
    let end = store.head().await.unwrap();
    for (filter, wanted) in expectations(&mixture) {
        let mut subscription = store.subscribe(start, filter.clone());
        let mut found = Vec::new();
        loop {
            match subscription.next().await.unwrap() {
                SubscriptionEvent::Events(events) => found.extend(ids(&events)),
                SubscriptionEvent::CaughtUp(position) if position >= end => break,
                SubscriptionEvent::CaughtUp(_) => {}
            }
        }
        assert_eq!(found, wanted, "{filter:?}");
    }
    // And for what comes later.
    let mut subscription = store.subscribe(end, Filter { categories: vec![Category::User], ..of(mixture.organization) });
    put(&store, stream_of(Category::Email, mixture.organization), 1).await;
    let later = put(&store, stream_of(Category::User, mixture.organization), 1).await;
    assert_eq!(take(&mut subscription, 1).await[0].position, later.position);
}
