//! Bad input and wrong ways in: a typed answer each, and nothing stored.

use super::installation::{Installation, PASSWORD};
use serde_json::{Value, json};

#[actix_web::test]
async fn a_mutation_comes_only_as_json_by_post_from_our_own_site() {
    let installation = Installation::new().await;
    let before = installation.count("log.event").await;
    let mutation = "mutation { signUp(input: { name: \"A\", address: \"a@example.org\", password: \"correct horse\", ageAttested: true, privacyPolicyVersion: 1 }) { position } }";
    let json = json!({ "query": mutation }).to_string();
    let encoded: String = mutation.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let get = installation.get(&format!("/graphql?query={encoded}")).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-16"] {
        let reply = installation.request("POST", "/graphql", &[("content-type", kind)], json.clone()).await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    for origin in ["https://evil.example", "null"] {
        let headers = [("content-type", "application/json"), ("origin", origin)];
        let reply = installation.request("POST", "/graphql", &headers, json.clone()).await;
        assert_eq!((reply.status, reply.json()["errors"][0]["extensions"]["code"].clone()), (403, json!("FOREIGN_ORIGIN")), "{origin}");
    }
    let fetched = [("content-type", "application/json"), ("sec-fetch-site", "cross-site")];
    assert_eq!(installation.request("POST", "/graphql", &fetched, json.clone()).await.status, 403);
    assert_eq!(installation.request("PUT", "/graphql", &[("content-type", "application/json")], json.clone()).await.status, 405);
    assert_eq!(installation.count("log.event").await, before);
    let own = [("content-type", "application/json"), ("origin", installation.url.as_str())];
    assert_eq!(installation.request("POST", "/graphql", &own, json).await.status, 200);
}

#[actix_web::test]
async fn foreign_sites_open_no_websocket_and_no_stream() {
    let installation = Installation::new().await;
    let upgrade = [
        ("origin", "https://evil.example"),
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "graphql-transport-ws"),
    ];
    assert_eq!(installation.request("GET", "/graphql", &upgrade, "").await.status, 403);
    let stream = [("origin", "https://evil.example"), ("accept", "text/event-stream")];
    assert_eq!(installation.request("GET", "/graphql?query=subscription%7B__typename%7D", &stream, "").await.status, 403);
}

#[actix_web::test]
async fn what_a_message_must_not_hold_is_told_by_field_and_nothing_is_stored() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (events, entries) = (installation.count("log.event").await, installation.count("spool.entry").await);
    let good = json!({ "from": "shop@example.org", "to": ["bob@example.com"], "subject": "Hello", "text": "Hi." });
    let cases = [
        (json!({ "to": ["bob"] }), json!(["input", "to", "0"]), "ADDRESS_INVALID"),
        (json!({ "to": ["b@example.com", "Bob\r\nBcc: x@y.zz <b@example.com>"] }), json!(["input", "to", "1"]), "FORBIDDEN_CHARACTER"),
        (json!({ "from": "shop@example.org\r\nBcc: x@y.zz" }), json!(["input", "from"]), "FORBIDDEN_CHARACTER"),
        (json!({ "to": [] }), json!(["input", "to"]), "RECIPIENT_COUNT"),
        (json!({ "subject": "Hi\r\nBcc: x@y.zz" }), json!(["input", "subject"]), "FORBIDDEN_CHARACTER"),
        (json!({ "headers": [{ "name": "X-A", "value": "1\r\nBcc: x@y.zz" }] }), json!(["input", "headers", "0"]), "FORBIDDEN_CHARACTER"),
        (json!({ "headers": [{ "name": "X-A\r\nBcc", "value": "x" }] }), json!(["input", "headers", "0"]), "HEADER_INVALID"),
        (json!({ "headers": [{ "name": "Bcc", "value": "x@y.zz" }] }), json!(["input", "headers", "0"]), "HEADER_INVALID"),
        (json!({ "text": null }), json!(["input", "text"]), "REQUIRED"),
        (
            json!({ "attachments": [{ "filename": "a", "content": "*" }] }),
            json!(["input", "attachments", "0", "content"]),
            "ENCODING_INVALID",
        ),
        (json!({ "tags": [{ "name": "a b", "value": "c" }] }), json!(["input", "tags"]), "TAG_INVALID"),
        (json!({ "scheduledAt": "2030-01-01T00:00:00Z" }), json!(["input", "scheduledAt"]), "SCHEDULED_TOO_FAR_AHEAD"),
        (json!({ "idempotencyKey": "" }), json!(["input", "idempotencyKey"]), "IDEMPOTENCY_KEY_LENGTH"),
    ];
    let send = "mutation($input: SendEmailInput!) { sendEmail(input: $input) { email { id } userErrors { field code } } }";
    for (change, field, code) in cases {
        let mut input = good.clone();
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = installation.graphql(&account.key, send, json!({ "input": input })).await;
        assert_eq!(answer["sendEmail"]["userErrors"], json!([{ "field": field, "code": code }]), "{change}");
        assert_eq!(answer["sendEmail"]["email"], Value::Null);
    }
    assert_eq!((installation.count("log.event").await, installation.count("spool.entry").await), (events, entries));
}

