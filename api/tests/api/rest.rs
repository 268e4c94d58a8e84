//! The Email API's errors, by Resend's names.

use super::installation::{Installation, Reply};
use serde_json::{Value, json};

async fn post(installation: &Installation, path: &str, key: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    let authorization = format!("Bearer {key}");
    let mut all = vec![("content-type", "application/json")];
    if !key.is_empty() {
        all.push(("authorization", &authorization));
    }
    all.extend(headers);
    installation.request("POST", path, &all, body.to_string()).await
}

fn with(change: Value) -> Value {
    let mut message = json!({ "from": "shop@example.org", "to": "bob@example.com", "subject": "Hello", "text": "Hi." });
    message.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    message
}

#[actix_web::test]
async fn errors_have_resends_shape_and_names() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let reader = installation.key(&account.session, &["READ_EMAILS"]).await;
    let before = installation.count("log.event").await;
    let cases = [
        (account.key.as_str(), with(json!({ "from": null })), 422, "missing_required_field"),
        (&account.key, with(json!({ "to": [] })), 422, "missing_required_field"),
        (&account.key, with(json!({ "text": null })), 422, "missing_required_field"),
        (&account.key, with(json!({ "to": "bob" })), 422, "validation_error"),
        (&account.key, with(json!({ "to": 7 })), 422, "validation_error"),
        (&account.key, with(json!({ "subject": "a\r\nBcc: x@y.zz" })), 422, "validation_error"),
        (&account.key, with(json!({ "scheduled_at": "in 1 hour" })), 422, "validation_error"),
        (&account.key, with(json!({ "attachments": [{ "path": "https://example.com/x" }] })), 422, "validation_error"),
        (&account.key, with(json!({ "template": { "id": "x" } })), 422, "validation_error"),
        ("", with(json!({})), 401, "missing_api_key"),
        ("lm_x_y_z", with(json!({})), 403, "invalid_api_key"),
        (&reader, with(json!({})), 401, "restricted_api_key"),
    ];
    for (key, body, status, name) in cases {
        let reply = post(&installation, "/emails", key, &[], body.clone()).await;
        let error = reply.json();
        assert_eq!(
            (reply.status, error["name"].as_str(), error["statusCode"].as_u64()),
            (status, Some(name), Some(status.into())),
            "{body}"
        );
        assert!(error["message"].is_string());
    }
    let long = "k".repeat(257);
    let reply = post(&installation, "/emails", &account.key, &[("idempotency-key", &long)], with(json!({}))).await;
    assert_eq!((reply.status, reply.json()["name"].clone()), (400, json!("invalid_idempotency_key")));
    let unread = installation
        .request("POST", "/emails", &[("authorization", &format!("Bearer {}", account.key)), ("content-type", "text/plain")], "{}")
        .await;
    assert_eq!(unread.status, 415);
    assert_eq!(installation.count("log.event").await, before);
}

#[actix_web::test]
async fn a_strict_batch_is_all_or_nothing() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let before = installation.count("log.event").await;
    let batch = json!([with(json!({})), with(json!({ "subject": "a\nb" }))]);
    let reply = post(&installation, "/emails/batch", &account.key, &[], batch.clone()).await;
    assert_eq!((reply.status, reply.json()["name"].clone()), (422, json!("validation_error")));
    assert_eq!(installation.count("log.event").await, before);
    let reply = post(&installation, "/emails/batch", &account.key, &[("x-batch-validation", "permissive")], batch).await.json();
    assert_eq!((reply["data"].as_array().unwrap().len(), reply["errors"][0]["index"].as_u64()), (1, Some(1)));
    let many: Vec<Value> = (0..101).map(|_| with(json!({}))).collect();
    assert_eq!(post(&installation, "/emails/batch", &account.key, &[], many.into()).await.status, 422);
}

#[actix_web::test]
async fn what_is_not_built_yet_says_so() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let authorization = format!("Bearer {}", account.key);
    for (method, path) in [
        ("GET", "/domains"),
        ("POST", "/domains/x/verify"),
        ("POST", "/webhooks"),
        ("GET", "/suppressions"),
        ("PATCH", "/emails/x"),
        ("GET", "/emails"),
    ] {
        let reply = installation.request(method, path, &[("authorization", &authorization)], "").await;
        assert_eq!((reply.status, reply.json()["statusCode"].as_u64()), (501, Some(501)), "{method} {path}");
    }
}
