//! Sign up, send a thousand messages to three hundred people, deliver them, read every history, forget twenty of the people.

use super::account::Account;
use super::client::Client;
use super::histories::histories;
use super::samples::{self, RECIPIENTS, recipient, root};
use super::sink::Sink;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

const MESSAGES: usize = 1000;
const FORGOTTEN: usize = 20;

/// A message as it was asked for, with the id that it got.
struct Sent {
    /// `to`, `cc` and `bcc`, in the order in which they are numbered.
    recipients: Vec<String>,
    subject: String,
}

#[test]
fn a_thousand_messages_are_sent_delivered_and_explained_and_twenty_people_are_forgotten() {
    let sink = Sink::start(&["--login", "shop:let me in"]);
    let place = Place::new();
    let clock = place.path().join("clock");
    std::fs::write(&clock, "0").unwrap();
    let mut command = lethemail(&place);
    command.env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8").env("LETHEMAIL_CLOCK_FILE", &clock);
    let mut program = Program::spawn(&mut command);
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    account.connect(sink.port);

    let messages = samples::messages(MESSAGES);
    let (by_sdk, by_graphql) = messages.split_at(MESSAGES / 2);
    let mut sent = send_by_sdk(&account, by_sdk);
    sent.extend(send_by_graphql(&account.application, by_graphql));
    assert_eq!(sent.len(), MESSAGES);

    until_nothing_is_queued(&account.application);
    // Whoever was deferred is tried again a minute later, and a few by then more patient ones take the mail.
    std::fs::write(&clock, "150").unwrap();
    eventually("the greylisted have their mail", || {
        let taken: BTreeSet<String> = sink.taken().into_iter().map(|(to, _)| to).collect();
        greylisted().iter().all(|address| taken.contains(address))
    });
    until_nothing_is_queued(&account.application);

    every_history_is_told(&account.application, &sent);
    nothing_came_twice(&sink, &sent);
    the_sums_agree(&account.application, &sent);
    read_models_rebuild_to_the_same(&place, &clock);

    let forgotten: BTreeSet<String> = (0..FORGOTTEN).map(|number| recipient(number * 7)).collect();
    assert_eq!(forgotten.len(), FORGOTTEN);
    for address in &forgotten {
        account.application.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": address }));
    }
    only_the_forgotten_are_gone(&account.application, &sent, &forgotten);
    let (status, said) = program.terminate();
    assert!(status.success(), "{said:?}");
}

fn greylisted() -> Vec<String> {
    (0..RECIPIENTS).map(recipient).filter(|address| address.starts_with("greylist-")).collect()
}

fn sent(message: &Value) -> Sent {
    let recipients = ["to", "cc", "bcc"].iter().flat_map(|field| message[field].as_array().cloned().unwrap_or_default());
    Sent {
        recipients: recipients.map(|to| to.as_str().unwrap().to_owned()).collect(),
        subject: message["subject"].as_str().unwrap().to_owned(),
    }
}

/// Every fifth request is a batch of ten. Batches take no attachments.
fn send_by_sdk(account: &Account, messages: &[Value]) -> BTreeMap<String, Sent> {
    let (plain, attached): (Vec<&Value>, Vec<&Value>) = messages.iter().partition(|message| message["attachments"].is_null());
    let (batched, single) = plain.split_at(plain.len() / 50 * 10);
    let mut requests: Vec<Vec<&Value>> = batched.chunks(10).map(<[_]>::to_vec).collect();
    requests.extend(single.iter().chain(&attached).map(|message| vec![*message]));
    let mut input = String::new();
    for request in &requests {
        let parameters = if request.len() > 1 { json!(request) } else { request[0].clone() };
        input.push_str(&format!("{parameters}\n"));
    }
    let answers = sdk(account, &input);
    assert_eq!(answers.len(), requests.len());
    let mut all = BTreeMap::new();
    for (request, answer) in requests.iter().zip(answers) {
        let ids = answer.as_array().unwrap_or_else(|| panic!("{answer} to {request:?}"));
        all.extend(ids.iter().zip(request).map(|(id, message)| (id.as_str().unwrap().to_owned(), sent(message))));
    }
    let id = all.keys().next().unwrap();
    let read = &sdk(account, &format!("GET:{id}\n"))[0];
    assert_eq!((read["id"].as_str(), read["subject"].as_str()), (Some(id.as_str()), Some(all[id].subject.as_str())));
    all
}

