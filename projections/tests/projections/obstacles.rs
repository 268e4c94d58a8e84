//! What a projection cannot understand it does not skip.

use crate::story::Story;
use crate::support::{START, Site, in_time};
use domain::{Category, EventId, Ids, NewEvent, SealedSlots, StreamName};
use event_store::{ExpectedVersion, StreamAppend};
use projections::lags;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_event_stops_the_projections_that_read_it_and_no_other() {
    let mut site = Site::open().await;
    site.let_time_run();
    let running = site.start(1);
    let mut story = Story::new(25, START);
    let before = site.append(story.steps(50)).await;
    running.reach(before).await;
    let unknown = NewEvent {
        id: EventId(story.ids.time_ordered(story.now)),
        event_type: "EmailTransmogrified".into(),
        schema_version: 1,
        occurred_at: story.now,
        actor: domain::Actor::System(domain::SystemActor::Platform),
        correlation: domain::CorrelationId(story.ids.random()),
        causation: None,
        facts: b"{}".to_vec(),
        slots: SealedSlots::default(),
        salt: [0; 16],
    };
    let stream = StreamName::new(Category::Email, story.organization(), story.ids.random());
    let after = site.append(vec![StreamAppend { stream, expected: ExpectedVersion::NoStream, events: vec![unknown] }]).await;
    assert!(in_time(running.freshness.at_least(&["api_keys", "account_history"], after, Duration::from_secs(600))).await);
    assert!(!in_time(running.freshness.at_least(&["emails"], after, Duration::from_secs(10))).await);
    let client = site.client().await;
    let lags = lags(&client, &site.store).await.unwrap();
    let lag = |name: &str| lags.iter().find(|(found, _)| *found == name).unwrap().1;
    let behind = lag("emails");
    assert_eq!((behind.events, behind.head), (Some(1), after));
    // What is missing grows old; what is caught up has no age.
    let later = behind.oldest_unseen.unwrap() + Duration::from_secs(90);
    assert_eq!((behind.age(later), lag("api_keys").age(later)), (Duration::from_secs(90), Duration::ZERO));
    running.stop().await;
}
