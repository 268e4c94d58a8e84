//! Requests to be forgotten, restrictions and objections, as clients meet them.

use super::installation::{Installation, PASSWORD};
use serde_json::{Value, json};
use std::time::Duration;

const REQUEST: &str =
    "mutation($a: String!, $child: Boolean = false) { requestErasure(input: { address: $a, note: \"by letter\", child: $child }) {
    erasureId certificateUrl position userErrors { field code } } }";
const APPROVE: &str = "mutation($id: ID!) { approveErasure(input: { erasure: $id }) { erasureId position userErrors { field code } } }";
const REFUSE: &str = "mutation($id: ID!, $g: ErasureRefusalGround!) { refuseErasure(input: { erasure: $id, ground: $g }) {
    position userErrors { field code } } }";
const ERASURE: &str =
    "query($id: ID!, $p: Position) { erasure(id: $id, atLeast: $p) { target state refused certified requestedAt dueAt decidedAt
    address note personalData certificate { issued text json } } }";
const RECIPIENT: &str =
    "query($id: ID!, $p: Position) { email(id: $id, atLeast: $p) { subject recipients { address state personalData } } }";

async fn recipient(installation: &Installation, bearer: &str, email: &str, position: &Value) -> Value {
    let mut found = installation.graphql(bearer, RECIPIENT, json!({ "id": email, "p": position })).await;
    found["email"]["recipients"][0].take()
}

#[actix_web::test]
async fn m8_3_a_request_is_asked_for_decided_and_shown_with_its_dates() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let (email, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let asked = installation.graphql(&ada.session, REQUEST, json!({ "a": "bob@example.com" })).await["requestErasure"].take();
    assert_eq!(asked["userErrors"], json!([]));
    let waiting = installation.graphql(&ada.session, ERASURE, json!({ "id": asked["erasureId"], "p": asked["position"] })).await;
    let waiting = &waiting["erasure"];
    assert_eq!((&waiting["state"], &waiting["target"]), (&json!("REQUESTED"), &json!("RECIPIENT")));
    assert_eq!((&waiting["address"], &waiting["note"]), (&json!("bob@example.com"), &json!("by letter")));
    assert!(waiting["requestedAt"].as_str().unwrap().starts_with("2026-09-21T14:13:21"), "{waiting}");
    assert!(waiting["dueAt"].as_str().unwrap().starts_with("2026-10-21T14:13:21"), "{waiting}");
    assert_eq!(recipient(&installation, &ada.key, &email, &json!(position)).await["personalData"], "READABLE");

    let approved = installation.graphql(&ada.session, APPROVE, json!({ "id": asked["erasureId"] })).await["approveErasure"].take();
    assert_eq!(approved["userErrors"], json!([]));
    assert_eq!(recipient(&installation, &ada.key, &email, &approved["position"]).await["personalData"], "ERASED");
    let refused = installation.graphql(&ada.session, REFUSE, json!({ "id": asked["erasureId"], "g": "LEGAL_HOLD" })).await;
    assert_eq!(refused["refuseErasure"]["userErrors"], json!([{ "field": ["input", "erasure"], "code": "ERASURE_STARTED" }]));
    let listed = "query($p: Position) { erasures(atLeast: $p) { nodes { state decidedAt } pageInfo { hasNextPage } } }";
    let listed = installation.graphql(&ada.key, listed, json!({ "p": approved["position"] })).await;
    assert_eq!(listed["erasures"]["nodes"][0]["state"], "STARTED");
}

#[actix_web::test]
async fn m8_3_a_refusal_is_told_with_its_ground_also_to_whoever_has_the_link() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let asked = installation.graphql(&ada.key, REQUEST, json!({ "a": "bob@example.com" })).await["requestErasure"].take();
    let refused = installation.graphql(&ada.key, REFUSE, json!({ "id": asked["erasureId"], "g": "LEGAL_CLAIM" })).await;
    let position = &refused["refuseErasure"]["position"];
    let shown = installation.graphql(&ada.key, ERASURE, json!({ "id": asked["erasureId"], "p": position })).await;
    assert_eq!((&shown["erasure"]["state"], &shown["erasure"]["refused"]), (&json!("REFUSED"), &json!("LEGAL_CLAIM")));
    let url = asked["certificateUrl"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(&installation.url).unwrap();
    let page = installation.request("GET", path, &[("accept", "text/html")], "").await;
    assert!(page.status == 200 && page.body.contains("Ground: legal claim"), "{page:?}");
    assert!(!page.body.contains("bob@example.com") && page.header("cache-control") == Some("no-store"), "{page:?}");
}

