//! The log lies on a KurrentDB, everything else in PostgreSQL. A double of its protocol stands for the server, in the process of the test; or
//! `KURRENTDB_URL` names a server, which must hold nothing yet (`make test-kurrentdb`).

use super::account::Account;
use super::client::Client;
use super::main_path::histories;
use super::sink::Sink;
use crate::program::{Place, Program, eventually, lethemail};
use kurrentdb_double::Double;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Command, Output};

/// Before the program is killed, and amid it.
const MESSAGES: usize = 12;
const PEOPLE: usize = 4;

pub struct Installation {
    pub place: Place,
    /// `None`: in the database.
    pub log: Option<String>,
    pub port: u16,
}

impl Installation {
    pub fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        // Nothing is written but what the story sends.
        command.env("LETHEMAIL_TRANSPARENCY__CHECKPOINT_INTERVAL_S", "86400");
        command.env("LETHEMAIL_LISTEN", format!("127.0.0.1:{}", self.port)).env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8");
        if let Some(log) = &self.log {
            command.env("LETHEMAIL_EVENT_STORE__URL", log);
        }
        command
    }

    pub fn start(&self) -> Program {
        let mut program = Program::spawn(&mut self.command());
        program.until("\"ready\"");
        program
    }

    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn with_the_log_on_kurrentdb_mail_is_sent_explained_and_forgotten_and_a_kill_loses_nothing_acknowledged() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match std::env::var("KURRENTDB_URL") {
        Ok(url) => the_main_path_is_walked(url),
        Err(_) => {
            let server = runtime.block_on(Double::start());
            the_main_path_is_walked(server.url());
        }
    }
}

#[test]
fn with_the_log_on_a_cluster_of_three_it_is_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = runtime.block_on(Double::cluster(3));
    // The first of the address follows.
    cluster.lead(1);
    the_main_path_is_walked(cluster.url());
}

fn the_main_path_is_walked(log: String) {
    let sink = Sink::start(&["--login", "shop:let me in"]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let installation = Installation { place: Place::new(), log: Some(log), port };
    let mut program = installation.start();
    let account = Account::first(&mut program);
    account.connect(sink.port);
    let client = &account.application;

    let mut sent: BTreeMap<String, usize> = (0..MESSAGES).map(|number| (send(client, number), number)).collect();
    until_all_is_relayed(client, MESSAGES);
    sent.extend((MESSAGES..MESSAGES * 2).map(|number| (send(client, number), number)));
    program.kill();
    let program = installation.start();
    for (uuid, number) in &sent {
        assert_eq!(&send(client, *number), uuid, "whoever asks again gets the first answer");
    }
    until_nothing_is_under_way(client, MESSAGES * 2);
    every_history_is_told(client, &sink, &sent);
    eventually("requests may come", || client.get_text("/readyz").0 == 200);

    client.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": recipient(1) }));
    only_one_is_forgotten(client, &sent);
    read_models_are_made_again(&installation);
    the_past_is_told(&installation, client);
    only_one_is_forgotten(client, &sent);
    let (status, words) = program.terminate();
    assert!(status.success(), "{words:?}");
    the_log_is_not_mistaken(&installation);
}

/// Answers the id under which the message was accepted.
pub fn send(client: &Client, number: usize) -> String {
    let input = json!({
        "idempotencyKey": format!("message-{number}"),
        "from": "shop@example.org",
        "to": [recipient(number)],
        "subject": format!("Message {number}"),
        "text": "Good morning.",
        "headers": [{ "name": "X-Number", "value": number.to_string() }],
    });
    client.mutate("sendEmail", "SendEmailInput", "email { uuid }", input)["email"]["uuid"].as_str().unwrap().to_owned()
}

fn recipient(number: usize) -> String {
    format!("person-{}@example.net", number % PEOPLE)
}

fn state(email: &Value) -> &str {
    email["recipients"][0]["state"].as_str().unwrap()
}

fn until_all_is_relayed(client: &Client, messages: usize) {
    eventually("all is relayed", || {
        let histories = histories(client);
        histories.len() == messages && histories.values().all(|email| state(email) == "RELAYED")
    });
}

fn until_nothing_is_under_way(client: &Client, messages: usize) {
    eventually("nothing is under way", || {
        let histories = histories(client);
        histories.len() == messages && histories.values().all(|email| ["RELAYED", "IN_DOUBT"].contains(&state(email)))
    });
}

fn every_history_is_told(client: &Client, sink: &Sink, sent: &BTreeMap<String, usize>) {
    let histories = histories(client);
    assert_eq!(histories.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
    let taken = sink.taken();
    for (uuid, number) in sent {
        let email = &histories[uuid];
        assert_eq!(email["subject"].as_str(), Some(&*format!("Message {number}")), "{email:#}");
        assert_eq!(email["recipients"][0]["address"].as_str(), Some(&*recipient(*number)), "{email:#}");
        let types: Vec<&str> = email["timeline"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(&types[..2], ["QUEUED", "TRANSMISSION_STARTED"], "{email:#}");
        let header = format!("X-Number: {number}");
        let copies = taken.iter().filter(|(_, text)| text.lines().any(|line| line.trim_end() == header)).count();
        assert!(copies == 1 || copies == 0 && state(email) == "IN_DOUBT", "{copies} copies: {email:#}");
    }
}

fn only_one_is_forgotten(client: &Client, sent: &BTreeMap<String, usize>) {
    let histories = histories(client);
    for (uuid, number) in sent {
        let shown = &histories[uuid]["recipients"][0];
        let expected = if number % PEOPLE == 1 { (None, Some("ERASED")) } else { (Some(recipient(*number)), Some("READABLE")) };
        assert_eq!((shown["address"].as_str().map(str::to_owned), shown["personalData"].as_str()), expected, "{shown:#}");
    }
}

/// Each beside the running server, to the same content; how far they are behind is told by time, as nothing else can be known.
fn read_models_are_made_again(installation: &Installation) {
    let list = installation.done(&["projections", "list"]);
    assert!(list.lines().count() == 8 && list.lines().all(|line| line.contains(" s behind ")), "{list}");
    for line in list.lines() {
        let name = line.split_whitespace().next().unwrap();
        installation.done(&["projections", "rebuild", name]);
    }
    let verified = installation.done(&["projections", "verify"]);
    assert_eq!(verified.matches(": same").count(), 8, "{verified}");
    let status = installation.done(&["projections", "status"]);
    assert!(!status.contains("events") && status.contains(" s behind"), "{status}");
}

fn the_past_is_told(installation: &Installation, client: &Client) {
    let email = client.ask("{ emails(first: 1) { nodes { id } } }", json!({}))["emails"]["nodes"][0]["id"].clone();
    let timeline = installation.done(&["audit", "timeline", email.as_str().unwrap()]);
    assert!(timeline.contains("EmailQueued") && timeline.contains("TransmissionStarted"), "{timeline}");
}

/// A slip in the settings does not begin a second log.
fn the_log_is_not_mistaken(installation: &Installation) {
    let output = installation.command().env_remove("LETHEMAIL_EVENT_STORE__URL").arg("serve").output().unwrap();
    assert!(!output.status.success() && said(&output).contains("event_store.url"), "{}", said(&output));
}
