//! An installation's log moves from its database to a KurrentDB and back, with copies killed on the way, and nobody can tell but by the settings.

use super::account::Account;
use super::client::Client;
use super::histories::histories;
use super::installation::{Installation, said, send};
use crate::program::{Place, eventually};
use kurrentdb_double::Double;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Output, Stdio};

/// Before the first copy; and after each move.
const MESSAGES: usize = 40;
const MORE: usize = 3;

#[test]
fn a_log_moves_to_kurrentdb_and_back_and_copies_that_are_killed_are_carried_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Double::start());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut installation = Installation { place: Place::new(), log: None, port };
    let mut program = installation.start();
    let account = Account::first(&mut program);
    let client = &account.application;
    sends(client, 0..MESSAGES);
    let old_position = position(client);

    // While the server runs, and killed twice.
    for enough in [20, 80] {
        let mut copy = installation.command().args(["log", "copy", "database", &server.url()]).stdout(Stdio::null()).spawn().unwrap();
        eventually("some of it is copied", || server.events() > enough);
        assert!(copy.try_wait().unwrap().is_none(), "it is killed amid its work");
        copy.kill().unwrap();
        copy.wait().unwrap();
    }
    let copied = installation.done(&["log", "copy", "database", &server.url()]);
    assert!(copied.contains("stand in both logs, byte for byte") && !copied.contains(" 0 of them were written"), "{copied}");
    assert!(installation.done(&["log", "copy", "database", &server.url()]).contains("; 0 of them were written now"));
    sends(client, MESSAGES..MESSAGES + MORE);
    refused(&installation, &["log", "copy", "database", &server.url(), "--switch"], "stop every process");
    assert!(program.terminate().0.success());
    let before = contents(&installation);

    let moved = installation.done(&["log", "copy", "database", &server.url(), "--switch"]);
    assert!(moved.contains("this installation goes on with log"), "{moved}");
    refused(&installation, &["serve"], "moved out of the database");
    let other = runtime.block_on(Double::start());
    installation.log = Some(other.url());
    refused(&installation, &["serve"], "this one is empty");
    installation.log = Some(server.url());
    let program = installation.start();
    diagnosed(&installation, 0, "ok     event store: KurrentDB 25.1.0 at 127.0.0.1:");
    diagnosed(&installation, 0, "ok     event store: it holds this installation's log");
    installation.log = Some(other.url());
    diagnosed(&installation, 1, "wrong  event store: this installation belongs to log");
    installation.log = Some(server.url());
    until_made_again(&installation);
    assert_eq!(contents(&installation), before, "what does not hold positions was kept, and so was its content");
    sends(client, MESSAGES + MORE..MESSAGES + 2 * MORE);
    an_old_position_is_refused(client, &old_position);
    all_is_well(&installation, client);
    assert!(program.terminate().0.success());

    let before = contents(&installation);
    let back = installation.done(&["log", "copy", "event_store", "database", "--switch"]);
    assert!(back.contains("this installation goes on with log"), "{back}");
    refused(&installation, &["serve"], "this is a copy of it");
    installation.log = None;
    let program = installation.start();
    until_made_again(&installation);
    assert_eq!(contents(&installation), before);
    sends(client, MESSAGES + 2 * MORE..MESSAGES + 3 * MORE);
    all_is_well(&installation, client);
    assert!(program.terminate().0.success());
}

/// And waits until the sandbox has them.
fn sends(client: &Client, numbers: std::ops::Range<usize>) {
    let all = numbers.end;
    numbers.for_each(|number| drop(send(client, number)));
    eventually("all is delivered", || {
        let histories = histories(client);
        histories.len() == all && histories.values().all(|email| email["recipients"][0]["state"] == "DELIVERED")
    });
}

fn position(client: &Client) -> Value {
    client.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": "nobody@example.net" }))["position"].clone()
}

/// Its number means something else in the copy.
fn an_old_position_is_refused(client: &Client, position: &Value) {
    let query = "query($at: Position!) { emails(first: 1, atLeast: $at) { nodes { id } } }";
    let (_, answer) = client.post("/graphql", &json!({ "query": query, "variables": { "at": position } }));
    assert!(answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains("another log")), "{answer:#}");
}

fn refused(installation: &Installation, arguments: &[&str], why: &str) {
    let output: Output = installation.command().args(arguments).output().unwrap();
    assert!(!output.status.success() && said(&output).contains(why), "{arguments:?}: {}", said(&output));
}

/// What `doctor` finds beside the running server.
fn diagnosed(installation: &Installation, code: i32, finding: &str) {
    let output = installation.command().arg("doctor").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(code) && told.contains(finding), "{told}");
}

/// The read models whose content does not speak of positions, by name.
fn contents(installation: &Installation) -> BTreeMap<String, String> {
    let list = installation.done(&["projections", "list"]);
    let of = |line: &str| (line.split_whitespace().next().unwrap().to_owned(), line.split_whitespace().last().unwrap().to_owned());
    list.lines().map(of).filter(|(name, _)| name != "account_history").collect()
}

fn until_made_again(installation: &Installation) {
    let version = projections::all().iter().find(|projection| projection.name == "account_history").unwrap().version;
    let version = format!(" version {version} ");
    eventually("what holds positions was made again", || {
        let status = installation.done(&["projections", "status"]);
        status.lines().any(|line| line.starts_with("account_history ") && line.contains(&version))
    });
}

fn all_is_well(installation: &Installation, client: &Client) {
    eventually("requests may come", || client.get_text("/readyz").0 == 200);
    let verified = installation.done(&["projections", "verify"]);
    assert_eq!(verified.matches(": same").count(), projections::all().len(), "{verified}");
}
