//! Anything by its id.

use super::installation::Installation;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An id of another kind in the same organisation that names nothing.
fn of_kind(kind: u8, organization: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(organization).unwrap();
    bytes[0] = kind;
    bytes[20] ^= 0xff;
    URL_SAFE_NO_PAD.encode(bytes)
}

const SMTP_SERVER: u8 = 4;

#[actix_web::test]
async fn things_of_all_kinds_come_in_the_order_asked() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let (email, _) = installation.send(&ada.key, &["bob@example.com"]).await;
    let (other, position) = installation.send(&ada.key, &["carol@example.com"]).await;
    let own = "query($p: Position) { viewer(atLeast: $p) { id } organization(atLeast: $p) { apiKeys { nodes { id } } } }";
    let own = installation.graphql(&ada.session, own, json!({ "p": position })).await;
    let (user, key) = (own["viewer"]["id"].clone(), own["organization"]["apiKeys"]["nodes"][0]["id"].clone());
    let ids = json!([other, user, ada.organization, of_kind(SMTP_SERVER, &ada.organization), key, email, "garbage", key, email]);
    let nodes = "query($ids: [ID!]!, $p: Position) { nodes(ids: $ids, atLeast: $p) { __typename id ... on ApiKey { name } } }";
    let nodes = installation.graphql(&ada.session, nodes, json!({ "ids": ids, "p": position })).await;
    let key = json!({ "__typename": "ApiKey", "id": key, "name": "app" });
    let email = json!({ "__typename": "Email", "id": email });
    let expected = json!([
        { "__typename": "Email", "id": other },
        { "__typename": "User", "id": user },
        { "__typename": "Organization", "id": ada.organization },
        null,
        key,
        email,
        null,
        key,
        email,
    ]);
    assert_eq!(nodes["nodes"], expected);
}

#[actix_web::test]
async fn many_ids_in_one_document_do_not_use_up_the_connections() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let server = of_kind(SMTP_SERVER, &ada.organization);
    let aliases: String = (0..90).map(|number| format!("n{number}: node(id: $id) {{ id }} ")).collect();
    let query = format!("query($id: ID!) {{ {aliases} }}");
    let asked = installation.graphql(&ada.session, &query, json!({ "id": server }));
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await.expect("every request got its connection");
    assert_eq!((&answer["n0"], &answer["n89"]), (&Value::Null, &Value::Null));
}

#[actix_web::test]
async fn a_list_of_ids_weighs_as_much_as_it_has_ids() {
    let installation = Installation::new().await;
    let one = "{ id ... on Email { status createdAt subject attempts from } }";
    let fields: String = (0..90).map(|number| format!("n{number}: nodes(ids: $ids) {one} ")).collect();
    let query = format!("query($ids: [ID!]!) {{ {fields} }}");
    let few = installation.graphql_reply("", &query, json!({ "ids": vec!["x"; 5] })).await;
    assert_eq!(few.json()["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let many = installation.graphql_reply("", &query, json!({ "ids": vec!["x"; 100] })).await;
    assert_eq!((many.status, many.json()["errors"][0]["extensions"]["code"].clone()), (400, json!("LIMIT_EXCEEDED")));
}
