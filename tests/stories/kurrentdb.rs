//! The log lies on a KurrentDB, which must hold nothing yet, everything else in PostgreSQL. This story is run by `tests/kurrentdb.rs`.

use super::account::Account;
use super::client::Client;
use super::histories::histories;
use super::installation::{Installation, recipient, said, send};
use crate::program::{Place, eventually};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use test_support::SmtpSink;
use tokio::runtime::Runtime;

/// Before the program is killed, and amid it.
const MESSAGES: usize = 12;

pub fn mail_is_sent_explained_and_forgotten_and_a_kill_loses_nothing_acknowledged(log: String) {
    let runtime = Runtime::new().unwrap();
    let sink = runtime.block_on(SmtpSink::with_login("shop", "let me in")).unwrap();
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

fn every_history_is_told(client: &Client, sink: &SmtpSink, sent: &BTreeMap<String, usize>) {
    let histories = histories(client);
    assert_eq!(histories.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
    let taken = sink.kept();
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
        let expected =
            if recipient(*number) == recipient(1) { (None, Some("ERASED")) } else { (Some(recipient(*number)), Some("READABLE")) };
        assert_eq!((shown["address"].as_str().map(str::to_owned), shown["personalData"].as_str()), expected, "{shown:#}");
    }
}

/// Each beside the running server, to the same content; how far they are behind is told by time, as nothing else can be known.
fn read_models_are_made_again(installation: &Installation) {
    let list = installation.done(&["projections", "list"]);
    let models = projections::all().len();
    assert!(list.lines().count() == models && list.lines().all(|line| line.contains(" s behind ")), "{list}");
    for line in list.lines() {
        let name = line.split_whitespace().next().unwrap();
        installation.done(&["projections", "rebuild", name]);
    }
    let verified = installation.done(&["projections", "verify"]);
    assert_eq!(verified.matches(": same").count(), models, "{verified}");
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
