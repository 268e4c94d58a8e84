//! What a key or a member may see, and what not.

use super::installation::Installation;
use serde_json::{Value, json};

#[actix_web::test]
async fn the_history_of_an_organization_is_not_for_keys() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let query = "query($o: ID) { accountHistory(organization: $o) { nodes { ip userAgent } } }";
    for named in [Value::Null, json!(ada.organization)] {
        let reply = installation.graphql_reply(&ada.key, query, json!({ "o": named })).await;
        assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "FORBIDDEN", "{reply:?}");
        assert!(!reply.body.contains("127.0.0.1"));
    }
    let (_, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let recent = "query($o: ID, $p: Position) { accountHistory(organization: $o, atLeast: $p) { nodes { ip userAgent } } }";
    let own = installation.graphql(&ada.session, recent, json!({ "o": ada.organization, "p": position })).await;
    assert_ne!(own["accountHistory"]["nodes"], json!([]));
}

#[actix_web::test]
async fn a_key_that_may_only_send_learns_ids_and_no_more() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let key = installation.key(&ada.session, &["SEND_EMAILS"]).await;
    let fields = "{ id uuid status createdAt attempts sizeBytes from replyTo subject tags { name } headers { name } attachmentNames
        personalData recipients { address } timeline { type } }";
    let send = format!("mutation($input: SendEmailInput!) {{ sendEmail(input: $input) {{ email {fields} position }} }}");
    let cancel = format!("mutation($input: CancelEmailInput!) {{ cancelEmail(input: $input) {{ email {fields} }} }}");
    let several = format!("mutation($input: SendEmailsInput!) {{ sendEmails(input: $input) {{ emails {fields} }} }}");
    let message = json!({ "from": "shop@example.org", "to": ["bob@example.com"], "subject": "Hello", "text": "Hi." });
    let mut input = message.clone();
    input["idempotencyKey"] = json!("order-1");
    let hidden = |email: &Value| {
        let email = email.as_object().unwrap();
        assert!(email["id"].is_string() && email["uuid"].is_string());
        let rest = email.iter().filter(|(name, _)| !["id", "uuid"].contains(&name.as_str()));
        rest.for_each(|(name, value)| assert!(value.is_null() || (name == "timeline" && *value == json!([])), "{name}: {value}"));
        email["id"].clone()
    };
    let first = hidden(&installation.graphql(&key, &send, json!({ "input": input })).await["sendEmail"]["email"]);
    let repeat = hidden(&installation.graphql(&key, &send, json!({ "input": input })).await["sendEmail"]["email"]);
    assert_eq!(first, repeat);
    let sent = installation.graphql(&key, &several, json!({ "input": { "messages": [message] } })).await;
    hidden(&sent["sendEmails"]["emails"][0]);
    // Who may read sees in the same answer what is there.
    let read = installation.graphql(&ada.session, &send, json!({ "input": message })).await;
    assert_eq!(read["sendEmail"]["email"]["subject"], "Hello");
    assert_eq!(read["sendEmail"]["email"]["timeline"], json!([{ "type": "QUEUED" }]));
    hidden(&installation.graphql(&key, &cancel, json!({ "input": { "email": first } })).await["cancelEmail"]["email"]);
}
