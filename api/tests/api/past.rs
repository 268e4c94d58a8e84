//! How things were, what changed, and who did it.

use super::installation::{Account, Installation};
use serde_json::{Value, json};
use std::time::Duration;

/// The time now, and then a minute passes.
fn then(installation: &Installation) -> String {
    use domain::Clock;
    let now = installation.clock.now().to_string();
    installation.clock.advance(Duration::from_secs(60));
    now
}

async fn error(installation: &Installation, bearer: &str, query: &str, variables: Value) -> Value {
    installation.graphql_reply(bearer, query, variables).await.json()["errors"][0]["extensions"]["code"].take()
}

const ORGANIZATION: &str =
    "query($t: DateTime, $p: Position, $least: Position) { organization(asOf: $t, asOfPosition: $p, atLeast: $least) {
    name personalData createdAt closedAt smtpServerId smtpServers { host } members { userId role joinedAt }
    apiKeys { nodes { id name scopes revokedAt } pageInfo { hasNextPage } } } }";

/// A second key that was made and revoked, and the times after founding, making and revoking.
struct Revoked {
    times: [String; 3],
    key: String,
    position: Value,
}

async fn key_comes_and_goes(installation: &Installation, account: &Account) -> Revoked {
    let founded = then(installation);
    installation.key(&account.session, &["READ_EMAILS"]).await;
    let made = then(installation);
    let keys = installation.graphql(&account.session, ORGANIZATION, json!({ "t": made })).await;
    let key = keys["organization"]["apiKeys"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let revoke = "mutation($k: ID!) { revokeApiKey(input: { apiKey: $k }) { position userErrors { code } } }";
    let position = installation.graphql(&account.session, revoke, json!({ "k": key })).await["revokeApiKey"]["position"].take();
    let revoked = then(installation);
    Revoked { times: [founded, made, revoked], key, position }
}

#[actix_web::test]
async fn an_organization_is_shown_as_it_was_with_its_members_and_keys() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let Revoked { times: [founded, made, revoked], key, position } = key_comes_and_goes(&installation, &ada).await;
    let at = async |time: &str| installation.graphql(&ada.session, ORGANIZATION, json!({ "t": time })).await["organization"].take();
    let keys = |organization: &Value| organization["apiKeys"]["nodes"].as_array().unwrap().clone();
    let first = at(&founded).await;
    assert_eq!((keys(&first).len(), &first["name"], &first["members"][0]["role"]), (1, &json!("Engines"), &json!("OWNER")));
    assert_eq!((&first["smtpServers"], &first["smtpServerId"], &first["closedAt"]), (&json!([]), &Value::Null, &Value::Null));
    let second = at(&made).await;
    assert_eq!(keys(&second).len(), 2);
    assert_eq!(keys(&second)[0], json!({ "id": key, "name": "app", "scopes": ["READ_EMAILS"], "revokedAt": null }));
    assert_ne!(keys(&at(&revoked).await)[0]["revokedAt"], Value::Null);
    // The past of this moment is the present.
    let live = installation.graphql(&ada.session, ORGANIZATION, json!({ "least": position })).await["organization"].take();
    assert_eq!(at(&revoked).await, live);
}

#[actix_web::test]
async fn a_message_is_shown_as_it_was() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let before = then(&installation);
    let (id, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let sent = then(&installation);
    let cancel = "mutation($id: ID!) { cancelEmail(input: { email: $id }) { position userErrors { code } } }";
    installation.graphql(&ada.key, cancel, json!({ "id": id })).await;
    let cancelled = then(&installation);
    let query = "query($id: ID!, $t: DateTime, $p: Position) { email(id: $id, asOf: $t, asOfPosition: $p) {
        status subject from recipients { address state } timeline { type } } }";
    let at = async |moment: Value| {
        let mut variables = moment;
        variables["id"] = json!(id);
        installation.graphql(&ada.key, query, variables).await["email"].take()
    };
    let queued = json!({ "status": "QUEUED", "subject": "Hello", "from": "Shop <shop@example.org>",
        "recipients": [{ "address": "bob@example.com", "state": "QUEUED" }], "timeline": [{ "type": "QUEUED" }] });
    assert_eq!(at(json!({ "t": before })).await, Value::Null, "it was not there yet");
    assert_eq!(at(json!({ "t": sent })).await, queued);
    assert_eq!(at(json!({ "p": position })).await, queued);
    let after = at(json!({ "t": cancelled })).await;
    assert_eq!((&after["status"], after["timeline"].as_array().unwrap().len()), (&json!("CANCELLED"), 2));
}

#[actix_web::test]
async fn m4_2_whoever_was_forgotten_is_forgotten_in_the_past_too() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let (id, _) = installation.send(&ada.key, &["bob@example.com"]).await;
    let before = then(&installation);
    let erase = "mutation { eraseRecipient(input: { address: \"bob@example.com\" }) { position userErrors { code } } }";
    installation.graphql(&ada.key, erase, json!({})).await;
    let after = then(&installation);
    let query = "query($id: ID!, $t: DateTime) { email(id: $id, asOf: $t) { subject recipients { address state personalData } }
        suppressions(asOf: $t) { nodes { reason personalData } pageInfo { hasNextPage } } }";
    let then = installation.graphql(&ada.key, query, json!({ "id": id, "t": before })).await;
    let recipient = json!({ "address": null, "state": "QUEUED", "personalData": "ERASED" });
    assert_eq!(then["email"], json!({ "subject": null, "recipients": [recipient] }));
    assert_eq!(then["suppressions"]["nodes"], json!([]));
    let now = installation.graphql(&ada.key, query, json!({ "id": id, "t": after })).await;
    assert_eq!(
        now["suppressions"],
        json!({ "nodes": [{ "reason": "ERASED", "personalData": "READABLE" }], "pageInfo": { "hasNextPage": false } })
    );
    // Nor does a comparison tell more.
    let diff = "query($id: ID!) { stateDiff(id: $id) { field before { text personalData } after { text personalData } } }";
    let diff = installation.graphql_reply(&ada.key, diff, json!({ "id": id })).await;
    assert!(!diff.body.contains("bob") && diff.body.contains("\"ERASED\""), "{}", diff.body);
}

