//! The program is killed ten times amid a thousand sends. Nothing that was acknowledged is lost, and nothing is repeated silently.

use super::account::Account;
use super::client::Client;
use super::samples::recipient;
use super::sink::Sink;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MESSAGES: usize = 1000;
const KILLS: usize = 10;
const SENDERS: usize = 8;
/// The default of `smtp.concurrency_per_server`.
pub const CONNECTIONS: usize = 8;

#[test]
fn ten_kills_amid_a_thousand_sends_lose_nothing_and_repeat_nothing_silently() {
    let sink = Sink::start(&["--login", "shop:let me in", "--pipelining"]);
    let place = Place::new();
    let port = free_port();
    let start = || {
        let mut command = lethemail(&place);
        command.env("LETHEMAIL_LISTEN", format!("127.0.0.1:{port}")).env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8");
        let mut program = Program::spawn(&mut command);
        program.until("\"ready\"");
        program
    };
    let mut program = start();
    let account = Account::first(&mut program);
    let mut program = Some(program);
    account.connect(sink.port);

    let acknowledged: Mutex<BTreeMap<usize, String>> = Mutex::default();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| send_all(&account.application, MESSAGES, &next, &acknowledged));
        }
        for kill in 0..KILLS {
            let had = acknowledged.lock().unwrap().len();
            // The next kill comes amid work: after at least a few more were acknowledged, and a random moment later.
            eventually("sending goes on", || acknowledged.lock().unwrap().len() >= (had + 40).min(MESSAGES));
            pause(Duration::from_millis(RandomState::new().hash_one(kill) % 400));
            program.take().unwrap().kill();
            program = Some(start());
            if kill % 3 == 0 {
                // Being asked to stop amid work loses nothing either, and leaves nothing in doubt.
                assert!(program.take().unwrap().terminate().0.success());
                program = Some(start());
            }
        }
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert_eq!(acknowledged.len(), MESSAGES);
    every_acknowledged_recipient_has_a_fate(&account.application, &sink, &acknowledged, CONNECTIONS * KILLS);
    assert!(program.unwrap().terminate().0.success());
}

/// Sends the messages that nobody took yet, each until it is acknowledged: whoever gets no answer asks again with the same key.
pub fn send_all(client: &Client, messages: usize, next: &AtomicUsize, acknowledged: &Mutex<BTreeMap<usize, String>>) {
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= messages {
            return;
        }
        let id = send_until_acknowledged(client, number);
        acknowledged.lock().unwrap().insert(number, id);
    }
}

fn send_until_acknowledged(client: &Client, number: usize) -> String {
    let query = "mutation($input: SendEmailInput!) { sendEmail(input: $input) { userErrors { code } email { uuid } } }";
    let input = json!({
        "idempotencyKey": format!("message-{number}"),
        "from": "shop@example.org",
        "to": [plain_recipient(number)],
        "subject": format!("Message {number}"),
        "text": "Good morning.",
        "headers": [{ "name": "X-Number", "value": number.to_string() }],
    });
    let body = json!({ "query": query, "variables": { "input": input } });
    let answer: Mutex<Option<String>> = Mutex::default();
    eventually("the message is acknowledged", || {
        // No answer, or one of a program that is being killed: both mean asking again.
        let Ok((200, answered)) = client.try_post("/graphql", &body) else { return false };
        let id = answered["data"]["sendEmail"]["email"]["uuid"].as_str().map(str::to_owned);
        *answer.lock().unwrap() = id.clone();
        id.is_some()
    });
    answer.into_inner().unwrap().unwrap()
}

/// Those who take mail and those who refuse it; nobody who would have to be tried again minutes later.
fn plain_recipient(number: usize) -> String {
    let address = recipient(number);
    if address.starts_with("defer-") || address.starts_with("greylist-") { format!("r{number}@example.net") } else { address }
}

pub fn every_acknowledged_recipient_has_a_fate(client: &Client, sink: &Sink, acknowledged: &BTreeMap<usize, String>, in_doubt_max: usize) {
    let open = r#"{ emails(first: 1, filter: {status: [QUEUED, DEFERRED]}) { nodes { uuid status timeline { type } } } }"#;
    eventually("nothing is queued", || client.ask(open, json!({}))["emails"]["nodes"] == json!([]));
    let mut copies: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, text) in sink.taken() {
        let number = text.lines().find_map(|line| line.strip_prefix("X-Number: ")).expect("our header field");
        *copies.entry(number.trim().parse().unwrap()).or_default() += 1;
    }
    let histories = super::histories::histories(client);
    assert_eq!(histories.len(), acknowledged.len(), "every acknowledged message is there once, and no other");
    let mut in_doubt = 0;
    for (number, uuid) in acknowledged {
        let email = histories.get(uuid).unwrap_or_else(|| panic!("message {number} was acknowledged and is gone"));
        let copies = copies.get(number).copied().unwrap_or_default();
        let started = email["timeline"].as_array().unwrap().iter().filter(|event| event["type"] == "TRANSMISSION_STARTED").count();
        assert!(copies <= started, "message {number} came {copies} times: {email:#}");
        match email["recipients"][0]["state"].as_str().unwrap() {
            "RELAYED" => assert!(copies >= 1, "message {number} never came: {email:#}"),
            "BOUNCED" => assert_eq!(copies, 0, "{email:#}"),
            "IN_DOUBT" => in_doubt += 1,
            state => panic!("message {number} is {state}: {email:#}"),
        }
    }
    assert!(in_doubt <= in_doubt_max, "{in_doubt} are in doubt");
    assert_conserved(&client.ask(STATS, json!({}))["deliveryStats"]);
}

const STATS: &str =
    "{ deliveryStats { openQueued openInDoubt days { accepted delivered relayed bounced suppressed cancelled abandoned } } }";

/// accepted = delivered + relayed + bounced + suppressed + cancelled + abandoned + in doubt + still queued.
fn assert_conserved(stats: &Value) {
    let sum = |field: &str| stats["days"].as_array().unwrap().iter().map(|day| day[field].as_u64().unwrap()).sum::<u64>();
    let ended: u64 = ["delivered", "relayed", "bounced", "suppressed", "cancelled", "abandoned"].iter().map(|field| sum(field)).sum();
    let open = stats["openQueued"].as_u64().unwrap() + stats["openInDoubt"].as_u64().unwrap();
    assert_eq!(sum("accepted"), ended + open, "{stats:#}");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[expect(clippy::disallowed_methods, reason = "a kill comes at a moment that nobody chose")]
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}