fn sdk(account: &Account, input: &str) -> Vec<Value> {
    let mut child = Command::new(root().join("scripts/python-peer"))
        .arg(root().join("tests/peers/resend_sends.py"))
        .args([&account.application.url, &account.key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Batches of twenty and, for every fifth of them, one by one.
fn send_by_graphql(client: &Client, messages: &[Value]) -> BTreeMap<String, Sent> {
    let mut all = BTreeMap::new();
    for (number, batch) in messages.chunks(20).enumerate() {
        let inputs: Vec<Value> = batch.iter().map(as_input).collect();
        let ids: Vec<String> = if number % 5 == 0 {
            let one = |input: &Value| {
                client.mutate("sendEmail", "SendEmailInput", "email { uuid }", input.clone())["email"]["uuid"].as_str().unwrap().to_owned()
            };
            inputs.iter().map(one).collect()
        } else {
            let payload = client.mutate("sendEmails", "SendEmailsInput", "emails { uuid }", json!({ "messages": inputs }));
            payload["emails"].as_array().unwrap().iter().map(|email| email["uuid"].as_str().unwrap().to_owned()).collect()
        };
        all.extend(ids.into_iter().zip(batch.iter().map(sent)));
    }
    all
}

fn as_input(message: &Value) -> Value {
    let mut input = message.clone();
    let headers = message["headers"].as_object().unwrap();
    input["headers"] = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    input
}

fn until_nothing_is_queued(client: &Client) {
    let query = r#"{ emails(first: 1, filter: {status: [QUEUED]}) { nodes { uuid } } }"#;
    eventually("nothing waits for its first attempt", || client.ask(query, json!({}))["emails"]["nodes"] == json!([]));
}

fn expected_state(address: &str) -> &'static str {
    match address {
        _ if address.starts_with("refuse-") || address.starts_with("late-refuse-") => "BOUNCED",
        _ if address.starts_with("defer-") => "DEFERRED",
        _ => "RELAYED",
    }
}

fn every_history_is_told(client: &Client, sent: &BTreeMap<String, Sent>) {
    let histories = histories(client);
    assert_eq!(histories.keys().collect::<Vec<_>>(), sent.keys().collect::<Vec<_>>());
    for (uuid, sent) in sent {
        let email = &histories[uuid];
        assert_eq!((email["subject"].as_str(), email["personalData"].as_str()), (Some(sent.subject.as_str()), Some("READABLE")));
        // The server judges the text once for all who were named: one late refusal refuses everybody.
        let text_refused = sent.recipients.iter().any(|address| address.starts_with("late-refuse-"));
        for (recipient, address) in email["recipients"].as_array().unwrap().iter().zip(&sent.recipients) {
            assert_eq!(recipient["address"].as_str(), Some(address.as_str()), "{email:#}");
            let state = recipient["state"].as_str().unwrap();
            assert!(state == expected_state(address) || (text_refused && state == "BOUNCED"), "{address} is {state}: {email:#}");
        }
        let types: Vec<&str> = email["timeline"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(types[0], "QUEUED");
        let started = types.iter().filter(|kind| **kind == "TRANSMISSION_STARTED").count();
        assert_eq!(started > 0, types.contains(&"RELAYED") || text_refused, "{types:?}");
    }
}

fn nothing_came_twice(sink: &Sink, sent: &BTreeMap<String, Sent>) {
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (to, text) in sink.taken() {
        let number = text.lines().find_map(|line| line.strip_prefix("X-Number: ")).expect("our header field").trim().to_owned();
        *taken.entry((number, to)).or_default() += 1;
    }
    assert_eq!(taken.values().max(), Some(&1), "nobody got a message twice");
    // A text that is refused late is refused to all who were named with it; who that was depends on whom the server deferred before.
    for sent in sent.values().filter(|sent| !sent.recipients.iter().any(|to| to.starts_with("late-refuse-"))) {
        let number = sent.subject.trim_start_matches('[').split(']').next().unwrap();
        for address in &sent.recipients {
            let came = taken.contains_key(&(number.to_owned(), address.clone()));
            assert_eq!(came, expected_state(address) == "RELAYED", "message {number} to {address}");
        }
    }
}

/// The law of conservation, per recipient.
fn the_sums_agree(client: &Client, sent: &BTreeMap<String, Sent>) {
    let query =
        "{ deliveryStats { openQueued openInDoubt days { accepted messages delivered relayed bounced suppressed cancelled abandoned } } }";
    let stats = client.ask(query, json!({}))["deliveryStats"].clone();
    let sum = |field: &str| stats["days"].as_array().unwrap().iter().map(|day| day[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("messages"), sent.len() as u64);
    assert_eq!(sum("accepted"), sent.values().map(|sent| sent.recipients.len() as u64).sum::<u64>());
    let ended: u64 = ["delivered", "relayed", "bounced", "suppressed", "cancelled", "abandoned"].iter().map(|field| sum(field)).sum();
    let open = stats["openQueued"].as_u64().unwrap() + stats["openInDoubt"].as_u64().unwrap();
    assert_eq!(sum("accepted"), ended + open, "{stats:#}");
}

/// Each read model is thrown away and made again beside the running server.
fn read_models_rebuild_to_the_same(place: &Place, clock: &std::path::Path) {
    let projections = |arguments: &[&str]| {
        let output = lethemail(place).env("LETHEMAIL_CLOCK_FILE", clock).arg("projections").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let list = projections(&["list"]);
    assert_eq!(list.lines().count(), projections::all().len(), "{list}");
    for line in list.lines() {
        let (name, hash) = (line.split_whitespace().next().unwrap(), line.split_whitespace().last().unwrap());
        assert!(projections(&["rebuild", name]).trim_end().ends_with(hash), "{name} was rebuilt to something else than {line}");
    }
}

fn only_the_forgotten_are_gone(client: &Client, sent: &BTreeMap<String, Sent>, forgotten: &BTreeSet<String>) {
    let histories = histories(client);
    for (uuid, sent) in sent {
        let email = &histories[uuid];
        for (recipient, address) in email["recipients"].as_array().unwrap().iter().zip(&sent.recipients) {
            let (shown, personal_data) = (recipient["address"].as_str(), recipient["personalData"].as_str());
            if forgotten.contains(address) {
                assert_eq!((shown, personal_data), (None, Some("ERASED")), "{email:#}");
            } else {
                assert_eq!((shown, personal_data), (Some(address.as_str()), Some("READABLE")), "{email:#}");
            }
        }
        if sent.recipients.iter().all(|address| forgotten.contains(address)) {
            assert_eq!(email["subject"], Value::Null, "the subject line went with those it was written to: {email:#}");
        }
        let whole = email.to_string();
        assert!(forgotten.iter().all(|address| !whole.contains(address.as_str())), "{email:#}");
        assert!(email["timeline"].as_array().unwrap().len() >= 2, "the facts remain: {email:#}");
    }
    for address in forgotten {
        let query = "query($address: String!) { emails(filter: {recipient: $address}) { nodes { uuid } } }";
        assert_eq!(client.ask(query, json!({ "address": address }))["emails"]["nodes"], json!([]), "{address}");
    }
    let one = sent.values().flat_map(|sent| &sent.recipients).find(|address| !forgotten.contains(*address)).unwrap();
    let query = "query($address: String!) { emails(filter: {recipient: $address}) { nodes { uuid } } }";
    assert_ne!(client.ask(query, json!({ "address": one }))["emails"]["nodes"], json!([]));
}
