//! An auditor looks back at the command line: without a key, and with one for a purpose.

use super::account::{Account, PASSWORD};
use super::client::Client;
use super::sink::Sink;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::process::{Command, Output};
use test_support::TestDatabase;

struct Audited {
    place: Place,
    database: TestDatabase,
}

impl Audited {
    fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        command.env("DATABASE_URL", &self.database.url).env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8");
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command().arg("audit").args(arguments).output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The openings that stand in the log, as type and facts.
    fn accesses(&self) -> Vec<(String, Value)> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let rows = runtime.block_on(async {
            let query = "SELECT event_type, facts FROM log.event WHERE category = $1 ORDER BY position";
            self.database.client().await.query(query, &[&domain::Category::DataAccess.number()]).await.unwrap()
        });
        rows.iter().map(|row| (row.get(0), serde_json::from_slice(row.get(1)).unwrap())).collect()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--format", "json"]].concat())).unwrap()
    }
}

#[test]
fn an_auditor_sees_how_things_were_without_a_key_and_opens_them_for_a_purpose() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sink = Sink::start(&["--login", "shop:let me in"]);
    let audited = Audited { place: Place::new(), database: runtime.block_on(TestDatabase::create()) };
    let mut program = Program::spawn(&mut audited.command());
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    let organization = account.person.ask("{ organization { id } }", json!({}))["organization"]["id"].as_str().unwrap().to_owned();
    let (email, founded) = messages(&account, sink.port);
    account_actions(&account);
    looking_back(&audited, &organization, &email, &founded);
    account.person.mutate("eraseAccount", "EraseAccountInput", "position", json!({}));
    eventually("the account is closed in the log", || {
        runtime.block_on(count(&audited.database, "AccountClosed")) == 1 && runtime.block_on(count(&audited.database, "EmailBounced")) >= 1
    });
    // The founder is forgotten: what the organisation was called was the organisation's and stays.
    let user = audited.json(&["timeline", &organization]);
    assert!(user.as_array().unwrap().iter().any(|event| event["type"] == "MemberLeft"), "{user:#}");
    program.terminate();
    if std::env::var_os("UPDATE_STORED_LOG").is_some() {
        runtime.block_on(store_log(&audited.database));
    }
}

/// Sends what ends in every way that takes no waiting; gives the id of the first message and the time before the server was connected.
fn messages(account: &Account, port: u16) -> (String, String) {
    let send = |to: &str, more: Value| {
        let mut input = json!({ "from": "shop@example.org", "to": [to], "subject": "Hello", "text": "Good morning." });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let sent = account.application.mutate("sendEmail", "SendEmailInput", "email { id createdAt }", input);
        (sent["email"]["id"].as_str().unwrap().to_owned(), sent["email"]["createdAt"].as_str().unwrap().to_owned())
    };
    let (_, founded) = send("delivered@lethemail.test", json!({}));
    account.connect(port);
    let (email, _) = send("bob@example.com", json!({ "tags": [{ "name": "order", "value": "7" }] }));
    send("refuse-carol@example.com", json!({}));
    send("defer-dora@example.com", json!({}));
    let (later, _) = send("eve@example.com", json!({ "scheduledAt": later_than(&founded) }));
    account.application.mutate("cancelEmail", "CancelEmailInput", "position", json!({ "email": later }));
    let states = r#"{ emails(filter: {status: [QUEUED]}) { nodes { uuid } } }"#;
    eventually("everything was tried", || account.application.ask(states, json!({}))["emails"]["nodes"] == json!([]));
    (email, founded)
}

/// The same time of a later day of the month, or of the next month.
fn later_than(time: &str) -> String {
    let day: u32 = time[8..10].parse().unwrap();
    let month: u32 = time[5..7].parse().unwrap();
    let year: u32 = time[..4].parse().unwrap();
    match (day < 28, month < 12) {
        (true, _) => format!("{}{:02}{}", &time[..8], day + 1, &time[10..]),
        (false, true) => format!("{}{:02}-01{}", &time[..5], month + 1, &time[10..]),
        (false, false) => format!("{}-01-01{}", year + 1, &time[10..]),
    }
}

fn account_actions(account: &Account) {
    let erase = |keep: bool| {
        let input = json!({ "address": "bob@example.com", "keepSuppressed": keep });
        account.application.mutate("eraseRecipient", "EraseRecipientInput", "position", input);
    };
    erase(true);
    let again = json!({ "from": "shop@example.org", "to": ["bob@example.com"], "subject": "Again", "text": "Hello." });
    account.application.mutate("sendEmail", "SendEmailInput", "position", again);
    erase(false);
    let made =
        account.person.mutate("createApiKey", "CreateApiKeyInput", "apiKey { id }", json!({ "name": "spare", "scopes": ["READ_EMAILS"] }));
    account.person.mutate("revokeApiKey", "RevokeApiKeyInput", "position", json!({ "apiKey": made["apiKey"]["id"] }));
    let anybody = Client::new(&account.person.url);
    let sign_in = |password: &str| {
        let query = "mutation($i: SignInInput!) { signIn(input: $i) { token } }";
        anybody.ask(query, json!({ "i": { "address": "ada@example.org", "password": password } }))["signIn"]["token"].clone()
    };
    assert_eq!(sign_in("wrong horse battery"), Value::Null);
    let second = anybody.with(sign_in(PASSWORD).as_str().unwrap());
    second.ask("mutation { signOut { position } }", json!({}));
}

