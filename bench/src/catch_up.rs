//! Rebuilding the read model of messages from a log that only messages are in, beside COPY of the same events.

use crate::made_up_events::{new_event, next_id, now};
use crate::report::{Report, Rounds, tell};
use crate::{Options, append, copy_limit};
use domain::{
    Acceptance, Aggregate, Attempt, Draft, Email, EmailEvent, EventHeader, Interface, KeyId, ManualClock, NewEvent, NewRecipient,
    OrganizationId, Personal, QueueEmail, RecipientDetails, RecipientField, RecipientReply, Recorded, ReplyDetails, SeededIds,
    SenderDetails, SmtpServerId, StreamName, Transport,
};
use event_store::{EventStore, ExpectedVersion, StreamAppend};
use projections::{Freshness, Parts, Projector};
use std::sync::Arc;
use std::time::Instant;
use test_support::{Role, TestDatabase};
use uuid::Uuid;

/// Messages at once in some state of delivery, and how often so many are sent.
const MESSAGES: usize = 1_000;
const GROUPS: usize = 60;
const RECIPIENTS: usize = 10_000;

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let store = append::open_store(&database).await?;
    fill(&store).await?;
    client.batch_execute("VACUUM ANALYZE log.event").await?;
    let events = copy_limit::head(&client).await?;
    let projector = projector(&database, &store);
    let projection = projections::find("emails").ok_or_else(|| anyhow::anyhow!("there is a read model of messages"))?;
    let mut rounds = Rounds::default();
    for round in 0..options.rounds {
        tell("projection catch-up", round);
        let start = Instant::now();
        projector.rebuild(projection, |_| {}).await?;
        let rate = events as f64 / start.elapsed().as_secs_f64();
        rounds.add(rate, copy_limit::rows_per_second(&client, options.span() / 3).await?);
    }
    report.rounds("projection catch-up, emails, 3 events a message", "events/s", &rounds);
    store.shutdown().await;
    Ok(())
}

fn projector(database: &TestDatabase, store: &EventStore) -> Projector {
    let clock = Arc::new(ManualClock::new(now()));
    Projector::new(Parts {
        store: store.clone(),
        pool: database.pool(Role::Projector, 4),
        clock: clock.clone(),
        ids: Arc::new(SeededIds::new(1)),
        freshness: Freshness::new(database.pool(Role::App, 2), clock),
    })
}

/// Accepted, sent, relayed: each step for a thousand messages before the next, as it is when delivery keeps up.
async fn fill(store: &EventStore) -> anyhow::Result<()> {
    let ids = SeededIds::new(7);
    let (organization, server) = (OrganizationId(next_id(&ids)), SmtpServerId(next_id(&ids)));
    let keys: Vec<KeyId> = (0..RECIPIENTS).map(|_| KeyId(Uuid::new_v4())).collect();
    for group in 0..GROUPS {
        let mut messages: Vec<Message> = (0..MESSAGES).map(|_| Message::new(organization, &ids)).collect();
        type Step<'a> = &'a dyn Fn(&Email, usize) -> Vec<Draft<EmailEvent>>;
        let queue: Step<'_> =
            &|email, number| email.queue(queued(keys[(group * MESSAGES + number) % RECIPIENTS], server)).unwrap_or_default();
        let start: Step<'_> = &|email, _| email.start_transmission(&[0]);
        let relay: Step<'_> = &|email, _| email.record_attempt(relayed());
        for step in [queue, start, relay] {
            let appends =
                messages.iter_mut().enumerate().map(|(number, message)| message.advance(step(&message.state, number), &ids)).collect();
            for outcome in store.append_batch(appends).await {
                outcome?;
            }
        }
    }
    Ok(())
}

struct Message {
    stream: StreamName,
    state: Email,
    version: Option<u64>,
}

impl Message {
    fn new(organization: OrganizationId, ids: &SeededIds) -> Self {
        Self { stream: StreamName::new(Email::CATEGORY, organization, next_id(ids)), state: Email::default(), version: None }
    }

    fn advance(&mut self, drafts: Vec<Draft<EmailEvent>>, ids: &SeededIds) -> StreamAppend {
        let expected = self.version.map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact);
        let mut events: Vec<NewEvent> = Vec::new();
        for draft in drafts {
            let event = new_event(&draft, ids);
            let version = self.version.map_or(0, |version| version + 1);
            let header: EventHeader = event.header(self.stream, version);
            self.state.evolve(&Recorded { header, event: draft.event, slots: event.slots.clone() });
            self.version = Some(version);
            events.push(event);
        }
        StreamAppend { stream: self.stream, expected, events }
    }
}

fn queued(key: KeyId, server: SmtpServerId) -> QueueEmail {
    let recipient = RecipientDetails { address: String::new(), name: None, subject_line: String::new() };
    QueueEmail {
        recipients: vec![NewRecipient { field: RecipientField::To, details: Personal::new(recipient), key: Some(key), suppressed: false }],
        sender: Personal::new(SenderDetails {
            from: String::new(),
            reply_to: vec![],
            tags: vec![],
            headers: vec![],
            attachment_names: vec![],
            ip: None,
            user_agent: None,
        }),
        sender_key: key,
        tags: vec![],
        scheduled_at: None,
        transport: Transport::SmtpServer(server),
        interface: Interface::Rest,
        size_bytes: 2_400,
    }
}

fn relayed() -> Attempt {
    let reply = RecipientReply {
        recipient: 0,
        code: Some(250),
        enhanced_status: None,
        reason: None,
        text: Some(Personal::new(ReplyDetails { text: String::new() })),
    };
    Attempt {
        accepted: vec![reply],
        acceptance: Acceptance::Relayed,
        bounced: vec![],
        deferred: vec![],
        next_attempt_at: now(),
        rules_version: 1,
    }
}
