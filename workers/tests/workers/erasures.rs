//! Dates that are watched, cases that end, organisations that nobody owns any more, and marks that are kept true.

use commands::{
    Commands, ConfirmAddress, CreateOrganization, DataSubject, EraseAccount, IdentityProof, Request, RequestRecipientErasure,
    SignUpWithPassword, Spool,
};
use domain::*;
use egress::{Egress, EgressPolicy};
use event_store::{EventStore, PostgresConfig, PostgresStore};
use projections::{Freshness, Projector};
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};
use tokio::sync::watch;
use transparency::Logs;
use uuid::Uuid;
use vault::{Opened, Vault, VaultConfig};
use workers::{Parts, Settings, keep_limits, watch_erasures};

const DAY: Duration = Duration::from_secs(86_400);

struct World {
    database: TestDatabase,
    clock: ManualClock,
    store: EventStore,
    vault: Vault,
    commands: Commands,
    parts: Parts,
    freshness: Freshness,
    shutdown: watch::Sender<bool>,
    _keys: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000));
        let (shared, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(clock.clone()), Arc::new(SeededIds::new(3)));
        let keys = tempfile::tempdir().unwrap();
        let config = VaultConfig {
            pool: database.pool(Role::Vault, 4),
            key_dir: keys.path().join("keys"),
            data_dir: None,
            clock: shared.clone(),
            cache_keys_max: 1_000,
            providers: vault::ProviderSettings::default(),
        };
        let vault = Vault::start(config).await.unwrap();
        let pool = database.pool(Role::App, 8);
        let config = PostgresConfig::new(database.url.parse().unwrap(), pool.clone(), shared.clone());
        let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
        let commands = commands(&store, &vault, &pool, &shared, &ids);
        let freshness = Freshness::new(pool.clone(), shared.clone());
        let projector = Projector::new(projections::Parts {
            store: store.clone(),
            pool: database.pool(Role::Projector, 12),
            clock: shared.clone(),
            ids: ids.clone(),
            freshness: freshness.clone(),
        });
        let (shutdown, stopped) = watch::channel(false);
        tokio::spawn(async move { projector.run(projections::all(), stopped).await });
        let logs = Logs::new(transparency::Parts { store: store.clone(), pool: pool.clone(), clock: shared.clone(), ids: ids.clone() });
        let settings = Settings::default();
        let parts = Parts { commands: commands.clone(), vault: vault.clone(), pool, clock: shared, ids, logs, settings };
        Self { database, clock, store, vault, commands, parts, freshness, shutdown, _keys: keys }
    }

    /// One round of the watch, when the read models have come as far as the log.
    async fn watched(&self) {
        self.fresh().await;
        watch_erasures(&self.parts).await.unwrap();
        self.fresh().await;
    }

    async fn fresh(&self) {
        let head = self.store.head().await.unwrap();
        let arrived = self.freshness.at_least(&["erasures", "processing"], head, Duration::from_secs(60));
        assert!(arrived.await, "the read models have come so far");
    }

    async fn types(&self, erasure: ErasureId) -> Vec<String> {
        let query = "SELECT event_type::text FROM log.event WHERE stream_id = $1 ORDER BY position";
        let rows = self.database.client().await.query(query, &[&erasure.0]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// An organisation and its owner.
    async fn organization(&self) -> (UserId, Request) {
        let nobody = || Personal::new(RequestOrigin { ip: None, user_agent: None });
        let sign_up = SignUpWithPassword {
            name: Personal::new("Ada".into()),
            address: Personal::new("ada@example.org".parse().unwrap()),
            password: Personal::new("correct horse".into()),
            age_attested: true,
            privacy_policy_version: 1,
            origin: nobody(),
            correlation: CorrelationId(Uuid::nil()),
        };
        self.commands.sign_up(sign_up).await.unwrap();
        let row = self.database.client().await.query_one("SELECT email FROM spool.entry", &[]).await.unwrap();
        let mail = self.commands.spool().open(EmailId(row.get(0))).await.unwrap().unwrap();
        let text = commands::parse_message(mail.text.as_bytes()).unwrap().text.unwrap();
        let token = text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let confirm = ConfirmAddress { token: Personal::new(token), origin: nobody(), correlation: CorrelationId(Uuid::nil()) };
        let user = self.commands.confirm_address(confirm).await.unwrap().0;
        let by = |organization| Request { actor: Actor::Member(user), ..self.commands.as_delivery(organization) };
        let create = CreateOrganization { owner: user, name: Personal::new("Engines".into()) };
        let made = self.commands.create_organization(&by(OrganizationId::PLATFORM), create).await.unwrap();
        (user, by(made.organization))
    }

    fn request(&self) -> Request {
        self.commands.as_delivery(OrganizationId(Uuid::from_u128(9)))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.send_replace(true);
    }
}

fn commands(store: &EventStore, vault: &Vault, pool: &deadpool_postgres::Pool, clock: &Arc<dyn Clock>, ids: &Arc<dyn Ids>) -> Commands {
    Commands::new(commands::Parts {
        store: store.clone(),
        vault: vault.clone(),
        spool: Spool::new(pool.clone(), vault.clone()),
        egress: Egress::new(EgressPolicy::default()),
        trust: mail::TlsTrust::system(None).unwrap(),
        clock: clock.clone(),
        ids: ids.clone(),
        settings: commands::Settings {
            public_url: "http://localhost".into(),
            privacy_policy_version: 1,
            notice_from: "notices@lethemail.test".parse().unwrap(),
            message_id_domain: "lethemail.test".into(),
            client_name: "localhost".into(),
            smtp_time_outs: mail::TimeOuts::default(),
        },
    })
}

fn asked() -> RequestRecipientErasure {
    RequestRecipientErasure { address: Personal::new("bob@example.com".parse().unwrap()), note: None, keep_suppressed: true, child: false }
}

#[tokio::test]
async fn m8_8_a_date_that_nobody_kept_is_recorded_once() {
    let world = World::new().await;
    let opened = world.commands.request_erasure(&world.request(), asked()).await.unwrap();
    world.watched().await;
    world.clock.advance(30 * DAY - Duration::from_secs(1));
    world.watched().await;
    assert_eq!(world.types(opened.erasure).await, ["ErasureRequested", "CertificateLinkIssued"]);
    world.clock.advance(Duration::from_secs(1));
    world.watched().await;
    world.watched().await;
    assert_eq!(world.types(opened.erasure).await.last().unwrap(), "ErasureDeadlineMissed");
    assert_eq!(world.types(opened.erasure).await.len(), 3);
}

#[tokio::test]
async fn the_record_of_a_refused_case_ends_after_thirty_days_and_its_key_with_it() {
    let world = World::new().await;
    let by = world.request();
    let opened = world.commands.request_erasure(&by, asked()).await.unwrap();
    world.commands.refuse_erasure(&by, opened.erasure, RefusalGround::NotTheController).await.unwrap();
    let case = world.commands.load_erasure(by.organization, opened.erasure).await.unwrap().state.case.unwrap();
    world.clock.advance(CASE_KEPT - Duration::from_secs(1));
    world.watched().await;
    assert!(matches!(world.vault.open(Purpose::SubjectRights, &case).await.unwrap(), Opened::Readable(_)));
    world.clock.advance(Duration::from_secs(1));
    world.watched().await;
    world.watched().await;
    assert_eq!(world.vault.open(Purpose::SubjectRights, &case).await.unwrap(), Opened::Erased);
    assert_eq!(world.types(opened.erasure).await.iter().filter(|name| *name == "ErasureCaseClosed").count(), 1);
}

#[tokio::test]
async fn m4_2_an_organisation_that_nobody_owns_is_approved_a_day_before_the_owners_case_is_due() {
    let world = World::new().await;
    let (user, by) = world.organization().await;
    let proof = IdentityProof::Password(Personal::new("correct horse".into()));
    world.commands.erase_account(&by, EraseAccount { user, note: None, proof }).await.unwrap();
    let left = ErasureId(by.organization.0);
    world.clock.advance(29 * DAY - Duration::from_secs(1));
    world.watched().await;
    assert!(!world.commands.load_erasure(by.organization, left).await.unwrap().state.approved);
    world.clock.advance(Duration::from_secs(1));
    world.watched().await;
    assert!(world.commands.load_erasure(by.organization, left).await.unwrap().state.approved);
}

#[tokio::test]
async fn m8_6_marks_are_made_again_as_the_log_has_them() {
    let world = World::new().await;
    let by = world.request();
    let bob = DataSubject::Recipient(Personal::new("bob@example.com".parse().unwrap()));
    world.commands.restrict_processing(&by, bob, RestrictionGround::LegalClaim).await.unwrap();
    let key = world.vault.find_recipient(by.organization, Class::Ops, "bob@example.com").await.unwrap().unwrap();
    world.vault.limit(&[key], ProcessingLimits::default()).await.unwrap();
    world.fresh().await;
    keep_limits(&world.parts).await.unwrap();
    assert!(world.vault.limits_of(&[key]).await.unwrap()[0].unwrap().restricted);
}
