//! Having one person forgotten among few events and among many: from the request until the key's row is gone and this process has forgotten the key.

use crate::latencies::Latencies;
use crate::made_up_events::{new_event, next_id, now};
use crate::report::{Report, tell};
use crate::{Options, append};
use commands::{Commands, EraseRecipient, Parts, Request, Settings, Spool};
use domain::{
    Actor, Class, CorrelationId, Draft, Email, EmailEvent, Ids, Interface, KeyId, NewRecipient, OrganizationId, Personal, QueueEmail,
    RecipientDetails, RecipientField, RequestOrigin, SeededIds, SenderDetails, StreamName, SystemActor, Transport,
};
use egress::{Egress, EgressPolicy};
use event_store::{EventStore, ExpectedVersion, StreamAppend};
use std::sync::Arc;
use std::time::Instant;
use test_support::{Role, TestDatabase};
use vault::{Vault, VaultConfig};

const FEW: usize = 10_000;
/// `LETHEMAIL_BENCH_EVENTS` takes others: ten million, or fewer for a short run.
const MANY: usize = 1_000_000;
/// Events about each person.
const EACH: usize = 20;
const AT_ONCE: usize = 2_000;
const ERASED: usize = 200;
/// The first ones prepare statements and fill caches.
const WARM_UP: usize = 20;
/// What an erasure may take (the aim), in milliseconds.
const ALLOWED_MS: f64 = 100.0;

pub async fn measure(_: &Options, report: &mut Report) -> anyhow::Result<()> {
    let many = std::env::var("LETHEMAIL_BENCH_EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(MANY);
    let few = erase_among(FEW).await?;
    let among_many = erase_among(many).await?;
    for (events, latencies) in [(FEW, &few), (many, &among_many)] {
        report.latencies(&format!("erasing one person among {events} events"), latencies);
    }
    report.value_of("erasing one person, the slow end beside what is allowed", "ms", among_many.quantile_ms(0.99), ALLOWED_MS);
    report.value_of("erasing one person, among many beside among few", "ms", among_many.quantile_ms(0.5), few.quantile_ms(0.5));
    Ok(())
}

async fn erase_among(events: usize) -> anyhow::Result<Latencies> {
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir()?;
    let store = append::open_store(&database).await?;
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 8),
        key_dir: directory.path().join("keys"),
        data_dir: None,
        clock: Arc::new(domain::ManualClock::new(now())),
        cache_keys_max: 100_000,
        providers: vault::ProviderSettings::default(),
    };
    let vault = Vault::start(config).await?;
    let ids = SeededIds::new(11);
    let organization = OrganizationId(ids.random());
    tell(&format!("erasing among {events} events"), 0);
    fill(&vault, &store, &ids, organization, events).await?;
    let client = database.client().await;
    for settle in ["VACUUM ANALYZE keyring.key", "VACUUM ANALYZE keyring.lookup", "VACUUM ANALYZE log.event", "CHECKPOINT"] {
        client.batch_execute(settle).await?;
    }
    let commands = open(&database, store.clone(), vault.clone());
    let by = Request {
        actor: Actor::System(SystemActor::Platform),
        organization,
        origin: Personal::new(RequestOrigin { ip: None, user_agent: None }),
        correlation: CorrelationId(ids.random()),
        causation: None,
    };
    let mut latencies = Latencies::default();
    for number in 0..WARM_UP + ERASED {
        let address = Personal::new(address(number).parse()?);
        let start = Instant::now();
        let begun = commands.erase_recipient(&by, EraseRecipient { address, note: None, keep_suppressed: true }).await?;
        let taken = start.elapsed();
        let keys = commands.doomed_keys_of(organization, begun.erasure).await?;
        anyhow::ensure!(!keys.is_empty() && vault.are_destroyed(&keys).await?, "somebody was erased");
        if number >= WARM_UP {
            latencies.add(taken);
        }
    }
    store.shutdown().await;
    Ok(latencies)
}

fn address(number: usize) -> String {
    format!("{number}@example.com")
}

/// A message of its own for each event: what an erasure reads is the person's keys, never the person's events.
async fn fill(vault: &Vault, store: &EventStore, ids: &SeededIds, organization: OrganizationId, events: usize) -> anyhow::Result<()> {
    let people = events.div_ceil(EACH).max(WARM_UP + ERASED);
    let mut keys: Vec<KeyId> = Vec::with_capacity(people);
    while keys.len() < people {
        let addresses: Vec<String> = (keys.len()..people.min(keys.len() + AT_ONCE)).map(address).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        keys.extend(vault.recipient_keys(organization, Class::Ops, &addresses).await?);
    }
    let numbers: Vec<usize> = (0..events).collect();
    for batch in numbers.chunks(AT_ONCE) {
        let appends = batch.iter().map(|number| message(organization, keys[number % people], ids)).collect::<anyhow::Result<_>>()?;
        for outcome in store.append_batch(appends).await {
            outcome?;
        }
    }
    Ok(())
}

fn message(organization: OrganizationId, key: KeyId, ids: &SeededIds) -> anyhow::Result<StreamAppend> {
    let stream = StreamName::new(domain::Category::Email, organization, next_id(ids));
    let drafts: Vec<Draft<EmailEvent>> = Email::default().queue(queued(key))?;
    let events = drafts.iter().map(|draft| new_event(draft, ids)).collect();
    Ok(StreamAppend { stream, expected: ExpectedVersion::NoStream, events })
}

fn queued(key: KeyId) -> QueueEmail {
    let details = RecipientDetails { address: String::new(), name: None, subject_line: String::new() };
    let recipient = NewRecipient { field: RecipientField::To, details: Personal::new(details), key: Some(key), suppressed: false };
    let sender = SenderDetails {
        from: String::new(),
        reply_to: vec![],
        tags: vec![],
        headers: vec![],
        attachment_names: vec![],
        ip: None,
        user_agent: None,
    };
    QueueEmail {
        recipients: vec![recipient],
        sender: Personal::new(sender),
        sender_key: key,
        tags: vec![],
        scheduled_at: None,
        transport: Transport::Sandbox,
        interface: Interface::Rest,
        size_bytes: 2_400,
    }
}

fn open(database: &TestDatabase, store: EventStore, vault: Vault) -> Commands {
    let app = database.pool(Role::App, 8);
    Commands::new(Parts {
        store,
        spool: Spool::new(app, vault.clone()),
        vault,
        egress: Egress::new(EgressPolicy::default()),
        trust: mail::TlsTrust::system(None).expect("the system has certificates"),
        clock: Arc::new(domain::ManualClock::new(now())),
        ids: Arc::new(SeededIds::new(13)),
        settings: Settings {
            public_url: String::new(),
            privacy_policy_version: 1,
            notice_from: "notices@lethemail.test".parse().expect("an address"),
            message_id_domain: "lethemail.test".into(),
            client_name: "localhost".into(),
            smtp_time_outs: mail::TimeOuts { ..Default::default() },
        },
    })
}