fn looking_back(audited: &Audited, organization: &str, email: &str, founded: &str) {
    // Without --open no name is told, and no key is needed.
    let hidden = audited.text(&["show", organization, "--all"]);
    assert!(hidden.contains("OrganizationDetails (sealed)") && hidden.contains("SmtpServerDetails (sealed)"), "{hidden}");
    assert!(!hidden.contains("Analytical") && !hidden.contains("127.0.0.1") && !hidden.contains("let me in"), "{hidden}");
    let keys = audited.place.keys();
    std::fs::rename(&keys, keys.with_extension("away")).unwrap();
    let earlier = audited.json(&["show", organization, "--at", founded]);
    std::fs::rename(keys.with_extension("away"), &keys).unwrap();
    assert_eq!(earlier[0]["fields"].get("smtp_server"), None, "{earlier:#}");
    assert_eq!(earlier[0]["fields"]["details"], json!({ "holds": "OrganizationDetails", "personal_data": "sealed" }));
    // For a purpose, what the policy allows: never a secret, and nothing of somebody who was forgotten.
    let opened = audited.json(&["show", organization, "--all", "--open", "service"]);
    let field = |name: &str| opened.as_array().unwrap().iter().find_map(|thing| thing["fields"].get(name)).unwrap().clone();
    assert_eq!(field("details")["value"], json!({ "name": "Analytical Engines" }));
    assert_eq!(field("secret"), json!({ "holds": "SmtpSecret", "personal_data": "not_for_this_purpose" }));
    // Both are facts of the organisation: what was opened, and what was refused.
    let accesses = audited.accesses();
    let told = |event: &str, data: &str, purpose: &str| {
        let fits = |(name, facts): &&(String, Value)| name == event && facts["data"] == data && facts["purpose"] == purpose;
        accesses.iter().find(fits).unwrap_or_else(|| panic!("no {event} of {data} in {accesses:?}")).1.clone()
    };
    assert_eq!(told("DataOpened", "OrganizationDetails", "service")["count"], 1);
    assert_eq!(told("PurposeRefused", "SmtpSecret", "service")["refusal"], "not_for_this_data");
    assert!(!accesses.iter().any(|(name, facts)| name == "DataOpened" && facts["data"] == "SmtpSecret"), "{accesses:?}");
    let forgotten = audited.json(&["show", email, "--open", "service"]);
    assert_eq!(forgotten[0]["fields"]["recipients.0.details"], json!({ "holds": "RecipientDetails", "personal_data": "erased" }));
    assert_eq!(forgotten[0]["fields"]["recipients.0.state"], "relayed");
    // What changed, and which events did it.
    let changes = audited.json(&["diff", organization, "--from", founded]);
    let selected = changes.as_array().unwrap().iter().find(|change| change["field"] == "smtp_server").unwrap();
    assert_eq!((&selected["before"], &selected["causes"][0]["type"]), (&Value::Null, &json!("SmtpServerSelected")));
    let text = audited.text(&["diff", organization, "--from", founded]);
    assert!(text.contains("smtp_server: nothing -> smtp_server-") && text.contains("SmtpServerSelected  by member"), "{text}");
    // A place that an event names is a moment.
    let position = selected["causes"][0]["position"].as_str().unwrap();
    let then = audited.json(&["show", selected["stream"].as_str().unwrap(), "--at-position", position]);
    assert_eq!(then[0]["fields"]["smtp_server"], selected["after"]);
    let timeline = audited.json(&["timeline", email]);
    let types: Vec<&str> = timeline.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["EmailQueued", "TransmissionStarted", "EmailRelayed"]);
    // What the organisation's own people and programs opened is counted; the delivery's own reads come within seconds.
    eventually("the delivery's reads are counted", || audited.text(&["reads", "--org", organization]).contains("SpooledMail"));
    let reads = audited.json(&["reads", "--org", organization]);
    let secret = reads.as_array().unwrap().iter().find(|read| read["data"] == "SmtpSecret").unwrap_or_else(|| panic!("{reads:#}"));
    assert_eq!((&secret["actor"], &secret["purpose"]), (&json!("delivery"), &json!("smtp_auth")));
    refusals(audited, organization);
}

fn refusals(audited: &Audited, organization: &str) {
    for (arguments, told) in [
        (["show", organization, "--at", "2126-01-01T00:00:00Z"], "in the future"),
        (["show", organization, "--at", "2001-01-01T00:00:00Z"], "no such thing at that moment"),
        (["show", organization, "--at", "yesterday"], "not a time"),
        (["show", organization, "--open", "advertising"], "not a purpose"),
        (["show", "nobody", "--format", "text"], "neither a stream's name nor an id"),
    ] {
        let output = audited.ask(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(told) && output.stdout.is_empty(), "{arguments:?}: {said}");
    }
}

async fn count(database: &TestDatabase, event_type: &str) -> i64 {
    let query = "SELECT count(*) FROM log.event WHERE event_type = $1";
    database.client().await.query_one(query, &[&event_type]).await.unwrap().get(0)
}

/// Writes the log as the present program leaves it. Done once for each version of a stored form, and never again.
async fn store_log(database: &TestDatabase) {
    let query = "SELECT position, header, facts, encode(sealed, 'hex'), encode(salt, 'hex') FROM log.event ORDER BY position";
    let rows = database.client().await.query(query, &[]).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let lines = rows.iter().map(|row| {
        let (sealed, salt): (String, String) = (row.get(3), row.get(4));
        let line = json!({ "position": row.get::<_, i64>(0), "header": text(row.get(1)), "facts": text(row.get(2)), "sealed": sealed, "salt": salt });
        format!("{line}\n")
    });
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/domain/tests/domain/stored_log_v1.jsonl"), lines.collect::<String>()).unwrap();
}
