//! What changed, and which events did it.

use super::log::{ADA, HERE, Log, NOON, key, stream};
use domain::*;
use history::{Change, FieldValue, HistoryError, Moment};
use std::time::Duration;

fn summary(changes: &[Change]) -> Vec<(&str, bool, bool, Vec<&str>)> {
    let line = changes.iter().map(|change| {
        let causes = change.causes.iter().map(|cause| cause.event_type.as_str()).collect();
        (change.field.as_str(), change.before.is_some(), change.after.is_some(), causes)
    });
    line.collect()
}

#[tokio::test]
async fn each_change_names_the_events_that_made_it() {
    let log = Log::new();
    log.found().await;
    let made = log.make_key(5).await;
    let revoked = log.revoke_key(5).await;
    let name = stream(Category::ApiKey, 5);
    let changes = log.history.diff(name, Moment::Position(made), Log::at(2)).await.unwrap();
    assert_eq!(summary(&changes), [("revoked_at", false, true, vec!["ApiKeyRevoked"])]);
    let cause = &changes[0].causes[0];
    assert_eq!((cause.position, cause.actor, cause.occurred_at), (revoked, Actor::Member(ADA), NOON + Duration::from_secs(2)));
    assert_eq!(changes[0].after, Some(FieldValue::Time(NOON + Duration::from_secs(2))));
    // Before it was made it had no field at all.
    let changes = log.history.diff(name, Log::at(0), Log::at(1)).await.unwrap();
    let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["created_at", "created_by", "details", "scopes"]);
    assert!(changes.iter().all(|change| change.before.is_none() && change.causes[0].event_type == "ApiKeyCreated"));
    assert!(log.history.diff(name, Log::at(2), Log::at(2)).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_changed_and_changed_back_is_no_change_and_what_changed_twice_names_both_events() {
    let log = Log::new();
    log.found().await;
    let name = stream(Category::Suppression, 5);
    let details = Personal::new(SuppressionDetails { address: "bob@example.com".into() });
    let suppress = |reason| {
        let details = details.clone();
        move |state: &Suppression| state.suppress(reason, &details, key(5), None)
    };
    log.decide(name, suppress(SuppressionReason::Manual)).await;
    log.decide(name, |state: &Suppression| state.lift()).await;
    log.decide(name, suppress(SuppressionReason::Manual)).await;
    let changes = log.history.diff(name, Log::at(1), Log::at(3)).await.unwrap();
    assert_eq!(
        summary(&changes),
        [("details", true, true, vec!["AddressSuppressed"]), ("since", true, true, vec!["AddressSuppressed"])],
        "the reason is what it was"
    );
    let changes = log.history.diff(name, Log::at(0), Log::at(2)).await.unwrap();
    let lifted = changes.iter().find(|change| change.field == "lifted_at").unwrap();
    assert_eq!(lifted.causes.len(), 1);
    assert!(!changes.iter().any(|change| change.field == "reason"));
    let all = log.history.diff(name, Log::at(0), Log::at(3)).await.unwrap();
    let reason = all.iter().find(|change| change.field == "reason").unwrap();
    assert_eq!(reason.causes.len(), 3, "set, taken away and set again");
}

#[tokio::test]
async fn an_organization_is_compared_with_all_it_has() {
    let log = Log::new();
    log.found().await;
    log.make_key(5).await;
    log.revoke_key(5).await;
    log.make_key(6).await;
    let name = stream(Category::Organization, 1);
    let changes = log.history.diff_organization(name, Log::at(1), Log::at(3)).await.unwrap();
    let streams: std::collections::BTreeSet<u128> = changes.iter().map(|change| change.stream.id.as_u128()).collect();
    assert_eq!(streams, [5, 6].into());
    let all = log.history.diff_organization(name, Moment::Position(Position::START), log.history.now()).await.unwrap();
    assert!(all.iter().any(|change| change.field == format!("members.{ADA}.role")));
    // Things of another organisation are not its.
    let foreign = StreamName::new(Category::Organization, OrganizationId(key(1).0), key(1).0);
    assert!(log.history.diff_organization(foreign, Log::at(0), log.history.now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn moments_in_the_wrong_order_are_refused() {
    let log = Log::new();
    let founded = log.found().await;
    log.make_key(5).await;
    let name = stream(Category::ApiKey, 5);
    assert_eq!(log.history.diff(name, Log::at(1), Log::at(0)).await, Err(HistoryError::Backwards));
    assert_eq!(log.history.diff(name, log.history.now(), Moment::Position(founded)).await, Err(HistoryError::Backwards));
}

#[tokio::test]
async fn too_much_at_once_is_refused() {
    let log = Log::new();
    log.found().await;
    for id in 0..1_001 {
        log.make_key(100 + id).await;
    }
    let name = stream(Category::Organization, 1);
    assert_eq!(log.history.diff_organization(name, Log::at(0), log.history.now()).await, Err(HistoryError::TooMuch));
    // A span that holds little is read without what was before it.
    assert_eq!(log.history.diff_organization(name, Log::at(1_000), log.history.now()).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_timeline_tells_events_with_their_facts() {
    let log = Log::new();
    log.found().await;
    log.make_key(5).await;
    log.revoke_key(5).await;
    let name = stream(Category::ApiKey, 5);
    let all = log.history.timeline(name, None, log.history.now()).await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.event.event_type.as_str()).collect::<Vec<_>>(), ["ApiKeyCreated", "ApiKeyRevoked"]);
    assert_eq!(all[0].facts["scopes"], serde_json::json!(["send_emails"]));
    assert_eq!(all[0].event.stream.organization, HERE);
    let later = log.history.timeline(name, Some(Log::at(1)), log.history.now()).await.unwrap();
    assert_eq!(later.len(), 1);
}