#[actix_web::test]
async fn the_certificate_is_found_under_the_link_and_nowhere_else() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    installation.send(&ada.key, &["bob@example.com"]).await;
    let erase = "mutation { eraseRecipient(input: { address: \"bob@example.com\" }) { erasureId certificateUrl userErrors { code } } }";
    let erased = installation.graphql(&ada.key, erase, json!({})).await["eraseRecipient"].take();
    let url = erased["certificateUrl"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(&installation.url).unwrap();
    let text = installation.request("GET", path, &[("accept", "text/plain")], "").await;
    assert!(text.status == 200 && text.body.starts_with("ERASURE ") && text.body.contains("KEPT, AND WHY"), "{text:?}");
    let found = installation.request("GET", path, &[("accept", "application/json")], "").await.json();
    assert_eq!(found["destroyed"].as_array().unwrap().len(), 1);
    let query = "query($id: ID!) { erasureCertificate(id: $id) { issued text json } }";
    let same = installation.graphql(&ada.key, query, json!({ "id": erased["erasureId"] })).await;
    assert_eq!((&same["erasureCertificate"]["json"], &same["erasureCertificate"]["issued"]), (&found, &json!(false)));
    let cut = &path[..path.len() - 1];
    for wrong in [cut, "/erasure/x", "/erasure/a.b.c"] {
        assert_eq!(installation.get(wrong).await.status, 404, "{wrong}");
    }
}

#[actix_web::test]
async fn m4_2_an_account_goes_for_a_fresh_session_or_the_password_and_its_link_stays() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    installation.clock.advance(Duration::from_secs(3600));
    let erase = "mutation($p: String) { eraseAccount(input: { password: $p }) { certificateUrl userErrors { field code } } }";
    let stale = installation.graphql(&ada.session, erase, json!({})).await;
    assert_eq!(stale["eraseAccount"]["userErrors"], json!([{ "field": ["input", "password"], "code": "PASSWORD_REQUIRED" }]));
    let wrong = installation.graphql(&ada.session, erase, json!({ "p": "wrong horse battery" })).await;
    assert_eq!(wrong["eraseAccount"]["userErrors"][0]["code"], "CREDENTIALS_INVALID");
    let erased = installation.graphql(&ada.session, erase, json!({ "p": PASSWORD })).await["eraseAccount"].take();
    assert_eq!(erased["userErrors"], json!([]));
    let url = erased["certificateUrl"].as_str().unwrap().to_owned();
    let page = installation.get(url.strip_prefix(&installation.url).unwrap()).await;
    assert!(page.body.contains("a person's account") || page.body.contains("a person&#39;s account"), "{page:?}");
    assert_eq!(installation.graphql(&ada.session, "{ viewer { id } }", json!({})).await["viewer"], Value::Null);
}

#[actix_web::test]
async fn m4_2_an_owner_erases_an_organisation_and_nothing_answers_there_any_more() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&ada.key, &["bob@example.com"]).await;
    let erase =
        "mutation($o: ID!) { eraseOrganization(input: { organization: $o }) { erasureId certificateUrl userErrors { field code } } }";
    let erased = installation.graphql(&ada.session, erase, json!({ "o": ada.organization })).await["eraseOrganization"].take();
    assert_eq!(erased["userErrors"], json!([]));
    let gone = installation.graphql(&ada.session, "query($id: ID!) { email(id: $id) { id } }", json!({ "id": email })).await;
    assert_eq!(gone["email"], Value::Null);
    let by_key = installation.graphql_reply(&ada.key, "{ emails { nodes { id } } }", json!({})).await;
    assert_eq!(by_key.json()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let again = installation.graphql(&ada.session, erase, json!({ "o": ada.organization })).await;
    assert_eq!(again["eraseOrganization"]["userErrors"], json!([{ "field": ["input", "organization"], "code": "NOT_FOUND" }]));
}

