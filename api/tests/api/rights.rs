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
    let own = installation.graphql(&ada.session, query, json!({ "o": ada.organization })).await;
    assert_ne!(own["accountHistory"]["nodes"], json!([]));
}
