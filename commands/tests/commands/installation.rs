//! One installation for a test: a database of its own, a vault with a key directory of its own, and the write side on top.

use commands::{
    Accepted, Commands, ConfirmAddress, CreateOrganization, Failure, Parts, Request, SendEmail, SendEmails, SendRefusal, Settings,
    SignInWithPassword, SignUpWithPassword, Spool,
};
use domain::*;
use egress::{Egress, EgressPolicy};
use event_store::{EventStore, PostgresConfig, PostgresStore};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use test_support::{Role as DatabaseRole, TestDatabase};
use uuid::Uuid;
use vault::{RotationPolicy, RotationStep, Vault, VaultConfig};

pub struct Installation {
    pub commands: Commands,
    pub store: EventStore,
    pub vault: Vault,
    pub clock: ManualClock,
    pub database: TestDatabase,
    keys: TempDir,
}

/// A moment on 2026-09-21, UTC.
const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

impl Installation {
    pub async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = ManualClock::new(START);
        let keys = tempfile::tempdir().unwrap();
        let (commands, store, vault) = process(&database, &keys, &clock).await;
        Self { commands, store, vault, clock, database, keys }
    }

    /// The write side of another process of the same installation.
    pub async fn another_process(&self) -> Commands {
        process(&self.database, &self.keys, &self.clock).await.0
    }

    /// From one epoch to the next by another process, until the old key is destroyed.
    pub async fn rotate_elsewhere(&self) {
        let vault = open_vault(&self.database, &self.keys, &self.clock).await;
        let rotation = vault.take_rotation().await.unwrap().unwrap();
        let at_once = RotationPolicy { interval: Duration::ZERO, standbys: vec![] };
        while !matches!(rotation.step(&at_once).await.unwrap(), RotationStep::Destroyed { .. }) {}
        rotation.release().await.unwrap();
    }

    pub fn sign_up_request(address: &str) -> SignUpWithPassword {
        SignUpWithPassword {
            name: Personal::new("Ada".into()),
            address: Personal::new(address.parse().unwrap()),
            password: Personal::new("correct horse".into()),
            age_attested: true,
            privacy_policy_version: 1,
            origin: origin(),
            correlation: CorrelationId(Uuid::nil()),
        }
    }

    pub fn sign_in_request(address: &str, password: &str) -> SignInWithPassword {
        SignInWithPassword {
            address: Personal::new(address.parse().unwrap()),
            password: Personal::new(password.into()),
            origin: origin(),
            correlation: CorrelationId(Uuid::nil()),
        }
    }

    /// The text of the newest mail that waits in the platform organisation's spool for a person.
    pub async fn newest_notice(&self) -> String {
        let client = self.database.client().await;
        let row = client
            .query_one("SELECT email FROM spool.entry WHERE organization = $1 ORDER BY email DESC LIMIT 1", &[&Uuid::nil()])
            .await
            .unwrap();
        let mail = self.commands.spool().open(EmailId(row.get(0))).await.unwrap().unwrap();
        mail::parse_message(mail.text.as_bytes()).unwrap().text.unwrap()
    }

    /// Signs up and opens the link of the confirmation mail.
    pub async fn confirmed_user(&self, address: &str) -> UserId {
        self.commands.sign_up(Self::sign_up_request(address)).await.unwrap();
        let notice = self.newest_notice().await;
        let token = notice.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let confirm = ConfirmAddress { token: Personal::new(token), origin: origin(), correlation: CorrelationId(Uuid::nil()) };
        self.commands.confirm_address(confirm).await.unwrap().0
    }

    /// An organisation, and the circumstances of its owner's requests.
    pub async fn organization(&self) -> Request {
        let user = self.confirmed_user(&format!("owner{}@example.org", RandomIds.random().simple())).await;
        let by = member(user, OrganizationId::PLATFORM);
        let made = self
            .commands
            .create_organization(&by, CreateOrganization { owner: user, name: Personal::new("Engines".into()) })
            .await
            .unwrap();
        member(user, made.organization)
    }

    pub async fn send(&self, by: &Request, messages: Vec<SendEmail>, key: Option<&str>) -> Result<Vec<Accepted>, Failure<SendRefusal>> {
        let request = SendEmails { messages, idempotency_key: key.map(str::to_owned), interface: Interface::Rest };
        self.commands.send_emails(by, request).await
    }

    pub async fn email(&self, by: &Request, email: EmailId) -> Folded<Email> {
        self.commands.load_email(by.organization, email).await.unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        self.database.client().await.query_one(&query, &[]).await.unwrap().get(0)
    }
}

async fn process(database: &TestDatabase, keys: &TempDir, clock: &ManualClock) -> (Commands, EventStore, Vault) {
    let vault = open_vault(database, keys, clock).await;
    let app = database.pool(DatabaseRole::App, 8);
    let config = PostgresConfig::new(database.url.parse().unwrap(), app.clone(), Arc::new(clock.clone()));
    let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
    let commands = Commands::new(Parts {
        store: store.clone(),
        vault: vault.clone(),
        spool: Spool::new(app, vault.clone()),
        egress: Egress::new(EgressPolicy::default()),
        trust: mail::TlsTrust::system(None).unwrap(),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(RandomIds),
        settings: Settings {
            public_url: "http://localhost".into(),
            privacy_policy_version: 1,
            notice_from: "notices@lethemail.test".parse().unwrap(),
            message_id_domain: "lethemail.test".into(),
            client_name: "localhost".into(),
            smtp_time_outs: mail::TimeOuts::default(),
        },
    });
    (commands, store, vault)
}

async fn open_vault(database: &TestDatabase, keys: &TempDir, clock: &ManualClock) -> Vault {
    let config = VaultConfig {
        pool: database.pool(DatabaseRole::Vault, 8),
        key_dir: keys.path().join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock: Arc::new(clock.clone()),
        cache_keys_max: 10_000,
    };
    Vault::start(config).await.unwrap()
}

pub fn member(user: UserId, organization: OrganizationId) -> Request {
    Request { actor: Actor::Member(user), organization, origin: origin(), correlation: CorrelationId(Uuid::nil()), causation: None }
}

pub fn origin() -> Personal<RequestOrigin> {
    Personal::new(RequestOrigin { ip: Some("192.0.2.7".into()), user_agent: Some("test".into()) })
}

pub fn message(to: &[&str]) -> SendEmail {
    SendEmail {
        to: to.iter().map(|address| address.parse().unwrap()).collect(),
        subject_line: "Hello".into(),
        text: Some("Good morning.".into()),
        ..SendEmail::default_from("Shop <shop@example.org>".parse().unwrap())
    }
}

struct RandomIds;

#[expect(clippy::disallowed_methods, reason = "a test needs ids that no other test has")]
impl Ids for RandomIds {
    fn time_ordered(&self, _: Timestamp) -> Uuid {
        Uuid::now_v7()
    }

    fn random(&self) -> Uuid {
        Uuid::new_v4()
    }
}