const DIFF: &str = "query($id: ID!, $from: DateTime, $to: DateTime) { stateDiff(id: $id, from: $from, to: $to) {
    targetId field memberId before { text personalData } after { text personalData } causes { type actorKind actorId occurredAt position } } }";

#[actix_web::test]
async fn c4_2_a_comparison_names_the_events_that_changed_each_field() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let Revoked { times: [founded, made, revoked], key, .. } = key_comes_and_goes(&installation, &ada).await;
    let variables = json!({ "id": ada.organization, "from": made, "to": revoked });
    let changes = installation.graphql(&ada.session, DIFF, variables).await["stateDiff"].take();
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes:#}");
    let change = &changes[0];
    assert_eq!((&change["targetId"], &change["field"], &change["before"]), (&json!(key), &json!("revokedAt"), &Value::Null));
    assert_eq!(change["causes"][0]["type"], "ApiKeyRevoked");
    assert_eq!(change["causes"][0]["actorKind"], "MEMBER");
    // The place that a cause names is a moment, too.
    let at = json!({ "p": change["causes"][0]["position"] });
    let organization = installation.graphql(&ada.session, ORGANIZATION, at).await;
    assert_ne!(organization["organization"]["apiKeys"]["nodes"][0]["revokedAt"], Value::Null);
    let created = installation.graphql(&ada.session, DIFF, json!({ "id": key, "from": founded, "to": made })).await;
    let created = created["stateDiff"].as_array().unwrap().clone();
    let field = |name: &str| created.iter().find(|change| change["field"] == name).unwrap()["after"].clone();
    assert_eq!(field("scopes"), json!({ "text": "READ_EMAILS", "personalData": null }));
    assert_eq!(field("details"), json!({ "text": "{\"name\":\"app\"}", "personalData": "READABLE" }));
    // From the beginning, and of members.
    let all = installation.graphql(&ada.session, DIFF, json!({ "id": ada.organization })).await["stateDiff"].take();
    let member = all.as_array().unwrap().iter().find(|change| change["field"] == "members.role").unwrap().clone();
    assert_eq!((&member["after"]["text"], member["memberId"].is_string()), (&json!("OWNER"), true));
    assert_eq!(
        installation.graphql(&ada.session, DIFF, json!({ "id": key, "from": founded, "to": founded })).await["stateDiff"],
        Value::Null
    );
}

#[actix_web::test]
async fn moments_that_cannot_be_looked_at_are_named_as_what_they_are() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let now = then(&installation);
    let (_, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let refused = async |variables| error(&installation, &ada.session, ORGANIZATION, variables).await;
    assert_eq!(refused(json!({ "t": "2126-01-01T00:00:00Z" })).await, "AS_OF_IN_FUTURE");
    assert_eq!(refused(json!({ "t": "2001-01-01T00:00:00Z" })).await, "AS_OF_BEFORE_BEGINNING");
    assert_eq!(refused(json!({ "t": now, "p": position })).await, "BAD_USER_INPUT");
    let foreign = format!("{}{}", if position.starts_with('A') { "B" } else { "A" }, &position[1..]);
    assert_eq!(refused(json!({ "p": foreign })).await, "POSITION_OF_ANOTHER_LOG");
    let suppressions = "query($t: DateTime) { suppressions(asOf: $t) { nodes { id } } }";
    let future = json!({ "t": "2126-01-01T00:00:00Z" });
    assert_eq!(error(&installation, &ada.key, suppressions, future).await, "AS_OF_IN_FUTURE");
    let backwards = json!({ "id": ada.organization, "from": then(&installation), "to": now });
    assert_eq!(error(&installation, &ada.session, DIFF, backwards).await, "BAD_USER_INPUT");
    // The past is no way around rights.
    assert_eq!(error(&installation, &ada.key, DIFF, json!({ "id": ada.organization })).await, "FORBIDDEN");
    assert_eq!(error(&installation, &ada.key, ORGANIZATION, json!({ "t": now })).await, "FORBIDDEN");
    assert_eq!(error(&installation, "", DIFF, json!({ "id": ada.organization })).await, "UNAUTHENTICATED");
}

#[actix_web::test]
async fn comparisons_have_their_price() {
    let installation = Installation::new().await;
    let many: String = (0..20).map(|number| format!("d{number}: stateDiff(id: \"x\") {{ field }} ")).collect();
    assert_eq!(error(&installation, "", &format!("{{ {many} }}"), json!({})).await, "LIMIT_EXCEEDED");
    let many: String = (0..99).map(|number| format!("o{number}: organization(asOf: \"2026-01-01T00:00:00Z\") {{ id }} ")).collect();
    assert_eq!(
        error(&installation, "", &format!("{{ {many} o: organization(asOf: \"2026-01-01T00:00:00Z\") {{ id }} }}"), json!({})).await,
        "LIMIT_EXCEEDED"
    );
}
