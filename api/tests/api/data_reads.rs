//! Who opened an organisation's data, and why, as its owners see it.

use super::installation::Installation;
use serde_json::{Value, json};

const READS: &str = "query($id: ID!) { organization(id: $id) { dataReads { day actorKind actorId purpose data count } } }";

fn counted(answer: &Value, kind: &str, data: &str) -> u64 {
    let reads = answer["organization"]["dataReads"].as_array().unwrap();
    reads.iter().filter(|read| read["actorKind"] == kind && read["data"] == data).map(|read| read["count"].as_u64().unwrap()).sum()
}

#[actix_web::test]
async fn c8_1c_owners_see_who_opened_their_data_and_why_and_nobody_else_does() {
    let installation = Installation::new().await;
    let (ada, eve) = (installation.account("ada@example.org").await, installation.account("eve@example.org").await);
    let (_, position) = installation.send(&ada.key, &["bob@example.com", "carol@example.com"]).await;
    let own = json!({ "id": ada.organization });
    assert_eq!(counted(&installation.graphql(&ada.session, READS, own.clone()).await, "API_KEY", "RecipientDetails"), 0);

    // An application looks at the message twice by GraphQL and once by the Email API; its owner once.
    let query = "query($p: Position) { emails(atLeast: $p) { nodes { uuid recipients { address } } } }";
    let seen = installation.graphql(&ada.key, query, json!({ "p": position })).await;
    installation.graphql(&ada.key, query, json!({})).await;
    let uuid = seen["emails"]["nodes"][0]["uuid"].as_str().unwrap();
    let bearer = format!("Bearer {}", ada.key);
    assert_eq!(installation.request("GET", &format!("/emails/{uuid}"), &[("authorization", &bearer)], "").await.status, 200);
    installation.graphql(&ada.session, query, json!({})).await;

    let told = installation.graphql(&ada.session, READS, own.clone()).await;
    assert_eq!(counted(&told, "API_KEY", "RecipientDetails"), 6, "{told:#}");
    assert_eq!(counted(&told, "MEMBER", "RecipientDetails"), 2, "{told:#}");
    assert_eq!(counted(&told, "API_KEY", "SenderDetails"), 1, "{told:#}");
    let reads = told["organization"]["dataReads"].as_array().unwrap();
    assert!(reads.iter().all(|read| read["day"] == "2026-09-21"), "{told:#}");
    assert!(reads.iter().filter(|read| read["actorKind"] != "SYSTEM").all(|read| read["actorId"].is_string()), "{told:#}");
    assert!(reads.iter().any(|read| read["purpose"] == "SERVICE"));

    let by_key = installation.graphql_reply(&ada.key, READS, own.clone()).await;
    assert!(by_key.body.contains("FORBIDDEN"), "{by_key:?}");
    let foreign = installation.graphql_reply(&eve.session, READS, own).await;
    assert_eq!(foreign.json()["data"]["organization"], Value::Null, "{foreign:?}");
}
