//! Pages show each row once, newest first, and filters mean what they say.

use crate::story::{Story, tag};
use crate::streams::Stream;
use crate::support::{START, Site};
use domain::{ApiKeyId, Email, EmailId, EmailStatus, ErasureId, OrganizationId, SmtpServerId, Timestamp, UserId};
use projections::{EmailFilter, EmailRow, ErasureStage, api_keys, emails, erasures, organizations, smtp_servers, suppressions};
use std::time::Duration;

async fn walk(client: &deadpool_postgres::Client, organization: OrganizationId, filter: &EmailFilter) -> Vec<EmailRow> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = emails::page(client, organization, filter, 7, after).await.unwrap();
        rows.extend(page.rows);
        after = rows.last().map(|row: &EmailRow| row.id);
        if !page.has_next {
            return rows;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_messages_holds_what_its_filters_ask_for() {
    let site = Site::open().await;
    let mut story = Story::new(17, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(1_200)).await).await;
    let client = site.client().await;
    let organization = story.organizations[0].name.organization;
    let middle = story.emails[story.emails.len() / 2].state.queued.as_ref().unwrap().queued_at;
    let keys = vec![story.recipient_keys[0], story.recipient_keys[1]];
    let any = EmailFilter::default();
    let filters = [
        any.clone(),
        EmailFilter { statuses: vec![EmailStatus::Bounced, EmailStatus::Queued], ..any.clone() },
        EmailFilter { recipients: Some(keys.clone()), ..any.clone() },
        EmailFilter { recipients: Some(vec![]), ..any.clone() },
        EmailFilter { tags: Some(vec![tag(0)]), ..any.clone() },
        EmailFilter { since: Some(middle), ..any.clone() },
        EmailFilter { until: Some(middle), ..any.clone() },
        EmailFilter {
            statuses: EmailStatus::ALL.to_vec(),
            recipients: Some(keys),
            tags: Some(vec![tag(0), tag(1)]),
            since: Some(middle - Duration::from_secs(80_000)),
            until: Some(middle + Duration::from_secs(80_000)),
        },
    ];
    for filter in filters {
        let found: Vec<EmailId> = walk(&client, organization, &filter).await.iter().map(|row| row.id).collect();
        // By the log itself, and the tags by their own side table.
        let tagged = tagged(&site, &filter).await;
        let own = story.emails.iter().filter(|email| email.name.organization == organization && matches(email, &filter));
        let mut known: Vec<EmailId> = own.map(|email| EmailId(email.name.id)).collect();
        known.retain(|id| tagged.as_ref().is_none_or(|tagged| tagged.contains(id)));
        known.sort();
        known.reverse();
        assert_eq!(found, known, "{filter:?}");
    }
    running.stop().await;
}

fn matches(email: &Stream<Email>, filter: &EmailFilter) -> bool {
    let queued = email.state.queued.as_ref().unwrap();
    let to = |keys: &Vec<domain::KeyId>| queued.recipients.iter().any(|recipient| recipient.key.is_some_and(|key| keys.contains(&key)));
    (filter.statuses.is_empty() || filter.statuses.contains(&email.state.delivery.status()))
        && filter.recipients.as_ref().is_none_or(to)
        && filter.since.is_none_or(|since| queued.queued_at >= since)
        && filter.until.is_none_or(|until| queued.queued_at < until)
}

