//! Another organisation's things are absent, exactly like what does not exist.

use super::installation::Installation;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An id of the same kind in the same organisation that names nothing.
fn of_nothing(id: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(id).unwrap();
    bytes[20] ^= 0xff;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[actix_web::test]
async fn ids_of_strangers_and_ids_of_nothing_are_answered_alike() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let eve = installation.account("eve@example.org").await;
    let (email, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let keys = "query($p: Position) { organization(atLeast: $p) { apiKeys { nodes { id } } } }";
    let keys = installation.graphql(&ada.session, keys, json!({ "p": position })).await;
    let key = keys["organization"]["apiKeys"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let ask = "mutation { requestErasure(input: { address: \"bob@example.com\" }) { erasureId userErrors { code } } }";
    let asked = installation.graphql(&ada.session, ask, json!({})).await;
    let case = asked["requestErasure"]["erasureId"].as_str().unwrap().to_owned();
    let queries = [
        ("query($id: ID!) { erasure(id: $id) { state } }", &case),
        ("query($id: ID!) { erasureCertificate(id: $id) { text } }", &case),
        ("query($id: ID!) { erasures(organization: $id) { nodes { id } } }", &ada.organization),
        ("mutation($id: ID!) { approveErasure(input: { erasure: $id }) { position userErrors { field code message } } }", &case),
        (
            "mutation($id: ID!) { refuseErasure(input: { erasure: $id, ground: LEGAL_HOLD }) { position userErrors { field code message } } }",
            &case,
        ),
        (
            "mutation($id: ID!) { requestErasure(input: { organization: $id, address: \"bob@example.com\" }) { position userErrors { field code message } } }",
            &ada.organization,
        ),
        (
            "mutation($id: ID!) { eraseOrganization(input: { organization: $id }) { position userErrors { field code message } } }",
            &ada.organization,
        ),
        (
            "mutation($id: ID!) { restrictRecipient(input: { organization: $id, address: \"bob@example.com\", ground: LEGAL_CLAIM }) { position userErrors { field code message } } }",
            &ada.organization,
        ),
        (
            "mutation($id: ID!) { liftRestriction(input: { organization: $id, address: \"bob@example.com\" }) { position userErrors { field code message } } }",
            &ada.organization,
        ),
        (
            "mutation($id: ID!) { objectToProcessing(input: { organization: $id, address: \"bob@example.com\", scopes: [DIRECT_MARKETING] }) { position userErrors { field code message } } }",
            &ada.organization,
        ),
        ("query($id: ID!) { email(id: $id) { id } }", &email),
        ("query($id: ID!) { node(id: $id) { id } }", &email),
        ("query($id: ID!) { nodes(ids: [$id]) { id } }", &email),
        ("mutation($id: ID!) { cancelEmail(input: { email: $id }) { position userErrors { field code message } } }", &email),
        ("mutation($id: ID!) { revokeApiKey(input: { apiKey: $id }) { position userErrors { field code message } } }", &key),
        ("query($id: ID!) { node(id: $id) { id } }", &key),
        ("query($id: ID!) { node(id: $id) { id } }", &ada.organization),
        ("query($id: ID!) { organization(id: $id) { name } }", &ada.organization),
        ("query($id: ID!) { emails(organization: $id) { nodes { id } } }", &ada.organization),
        ("query($id: ID!) { suppressions(organization: $id) { nodes { id } } }", &ada.organization),
        ("query($id: ID!) { deliveryStats(organization: $id) { openQueued } }", &ada.organization),
        ("query($id: ID!) { accountHistory(organization: $id) { nodes { id } } }", &ada.organization),
        ("query($id: ID!) { email(id: $id, asOf: \"2026-09-21T14:14:00Z\") { id } }", &email),
        ("query($id: ID!) { email(id: $id, asOf: \"2126-01-01T00:00:00Z\") { id } }", &email),
        ("query($id: ID!) { organization(id: $id, asOf: \"2001-01-01T00:00:00Z\") { name } }", &ada.organization),
        ("query($id: ID!) { suppressions(organization: $id, asOf: \"2126-01-01T00:00:00Z\") { nodes { id } } }", &ada.organization),
        ("query($id: ID!) { stateDiff(id: $id) { field } }", &email),
        ("query($id: ID!) { stateDiff(id: $id) { field } }", &key),
        ("query($id: ID!) { stateDiff(id: $id, from: \"2001-01-01T00:00:00Z\") { field } }", &ada.organization),
        (
            "mutation($id: ID!) { sendEmail(input: { organization: $id, from: \"a@b.cc\", to: [\"b@c.dd\"], subject: \"x\", text: \"y\" })
                { position userErrors { field code message } } }",
            &ada.organization,
        ),
        (
            "mutation($id: ID!) { eraseRecipient(input: { organization: $id, address: \"bob@example.com\" }) { position userErrors { field code message } } }",
            &ada.organization,
        ),
    ];
    let before = installation.count("log.event").await;
    for (query, id) in queries {
        let theirs = installation.graphql(&eve.session, query, json!({ "id": id })).await;
        let nothing = installation.graphql(&eve.session, query, json!({ "id": of_nothing(id) })).await;
        let garbage = installation.graphql(&eve.session, query, json!({ "id": "garbage" })).await;
        assert_eq!(theirs, nothing, "{query}");
        assert_eq!(theirs, garbage, "{query}");
        assert!(!theirs.to_string().contains("bob"), "{theirs}");
    }
    assert_eq!(installation.count("log.event").await, before);
    let node = "query($id: ID!, $p: Position) { node(id: $id, atLeast: $p) { id } }";
    let own = installation.graphql(&ada.session, node, json!({ "id": email, "p": position })).await;
    assert_eq!(own["node"]["id"], Value::String(email));
}

#[actix_web::test]
async fn a_key_reaches_its_own_organization_only() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let eve = installation.account("eve@example.org").await;
    let (email, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let uuid = "query($id: ID!, $p: Position) { email(id: $id, atLeast: $p) { uuid } }";
    let uuid = installation.graphql(&ada.key, uuid, json!({ "id": email, "p": position })).await;
    let path = format!("/emails/{}", uuid["email"]["uuid"].as_str().unwrap());
    let authorization = format!("Bearer {}", eve.key);
    let theirs = installation.request("GET", &path, &[("authorization", &authorization)], "").await;
    let nothing =
        installation.request("GET", "/emails/018f0000-0000-7000-8000-000000000000", &[("authorization", &authorization)], "").await;
    assert_eq!((theirs.status, &theirs.body), (404, &nothing.body));
    let cancel = installation.request("POST", &format!("{path}/cancel"), &[("authorization", &authorization)], "").await;
    assert_eq!((cancel.status, cancel.json()["name"].clone()), (404, json!("not_found")));
}
