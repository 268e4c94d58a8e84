//! What a new user does: sign up, confirm, found an organisation, make an API key, connect a mail server.

use crate::http::Connection;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::time::Duration;

pub struct Account {
    pub api_key: String,
}

const SIGN_UP: &str = r#"mutation { signUp(input: {name: "Ada", address: "ada@example.com", password: "correct horse battery",
    ageAttested: true, privacyPolicyVersion: 1}) { userErrors { message } } }"#;
const CONFIRM: &str = "mutation ($token: String!) { confirmAddress(input: {token: $token}) { userErrors { message } } }";
const SIGN_IN: &str =
    r#"mutation { signIn(input: {address: "ada@example.com", password: "correct horse battery"}) { token userErrors { message } } }"#;
const FOUND: &str = r#"mutation { createOrganization(input: {name: "Analytical Engines"}) { userErrors { message } } }"#;
const MAKE_KEY: &str =
    r#"mutation { createApiKey(input: {name: "bench", scopes: [SEND_EMAILS, READ_EMAILS]}) { token userErrors { message } } }"#;
const CONNECT: &str = r#"mutation ($port: Int!) { connectSmtpServer(input: {host: "127.0.0.1", port: $port, tlsMode: NONE})
    { userErrors { message } } }"#;

pub async fn take(connection: &mut Connection, first_mail: &str, smtp_port: u16) -> anyhow::Result<Account> {
    ask(connection, None, SIGN_UP, json!({})).await?;
    let token = confirmation_token(connection, first_mail).await?;
    ask(connection, None, CONFIRM, json!({ "token": token })).await?;
    let session = text(&ask(connection, None, SIGN_IN, json!({})).await?, "/signIn/token")?;
    ask(connection, Some(&session), FOUND, json!({})).await?;
    let api_key = text(&ask(connection, Some(&session), MAKE_KEY, json!({})).await?, "/createApiKey/token")?;
    ask(connection, Some(&session), CONNECT, json!({ "port": smtp_port })).await?;
    Ok(Account { api_key })
}

async fn ask(connection: &mut Connection, token: Option<&str>, query: &str, variables: Value) -> anyhow::Result<Value> {
    let answer = connection.post("/graphql", token, &json!({ "query": query, "variables": variables }).to_string()).await?;
    let mut value: Value = serde_json::from_slice(&answer.body)?;
    let refused = value["data"].as_object().into_iter().flatten().any(|(_, payload)| payload["userErrors"].get(0).is_some());
    ensure!(answer.status == 200 && value["errors"].is_null() && !refused, "the program answers {}", value);
    Ok(value["data"].take())
}

fn text(value: &Value, path: &str) -> anyhow::Result<String> {
    Ok(value.pointer(path).and_then(Value::as_str).with_context(|| format!("{path} is in the answer"))?.to_owned())
}

/// The sandbox catches the mail a moment after the answer.
async fn confirmation_token(connection: &mut Connection, first_mail: &str) -> anyhow::Result<String> {
    for _ in 0..100 {
        let page = connection.get(first_mail, None).await?;
        if let Some(token) = token_in(&String::from_utf8_lossy(&page.body)) {
            return Ok(token.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the first mail holds no confirmation link")
}

fn token_in(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("token=")?;
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"._-".contains(letter)).unwrap_or(rest.len());
    Some(&rest[..end])
}