/// The messages whose first event names one of the tags, from the log.
async fn tagged(site: &Site, filter: &EmailFilter) -> Option<Vec<EmailId>> {
    let wanted = filter.tags.as_ref()?;
    let mut found = vec![];
    for event in site.store.read_all(domain::Position::START, 100_000).await.unwrap() {
        if event.header.event_type == "EmailQueued" {
            let facts: serde_json::Value = serde_json::from_slice(&event.facts).unwrap();
            let tags = facts["tags"].as_array().unwrap();
            if tags.iter().any(|tag| wanted.iter().any(|wanted| tag == &serde_json::Value::String(wanted.to_string()))) {
                found.push(EmailId(event.header.stream.id));
            }
        }
    }
    Some(found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_small_models_show_what_their_aggregates_hold() {
    let site = Site::open().await;
    let mut story = Story::new(18, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(1_500)).await).await;
    let client = site.client().await;
    for organization in &story.organizations {
        let (id, state) = (organization.name.organization, &organization.state);
        let row = organizations::by_id(&client, id).await.unwrap().unwrap();
        assert_eq!(
            (Some(&row.details), row.smtp_server, row.closed_at.is_some()),
            (state.details.as_ref(), state.smtp_server, state.closed)
        );
        let members = organizations::members(&client, id).await.unwrap();
        let mut members: Vec<_> = members.iter().map(|member| (member.user, member.role)).collect();
        members.sort();
        assert_eq!(members, state.members.iter().map(|(user, role)| (*user, *role)).collect::<Vec<_>>());
        for server in smtp_servers::of_organization(&client, id).await.unwrap() {
            let known = story.servers.iter().find(|known| SmtpServerId(known.name.id) == server.id).unwrap();
            let settings = known.state.settings.as_ref().unwrap();
            assert_eq!((&server.details, server.port, server.has_secret), (&settings.details, settings.port, settings.secret.is_some()));
            assert_eq!(server.selected, state.smtp_server == Some(server.id));
        }
    }
    let user = UserId(story.users[0].name.id);
    let of_user: Vec<_> = organizations::of_user(&client, user).await.unwrap().iter().map(|(row, _)| row.id).collect();
    let known = story.organizations.iter().filter(|organization| organization.state.members.contains_key(&user));
    assert_eq!(of_user.len(), known.count());
    for key in &story.api_keys {
        let row = api_keys::by_ids(&client, key.name.organization, &[ApiKeyId(key.name.id)]).await.unwrap().pop().unwrap();
        assert_eq!(row.scopes.len(), key.state.scopes.len());
        assert_eq!(row.revoked_at.is_some(), key.state.revoked);
        let page = api_keys::page(&client, key.name.organization, 1, None).await.unwrap();
        assert_eq!(page.rows.len(), 1);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suppressions_in_force_and_unfinished_erasures_are_listed() {
    let site = Site::open().await;
    let mut story = Story::new(19, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(1_500)).await).await;
    let client = site.client().await;
    for organization in &story.organizations {
        let id = organization.name.organization;
        let (mut found, mut after) = (vec![], None);
        loop {
            let page = suppressions::page(&client, id, 2, after).await.unwrap();
            after = page.rows.last().map(suppressions::SuppressionRow::cursor);
            found.extend(page.rows);
            if !page.has_next {
                break;
            }
        }
        let since: Vec<Timestamp> = found.iter().map(|row| row.since).collect();
        assert!(since.is_sorted_by(|newer, older| newer >= older));
        let known = story.suppressions.iter().filter(|known| known.name.organization == id && known.state.reason.is_some());
        assert_eq!(found.len(), known.count());
    }
    let mut unfinished: Vec<ErasureId> = erasures::unfinished(&client).await.unwrap().iter().map(|row| row.erasure).collect();
    unfinished.sort();
    let open = story.erasures.iter().filter(|erasure| !erasure.state.destroyed && erasure.state.is_approved());
    assert_eq!(unfinished, open.map(|erasure| ErasureId(erasure.name.id)).collect::<Vec<_>>());
    for erasure in &story.erasures {
        let row = erasures::by_id(&client, erasure.name.organization, ErasureId(erasure.name.id)).await.unwrap().unwrap();
        assert_eq!(Some(&row.case), erasure.state.case.as_ref());
        assert_eq!((row.stage == ErasureStage::Destroyed, row.certified), (erasure.state.destroyed, erasure.state.certified));
        assert_eq!(row.started_at, erasure.state.started_at);
        assert_eq!((row.refused, row.due_at), (erasure.state.refused, erasure.state.due_at.unwrap()));
        let dates = (row.live_at, row.everywhere_at, row.case_closed);
        assert_eq!(dates, (erasure.state.live_at, erasure.state.everywhere_at, erasure.state.case_closed));
    }
    running.stop().await;
}