#[actix_web::test]
async fn m8_6_a_restricted_recipient_answers_restricted_until_the_notice_was_given() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&ada.key, &["bob@example.com"]).await;
    let restrict = "mutation($a: String!) { restrictRecipient(input: { address: $a, ground: ACCURACY_CONTESTED }) {
        position userErrors { field code } } }";
    let restricted = installation.graphql(&ada.key, restrict, json!({ "a": "BOB@example.com" })).await["restrictRecipient"].take();
    assert_eq!(restricted["userErrors"], json!([]));
    let hidden = recipient(&installation, &ada.key, &email, &restricted["position"]).await;
    assert_eq!((&hidden["address"], &hidden["personalData"]), (&Value::Null, &json!("RESTRICTED")));
    let (later, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let suppressed = recipient(&installation, &ada.key, &later, &json!(position)).await;
    assert_eq!((&suppressed["state"], &suppressed["personalData"]), (&json!("SUPPRESSED"), &json!("RESTRICTED")));

    let person = json!({ "a": "bob@example.com" });
    let lift = "mutation($a: String) { liftRestriction(input: { address: $a }) { position userErrors { code } } }";
    let early = installation.graphql(&ada.key, lift, person.clone()).await;
    assert_eq!(early["liftRestriction"]["userErrors"][0]["code"], "LIFT_NOT_ANNOUNCED");
    let announce = "mutation($a: String) { announceRestrictionLift(input: { address: $a }) { userErrors { code } } }";
    installation.graphql(&ada.key, announce, person.clone()).await;
    let lifted = installation.graphql(&ada.key, lift, person.clone()).await["liftRestriction"].take();
    assert_eq!(lifted["userErrors"], json!([]));
    let shown = recipient(&installation, &ada.key, &email, &lifted["position"]).await;
    assert_eq!((&shown["address"], &shown["personalData"]), (&json!("bob@example.com"), &json!("READABLE")));
    let again = installation.graphql(&ada.key, lift, person).await;
    assert_eq!(again["liftRestriction"]["userErrors"][0]["code"], "NOT_RESTRICTED");
}

#[actix_web::test]
async fn m8_6_whoever_restricts_the_own_account_is_not_shown_and_can_still_lift_it() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let restrict = "mutation { restrictAccount(input: { ground: UNLAWFUL_USE }) { userErrors { code } } }";
    assert_eq!(installation.graphql(&ada.session, restrict, json!({})).await["restrictAccount"]["userErrors"], json!([]));
    let viewer = installation.graphql(&ada.session, "{ viewer { address personalData } }", json!({})).await;
    assert_eq!(viewer["viewer"], json!({ "address": null, "personalData": "RESTRICTED" }));
    for step in ["announceRestrictionLift", "liftRestriction"] {
        let mutation = format!("mutation {{ {step}(input: {{}}) {{ userErrors {{ code }} }} }}");
        assert_eq!(installation.graphql(&ada.session, &mutation, json!({})).await[step]["userErrors"], json!([]));
    }
    let viewer = installation.graphql(&ada.session, "{ viewer { address } }", json!({})).await;
    assert_eq!(viewer["viewer"]["address"], "ada@example.org");
}

#[actix_web::test]
async fn m8_5_an_objection_to_marketing_suppresses_the_address_for_that_reason() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let object =
        "mutation { objectToProcessing(input: { address: \"bob@example.com\", scopes: [DIRECT_MARKETING, LEGITIMATE_INTERESTS] }) {
        position userErrors { code } } }";
    let objected = installation.graphql(&ada.key, object, json!({})).await["objectToProcessing"].take();
    assert_eq!(objected["userErrors"], json!([]));
    let list = "query($p: Position) { suppressions(atLeast: $p) { nodes { reason address } } }";
    let listed = installation.graphql(&ada.key, list, json!({ "p": objected["position"] })).await;
    assert_eq!(listed["suppressions"]["nodes"], json!([{ "reason": "OBJECTED", "address": "bob@example.com" }]));
    let (email, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    assert_eq!(recipient(&installation, &ada.key, &email, &json!(position)).await["state"], "SUPPRESSED");
}

#[actix_web::test]
async fn m9_3_a_childs_data_is_erased_in_the_request_itself() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&ada.key, &["bob@example.com"]).await;
    let asked = installation.graphql(&ada.key, REQUEST, json!({ "a": "bob@example.com", "child": true })).await["requestErasure"].take();
    assert_eq!(recipient(&installation, &ada.key, &email, &asked["position"]).await["personalData"], "ERASED");
}