#[actix_web::test]
async fn values_of_the_wrong_form_are_errors_with_a_code_and_a_request_id() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let cases = [
        ("query($id: ID!) { email(id: $id) { id } }", json!({ "id": null }), "GRAPHQL_VALIDATION_FAILED"),
        ("{ emails(first: 1000) { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ emails(after: \"x\") { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ emails(atLeast: \"x\") { nodes { id } } }", json!({}), "BAD_USER_INPUT"),
        ("{ emails(filter: { unknown: 1 }) { nodes { id } } }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("{ emails", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("{ emails(atLeast: \"AAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAB\") { nodes { id } } }", json!({}), "POSITION_OF_ANOTHER_LOG"),
    ];
    for (query, variables, code) in cases {
        let reply = installation.graphql_reply(&account.key, query, variables).await;
        let error = &reply.json()["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{query}: {error}");
        assert!(error["extensions"]["requestId"].is_string(), "{error}");
    }
}

#[actix_web::test]
async fn without_a_good_credential_there_is_nothing_to_see() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let code = |reply: super::installation::Reply| reply.json()["errors"][0]["extensions"]["code"].clone();
    let query = "{ emails { nodes { id } } }";
    assert_eq!(code(installation.graphql_reply("", query, json!({})).await), "UNAUTHENTICATED");
    assert_eq!(code(installation.graphql_reply("lm_x_y_z", query, json!({})).await), "UNAUTHENTICATED");
    let reader = installation.key(&account.session, &["READ_EMAILS"]).await;
    let send = "mutation { sendEmail(input: { from: \"a@b.cc\", to: [\"b@c.dd\"], subject: \"x\", text: \"y\" }) { position } }";
    assert_eq!(code(installation.graphql_reply(&reader, send, json!({})).await), "FORBIDDEN");
    assert_eq!(
        code(
            installation
                .graphql_reply(
                    &account.key,
                    "mutation { createApiKey(input: { name: \"x\", scopes: [READ_EMAILS] }) { token } }",
                    json!({})
                )
                .await
        ),
        "FORBIDDEN"
    );
    installation.clock.advance(std::time::Duration::from_secs(15 * 24 * 3600));
    assert_eq!(code(installation.graphql_reply(&account.session, query, json!({})).await), "UNAUTHENTICATED");
}

#[actix_web::test]
async fn a_revoked_key_is_no_key() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let create = "mutation { createApiKey(input: { name: \"app\", scopes: [READ_EMAILS] }) { apiKey { id } token } }";
    let made = installation.graphql(&account.session, create, json!({})).await["createApiKey"].take();
    let token = made["token"].as_str().unwrap();
    installation.graphql(token, "{ emails { nodes { id } } }", json!({})).await;
    let revoke = "mutation($k: ID!) { revokeApiKey(input: { apiKey: $k }) { apiKey { revokedAt } userErrors { code } } }";
    let revoked = installation.graphql(&account.session, revoke, json!({ "k": made["apiKey"]["id"] })).await;
    assert!(revoked["revokeApiKey"]["apiKey"]["revokedAt"].is_string(), "{revoked}");
    let reply = installation.graphql_reply(token, "{ emails { nodes { id } } }", json!({})).await;
    assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[actix_web::test]
async fn signing_up_tells_nothing_about_who_has_an_account() {
    let installation = Installation::new().await;
    installation.account("ada@example.org").await;
    let (known, unknown) = (installation.sign_up("ada@example.org").await, installation.sign_up("bob@example.org").await);
    assert_eq!(known["userErrors"], unknown["userErrors"]);
    assert!(known["position"].is_string() && unknown["position"].is_string());
    let sign_in =
        "mutation($a: String!, $p: String!) { signIn(input: { address: $a, password: $p }) { token userErrors { field code message } } }";
    let wrong = installation.graphql("", sign_in, json!({ "a": "ada@example.org", "p": "wrong password" })).await;
    let nobody = installation.graphql("", sign_in, json!({ "a": "nobody@example.org", "p": PASSWORD })).await;
    assert_eq!(wrong, nobody);
    assert_eq!(wrong["signIn"]["userErrors"][0]["code"], "CREDENTIALS_INVALID");
}

#[actix_web::test]
async fn m5_1_the_session_cookie_is_protected_and_the_only_one() {
    let installation = Installation::new().await;
    installation.account("ada@example.org").await;
    let sign_in = "mutation($a: String!, $p: String!) { signIn(input: { address: $a, password: $p }) { token } }";
    let reply = installation.graphql_reply("", sign_in, json!({ "a": "ada@example.org", "p": PASSWORD })).await;
    let cookies: Vec<_> = reply.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!(cookies.len(), 1);
    let cookie = &cookies[0].1;
    assert!(cookie.starts_with("__Host-lethemail-session="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{attribute} is missing in {cookie}");
    }
}

#[actix_web::test]
async fn m5_3_everything_works_without_cookies() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let by_token = installation.graphql(&account.session, "{ viewer { name } }", json!({})).await;
    let headers = [("content-type", "application/json"), ("cookie", account.cookie.as_str())];
    let by_cookie = installation.request("POST", "/graphql", &headers, r#"{"query":"{ viewer { name } }"}"#).await;
    assert_eq!(by_cookie.json()["data"], by_token);
}
