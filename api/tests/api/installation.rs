//! One installation for a test, served on a port of its own, with a clock that stands still unless moved.

use actix_web::{App, HttpServer};
use api::{Api, ApiParts, ApiSettings, Readiness};
use awc::Client;
use commands::{Commands, Spool};
use domain::*;
use egress::{Egress, EgressPolicy};
use event_store::{EventStore, PostgresConfig, PostgresStore};
use futures::StreamExt;
use projections::{Freshness, Projector};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use test_support::{Role as DatabaseRole, TestDatabase};
use tokio::sync::watch;
use transparency::Logs;
use uuid::Uuid;
use vault::{Vault, VaultConfig};

pub struct Installation {
    pub api: Api,
    pub url: String,
    pub commands: Commands,
    pub clock: ManualClock,
    pub database: TestDatabase,
    pub readiness: Readiness,
    pub logs: Logs,
    pub vault: Vault,
    client: Client,
    shutdown: watch::Sender<bool>,
    _keys: TempDir,
}

/// A moment on 2026-09-21, UTC.
const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

pub const PASSWORD: &str = "correct horse battery";

/// Somebody with an organisation and a key to it.
pub struct Account {
    pub session: String,
    pub cookie: String,
    pub organization: String,
    pub key: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON in {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Installation {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let database = TestDatabase::create().await;
        let clock = ManualClock::new(START);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let keys = tempfile::tempdir().unwrap();
        let config = VaultConfig {
            pool: database.pool(DatabaseRole::Vault, 8),
            key_dir: keys.path().join("keys"),
            providers: vault::ProviderSettings::default(),
            data_dir: None,
            clock: shared.clone(),
            cache_keys_max: 10_000,
        };
        let vault = Vault::start(config).await.unwrap();
        let app = database.pool(DatabaseRole::App, 12);
        let config = PostgresConfig::new(database.url.parse().unwrap(), app.clone(), shared.clone());
        let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let commands = commands(&store, &vault, app.clone(), &shared, &ids, &url);
        let freshness = Freshness::new(app.clone(), shared.clone());
        let (shutdown, stopped) = watch::channel(false);
        let projector = Projector::new(projections::Parts {
            store: store.clone(),
            pool: database.pool(DatabaseRole::Projector, 12),
            clock: shared.clone(),
            ids: ids.clone(),
            freshness: freshness.clone(),
        });
        tokio::spawn(async move { projector.run(projections::all(), stopped).await });
        let readiness = Readiness::new(|| Box::pin(async { Ok(None) }));
        let mut settings = ApiSettings::new(url.clone());
        change(&mut settings);
        let logs = Logs::new(transparency::Parts { store: store.clone(), pool: app.clone(), clock: shared.clone(), ids: ids.clone() });
        let api = Api::new(ApiParts {
            commands: commands.clone(),
            store: store.clone(),
            vault: vault.clone(),
            read_pool: app,
            freshness,
            logs: logs.clone(),
            clock: shared,
            ids,
            readiness: readiness.clone(),
            settings,
        });
        let served = api.clone();
        let server = HttpServer::new(move || App::new().configure(|config| served.configure(config)));
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        tokio::spawn(server);
        let client = Client::builder().disable_redirects().timeout(Duration::from_secs(120)).finish();
        Self { api, url, commands, clock, database, readiness, logs, vault, client, shutdown, _keys: keys }
    }

    /// One request with the given headers.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Reply {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url)).no_decompress();
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        let mut response = request.send_body(body.into()).await.unwrap();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let body = response.body().limit(64 << 20).await.unwrap();
        Reply { status: response.status().as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// The first piece of an answer that does not end.
    pub async fn first_piece(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let mut request = self.client.get(format!("{}{path}", self.url)).no_decompress();
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        let mut response = request.send().await.unwrap();
        String::from_utf8(response.next().await.unwrap().unwrap().to_vec()).unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], "").await
    }

    /// A GraphQL request; `bearer` may be empty.
    pub async fn graphql_reply(&self, bearer: &str, query: &str, variables: Value) -> Reply {
        let authorization = format!("Bearer {bearer}");
        let mut headers = vec![("content-type", "application/json"), ("user-agent", "tests")];
        if !bearer.is_empty() {
            headers.push(("authorization", &authorization));
        }
        self.request("POST", "/graphql", &headers, json!({ "query": query, "variables": variables }).to_string()).await
    }

    /// The `data` of an answer without errors.
    pub async fn graphql(&self, bearer: &str, query: &str, variables: Value) -> Value {
        let reply = self.graphql_reply(bearer, query, variables).await;
        let mut json = reply.json();
        assert_eq!(json["errors"], Value::Null, "{query} failed");
        json["data"].take()
    }

