//! Rows say what the aggregates say, and carry the events' envelopes as they are.

use crate::story::Story;
use crate::support::{START, Site};
use domain::{Day, DeliveryState, EmailId, OrganizationId};
use projections::{delivery_stats, emails, timeline};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_s_row_shows_the_aggregate_s_state_and_the_event_s_envelopes() {
    let site = Site::open().await;
    let mut story = Story::new(12, START);
    let running = site.start(1);
    for _ in 0..10 {
        running.reach(site.append(story.steps(50)).await).await;
    }
    let client = site.client().await;
    for email in &story.emails {
        let (organization, id) = (email.name.organization, EmailId(email.name.id));
        let row = emails::by_id(&client, organization, id).await.unwrap().expect("every message has a row");
        let (delivery, queued) = (&email.state.delivery, email.state.queued.as_ref().unwrap());
        assert_eq!(row.status, delivery.status());
        assert_eq!(row.attempts, delivery.attempts);
        assert_eq!(row.due_at, delivery.due_at);
        assert_eq!(row.transport, queued.transport);
        assert_eq!(row.created_at, queued.queued_at);
        assert_eq!(row.sender, queued.sender);
        assert_eq!(row.recipients.iter().map(|recipient| recipient.state).collect::<Vec<_>>(), delivery.states);
        for (shown, known) in row.recipients.iter().zip(&queued.recipients) {
            assert_eq!((&shown.details, shown.field), (&known.details, known.field));
        }
        let timeline = timeline::of_email(&site.store, organization, id).await.unwrap();
        assert_eq!(timeline.last().unwrap().recorded.header.version, row.version);
        let replies: usize = timeline.iter().map(|entry| entry.replies().len()).sum();
        assert_eq!(replies, timeline.iter().flat_map(|entry| entry.recorded.event.outcomes()).filter(|o| o.reply.is_some()).count());
    }
    let foreign = emails::by_id(&client, OrganizationId(story.emails[0].name.id), EmailId(story.emails[0].name.id)).await.unwrap();
    assert!(foreign.is_none(), "another organisation's message is absent");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_recipient_is_ended_in_doubt_or_still_queued_at_all_times() {
    let site = Site::open().await;
    let mut story = Story::new(13, START);
    let running = site.start(1);
    let client = site.client().await;
    for _ in 0..15 {
        running.reach(site.append(story.steps(40)).await).await;
        let mut known: BTreeMap<OrganizationId, Vec<DeliveryState>> = BTreeMap::new();
        for email in &story.emails {
            known.entry(email.name.organization).or_default().extend(&email.state.delivery.states);
        }
        for (organization, states) in known {
            let days = delivery_stats::range(&client, organization, Day(0), Day(i32::MAX)).await.unwrap();
            let sum = |count: fn(&delivery_stats::DayStats) -> i64| days.iter().map(|(_, day)| count(day)).sum::<i64>();
            let open = delivery_stats::open(&client, organization).await.unwrap();
            assert_eq!(sum(|day| day.accepted), sum(|day| day.ended()) + open.queued + open.in_doubt);
            let count = |wanted: DeliveryState| i64::try_from(states.iter().filter(|state| **state == wanted).count()).unwrap();
            assert_eq!(sum(|day| day.accepted), i64::try_from(states.len()).unwrap());
            assert_eq!(sum(|day| day.relayed), count(DeliveryState::Relayed));
            assert_eq!(sum(|day| day.delivered), count(DeliveryState::Delivered));
            assert_eq!(sum(|day| day.bounced), count(DeliveryState::Bounced));
            assert_eq!(sum(|day| day.suppressed), count(DeliveryState::Suppressed));
            assert_eq!(sum(|day| day.cancelled), count(DeliveryState::Cancelled));
            assert_eq!(sum(|day| day.abandoned), count(DeliveryState::Abandoned));
            assert_eq!(open.in_doubt, count(DeliveryState::InDoubt));
        }
    }
    running.stop().await;
}
