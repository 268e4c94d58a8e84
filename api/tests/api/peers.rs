//! Clients that other people wrote.

use super::installation::Installation;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

fn peer(runner: &str, script: &str, arguments: &[&str]) -> Command {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts");
    let mut command = Command::new(format!("{scripts}/{runner}"));
    command.arg(script).args(arguments).kill_on_drop(true);
    command
}

async fn output(mut command: Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[actix_web::test]
async fn graphql_http_finds_nothing_to_object_to() {
    let installation = Installation::new().await;
    let audits = output(peer("node-peer", "audits.mjs", &[&format!("{}/graphql", installation.url)])).await;
    assert_eq!(audits, "61 of 61\n");
}

#[actix_web::test]
async fn resends_sdk_for_node_works_with_another_base_url() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let answers = output(peer("node-peer", "resend_sdk.mjs", &[&installation.url, &account.key])).await;
    let answers: Value = serde_json::from_str(&answers).unwrap();
    assert_eq!(answers["first"]["error"], Value::Null, "{answers:#}");
    assert_eq!(answers["first"]["data"]["id"], answers["again"]["data"]["id"]);
    assert_eq!(answers["other"]["error"]["name"], "invalid_idempotent_request");
    assert_eq!(answers["other"]["error"]["statusCode"], 409);
    assert_eq!(answers["read"]["data"]["to"], json!(["bob@example.com"]));
    assert_eq!(answers["read"]["data"]["last_event"], "queued");
    assert_eq!(answers["read"]["data"]["reply_to"], json!(["help@example.org"]));
    assert_eq!(answers["batch"]["data"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(answers["permissive"]["data"]["data"].as_array().unwrap().len(), 1);
    assert_eq!(answers["permissive"]["data"]["errors"][0]["index"], 1);
    assert_eq!(answers["wrong"]["error"]["name"], "validation_error");
    assert_eq!(answers["cancelled"]["data"]["id"], answers["later"]["data"]["id"]);
    assert_eq!(answers["stranger"]["error"]["name"], "invalid_api_key");
}

#[actix_web::test]
async fn resends_sdk_for_python_works_with_another_base_url() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/resend_sdk.py");
    let answers = output(peer("python-peer", script, &[&installation.url, &account.key])).await;
    let answers: Value = serde_json::from_str(&answers).unwrap();
    assert_eq!(answers["first"], answers["again"]);
    assert_eq!(answers["to"], json!(["bob@example.com"]));
    assert_eq!(answers["last_event"], "queued");
    assert_eq!(answers["batch"], 2);
    assert_eq!(answers["other"], "invalid_idempotent_request");
}

#[actix_web::test]
async fn graphql_ws_hears_the_history_and_then_what_comes() {
    hears_history_and_news("subscribe_ws.mjs").await;
}

#[actix_web::test]
async fn graphql_sse_hears_the_history_and_then_what_comes() {
    hears_history_and_news("subscribe_sse.mjs").await;
}

async fn hears_history_and_news(script: &str) {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&account.key, &["bob@example.com"]).await;
    let mut listener = peer("node-peer", script, &[&installation.url, &account.key, &email, "2"]);
    let mut listener = listener.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(first["data"]["emailEvents"]["type"], "QUEUED");
    let cancel = "mutation($e: ID!) { cancelEmail(input: { email: $e }) { userErrors { code } } }";
    installation.graphql(&account.key, cancel, json!({ "e": email })).await;
    let second: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(second["data"]["emailEvents"]["type"], "CANCELLED");
    assert!(listener.wait().await.unwrap().success());
}

#[actix_web::test]
async fn a_stream_ends_with_the_session_it_was_opened_in() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&account.key, &["bob@example.com"]).await;
    let mut listener = peer("node-peer", "subscribe_ws.mjs", &[&installation.url, &account.session, &email, "2"]);
    let mut listener = listener.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().unwrap();
    installation.graphql(&account.session, "mutation { signOut { position } }", json!({})).await;
    let cancel = "mutation($e: ID!) { cancelEmail(input: { email: $e }) { userErrors { code } } }";
    installation.graphql(&account.key, cancel, json!({ "e": email })).await;
    let line = lines.next_line().await.unwrap();
    let last: Value = serde_json::from_str(&line.unwrap()).unwrap();
    assert_eq!(last["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{last}");
}

#[actix_web::test]
async fn an_event_stream_goes_on_behind_the_last_event_that_was_heard() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (email, position) = installation.send(&account.key, &["bob@example.com"]).await;
    let cancel = "mutation($e: ID!) { cancelEmail(input: { email: $e }) { userErrors { code } } }";
    installation.graphql(&account.key, cancel, json!({ "e": email })).await;
    let path = format!("/graphql?query=subscription%7BemailEvents(email:%22{email}%22)%7Btype%7D%7D");
    let authorization = format!("Bearer {}", account.key);
    let mut headers = vec![("accept", "text/event-stream"), ("authorization", authorization.as_str())];
    let first = installation.first_piece(&path, &headers).await;
    assert!(first.starts_with(&format!("id: {position}\nevent: next\ndata: ")) && first.contains("QUEUED"), "{first}");
    headers.push(("last-event-id", &position));
    let resumed = installation.first_piece(&path, &headers).await;
    assert!(resumed.contains("CANCELLED") && !resumed.contains("QUEUED"), "{resumed}");
}
