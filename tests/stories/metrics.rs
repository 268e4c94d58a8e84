//! What the metrics say of an installation at work, and that they name nobody.

use super::account::Account;
use super::client::Client;
use super::histories::histories;
use super::installation::send;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MESSAGES: usize = 5;

/// Where the metrics of a program that is ready are.
pub fn metrics_of(program: &Program) -> Client {
    let ready = program.said.iter().find(|line| line.contains("\"ready\"")).expect("the program is ready");
    let ready: Value = serde_json::from_str(ready).unwrap();
    Client::new(&format!("http://{}", ready["metrics_listen"].as_str().unwrap()))
}

/// Every value by its name and labels; every name has been described.
fn values(metrics: &Client) -> BTreeMap<String, f64> {
    let (status, text) = metrics.get_text("/metrics");
    assert_eq!(status, 200);
    let (comments, lines): (Vec<&str>, Vec<&str>) = text.lines().filter(|line| !line.is_empty()).partition(|line| line.starts_with('#'));
    for line in &lines {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(comments.iter().any(|comment| comment.starts_with(&format!("# TYPE {family} "))), "{line}");
        assert!(include_str!("../../docs/metrics.md").contains(family.trim_end_matches("_idle").trim_end_matches("_max")), "{family}");
    }
    lines.iter().map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[test]
fn metrics_tell_what_an_installation_does() {
    let place = Place::new();
    let mut program = Program::spawn(lethemail(&place).args(["--metrics-listen", "127.0.0.1:0"]));
    program.until("\"ready\"");
    let metrics = metrics_of(&program);
    let account = Account::first(&mut program);
    let client = &account.application;
    (0..MESSAGES).for_each(|number| drop(send(client, number)));
    eventually("all is delivered", || {
        let histories = histories(client);
        histories.len() == MESSAGES && histories.values().all(|email| email["recipients"][0]["state"] == "DELIVERED")
    });
    assert_eq!(client.post("/emails/not-a-route/at/all", &json!({})).0, 404);

    eventually("the read models have caught up", || values(&metrics)["lethemail_projection_lag_events{projection=\"emails\"}"] == 0.0);
    let values = values(&metrics);
    let value = |name: &str| *values.get(name).unwrap_or_else(|| panic!("no {name}: {values:#?}"));
    // The confirmation mail is one more.
    let sent = MESSAGES as f64 + 1.0;
    assert_eq!(value("lethemail_delivery_recipients_total{event=\"EmailDelivered\"}"), sent);
    assert_eq!(value("lethemail_events_total{event=\"EmailQueued\"}"), sent);
    assert_eq!(value("lethemail_delivery_queue_messages{state=\"due\"}"), 0.0);
    assert!(value("lethemail_appends_total{outcome=\"written\"}") > sent);
    let events: f64 = values.iter().filter(|(name, _)| name.starts_with("lethemail_events_total")).map(|(_, value)| value).sum();
    assert_eq!(value("lethemail_log_head_position"), events, "this process wrote all there is");
    assert!(value("lethemail_append_duration_seconds_count") > sent);
    assert!(value("lethemail_http_requests_total{method=\"POST\",route=\"/graphql\",status=\"200\"}") > sent);
    assert!(values.keys().any(|name| name.contains("status=\"404\"")) && !values.keys().any(|name| name.contains("not-a-route")));
    assert_eq!(value("lethemail_part_up{part=\"database\"}"), 1.0);
    assert_eq!(value(&format!("lethemail_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6 && value("lethemail_pool_connections{pool=\"app\"}") >= 1.0);
    assert_eq!(client.get_text("/metrics").0, 404, "not where everybody is");
    assert!(program.terminate().0.success());
}