    pub async fn sign_up(&self, address: &str) -> Value {
        // Ids of one millisecond are in no order, and the newest mail is asked for later.
        self.clock.advance(Duration::from_secs(1));
        let input = json!({ "name": "Ada", "address": address, "password": PASSWORD, "ageAttested": true, "privacyPolicyVersion": 1 });
        self.graphql(
            "",
            "mutation($input: SignUpInput!) { signUp(input: $input) { position userErrors { field code } } }",
            json!({ "input": input }),
        )
        .await["signUp"]
            .take()
    }

    /// The token in the newest confirmation mail.
    pub async fn confirmation_token(&self) -> String {
        let query = "SELECT email FROM spool.entry WHERE organization = $1 ORDER BY email DESC LIMIT 1";
        let row = self.database.client().await.query_one(query, &[&Uuid::nil()]).await.unwrap();
        let mail = self.commands.spool().open(EmailId(row.get(0))).await.unwrap().unwrap();
        let text = commands::parse_message(mail.text.as_bytes()).unwrap().text.unwrap();
        text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }

    pub async fn account(&self, address: &str) -> Account {
        self.sign_up(address).await;
        let token = self.confirmation_token().await;
        let confirm = "mutation($t: String!) { confirmAddress(input: { token: $t }) { userErrors { code } } }";
        assert_eq!(self.graphql("", confirm, json!({ "t": token })).await["confirmAddress"]["userErrors"], json!([]));
        let sign_in = "mutation($a: String!, $p: String!) { signIn(input: { address: $a, password: $p }) { token userErrors { code } } }";
        let reply = self.graphql_reply("", sign_in, json!({ "a": address, "p": PASSWORD })).await;
        let session = reply.json()["data"]["signIn"]["token"].as_str().unwrap().to_owned();
        let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let create = "mutation { createOrganization(input: { name: \"Engines\" }) { organization { id } userErrors { code } } }";
        let made = self.graphql(&session, create, json!({})).await;
        let organization = made["createOrganization"]["organization"]["id"].as_str().unwrap().to_owned();
        let key = self.key(&session, &["SEND_EMAILS", "READ_EMAILS", "ERASE_RECIPIENTS"]).await;
        Account { session, cookie, organization, key }
    }

    pub async fn key(&self, session: &str, scopes: &[&str]) -> String {
        let create = "mutation($s: [ApiScope!]!) { createApiKey(input: { name: \"app\", scopes: $s }) { token userErrors { code } } }";
        let made = self.graphql(session, create, json!({ "s": scopes })).await;
        made["createApiKey"]["token"].as_str().unwrap_or_else(|| panic!("no key: {made}")).to_owned()
    }

    /// Sends one message and gives its id and position.
    pub async fn send(&self, bearer: &str, to: &[&str]) -> (String, String) {
        let send = "mutation($input: SendEmailInput!) { sendEmail(input: $input) { email { id } position userErrors { field code } } }";
        let input = json!({ "from": "Shop <shop@example.org>", "to": to, "subject": "Hello", "text": "Good morning." });
        let sent = self.graphql(bearer, send, json!({ "input": input })).await;
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not sent: {sent}")).to_owned();
        (text(&sent["sendEmail"]["email"]["id"]), text(&sent["sendEmail"]["position"]))
    }

    pub async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        self.database.client().await.query_one(&query, &[]).await.unwrap().get(0)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.shutdown.send_replace(true);
    }
}

fn commands(
    store: &EventStore,
    vault: &Vault,
    app: deadpool_postgres::Pool,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn Ids>,
    url: &str,
) -> Commands {
    Commands::new(commands::Parts {
        store: store.clone(),
        vault: vault.clone(),
        spool: Spool::new(app, vault.clone()),
        egress: Egress::new(EgressPolicy::default()),
        trust: mail::TlsTrust::system(None).unwrap(),
        clock: clock.clone(),
        ids: ids.clone(),
        settings: commands::Settings {
            public_url: url.to_owned(),
            privacy_policy_version: 1,
            notice_from: "notices@lethemail.test".parse().unwrap(),
            message_id_domain: "lethemail.test".into(),
            client_name: "localhost".into(),
            smtp_time_outs: mail::TimeOuts::default(),
        },
    })
}

struct RandomIds;

#[expect(clippy::disallowed_methods, reason = "ids of a test need not repeat")]
impl Ids for RandomIds {
    fn time_ordered(&self, time: Timestamp) -> Uuid {
        let random = *Uuid::new_v4().as_bytes().first_chunk::<10>().unwrap();
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(time.micros() / 1000).unwrap(), &random).into_uuid()
    }

    fn random(&self) -> Uuid {
        Uuid::new_v4()
    }
}
