//! From nothing to a message that is sent, read and forgotten.

use super::installation::Installation;
use serde_json::{Value, json};

const EMAIL: &str = "query($id: ID!, $p: Position) { email(id: $id, atLeast: $p) { id status from subject personalData
    recipients { number field state address name personalData } timeline { type recipients } } }";

#[actix_web::test]
async fn somebody_signs_up_and_sends_and_reads_it_back() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (id, position) = installation.send(&account.key, &["Bob <bob@example.com>", "carol@example.com"]).await;
    let read = installation.graphql(&account.key, EMAIL, json!({ "id": id, "p": position })).await;
    assert_eq!(
        read["email"],
        json!({
            "id": id, "status": "QUEUED", "from": "Shop <shop@example.org>", "subject": "Hello", "personalData": "READABLE",
            "recipients": [
                { "number": 0, "field": "TO", "state": "QUEUED", "address": "bob@example.com", "name": "Bob", "personalData": "READABLE" },
                { "number": 1, "field": "TO", "state": "QUEUED", "address": "carol@example.com", "name": null, "personalData": "READABLE" },
            ],
            "timeline": [{ "type": "QUEUED", "recipients": [0, 1] }],
        })
    );
    let viewer = "query($p: Position) { viewer(atLeast: $p) { name address organizations { name apiKeys { nodes { name scopes } } } } }";
    let viewer = installation.graphql(&account.session, viewer, json!({ "p": position })).await;
    assert_eq!(viewer["viewer"]["name"], "Ada");
    assert_eq!(viewer["viewer"]["address"], "ada@example.org");
    assert_eq!(viewer["viewer"]["organizations"][0]["name"], "Engines");
    assert_eq!(viewer["viewer"]["organizations"][0]["apiKeys"]["nodes"][0]["name"], "app");
}

#[actix_web::test]
async fn an_erased_recipient_shows_nowhere_and_the_facts_remain() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (id, _) = installation.send(&account.key, &["bob@example.com", "carol@example.com"]).await;
    let erase = "mutation { eraseRecipient(input: { address: \"Bob@example.com\" }) { erasureId position userErrors { code } } }";
    let erased = installation.graphql(&account.key, erase, json!({})).await;
    let position = &erased["eraseRecipient"]["position"];
    let read = installation.graphql(&account.key, EMAIL, json!({ "id": id, "p": position })).await;
    let recipients = &read["email"]["recipients"];
    assert_eq!(recipients[0]["address"], Value::Null);
    assert_eq!(recipients[0]["personalData"], "ERASED");
    assert_eq!(recipients[1]["address"], "carol@example.com");
    assert_eq!(read["email"]["timeline"][0]["type"], "QUEUED");
    let page = "query($p: Position) { emails(filter: { recipient: \"bob@example.com\" }, atLeast: $p) { nodes { id } }
        suppressions(atLeast: $p) { nodes { reason address personalData } } }";
    let page = installation.graphql(&account.key, page, json!({ "p": position })).await;
    assert_eq!(page["emails"]["nodes"], json!([]));
    assert_eq!(page["suppressions"]["nodes"][0]["reason"], "ERASED");
}

#[actix_web::test]
async fn every_action_is_in_the_history_with_who_and_from_where() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let (_, position) = installation.send(&account.key, &["bob@example.com"]).await;
    let query = "query($o: ID, $p: Position) { accountHistory(organization: $o, atLeast: $p, first: 50) {
        nodes { type actorKind ip userAgent personalData } } }";
    let own = installation.graphql(&account.session, query, json!({ "p": position })).await;
    let types: Vec<&str> = own["accountHistory"]["nodes"].as_array().unwrap().iter().map(|node| node["type"].as_str().unwrap()).collect();
    for wanted in ["UserSignedUp", "AddressConfirmed", "SignedIn", "OrganizationCreated", "ApiKeyCreated"] {
        assert!(types.contains(&wanted), "{wanted} is missing in {types:?}");
    }
    let theirs = installation.graphql(&account.session, query, json!({ "o": account.organization, "p": position })).await;
    let nodes = theirs["accountHistory"]["nodes"].as_array().unwrap();
    let sent = nodes.iter().find(|node| node["type"] == "EmailQueued").unwrap();
    assert_eq!(
        *sent,
        json!({ "type": "EmailQueued", "actorKind": "API_KEY", "ip": "127.0.0.1", "userAgent": "tests", "personalData": "READABLE" })
    );
}

#[actix_web::test]
async fn pages_of_messages_follow_each_other_and_filters_hold() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let send = "mutation($m: [MessageInput!]!) { sendEmails(input: { messages: $m }) { emails { id recipients { address } } position userErrors { code } } }";
    let message = |number: usize| {
        json!({ "from": "shop@example.org", "to": [format!("r{number}@example.com")], "subject": "Hello", "text": "Hi.",
            "tags": [{ "name": "order", "value": format!("n{}", number % 2) }] })
    };
    let messages: Vec<Value> = (0..7).map(message).collect();
    let sent = installation.graphql(&account.key, send, json!({ "m": messages })).await;
    assert_eq!(sent["sendEmails"]["emails"][6]["recipients"][0]["address"], "r6@example.com");
    let position = &sent["sendEmails"]["position"];
    let page = "query($f: EmailFilter, $after: String, $p: Position) { emails(filter: $f, first: 3, after: $after, atLeast: $p) {
        nodes { recipients { address } } pageInfo { hasNextPage endCursor } } }";
    let (mut seen, mut after) = (0, Value::Null);
    loop {
        let got = installation.graphql(&account.key, page, json!({ "after": after, "p": position })).await;
        seen += got["emails"]["nodes"].as_array().unwrap().len();
        after = got["emails"]["pageInfo"]["endCursor"].clone();
        if got["emails"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, 7);
    let tagged = json!({ "f": { "tag": { "name": "order", "value": "n1" } }, "p": position });
    assert_eq!(installation.graphql(&account.key, page, tagged).await["emails"]["nodes"].as_array().unwrap().len(), 3);
    let to = json!({ "f": { "recipient": "R4@example.com", "status": ["QUEUED"] }, "p": position });
    let to = installation.graphql(&account.key, page, to).await;
    assert_eq!(to["emails"]["nodes"], json!([{ "recipients": [{ "address": "r4@example.com" }] }]));
    let stats = "query($p: Position) { deliveryStats(atLeast: $p) { openQueued days { messages accepted } } }";
    let stats = installation.graphql(&account.key, stats, json!({ "p": position })).await;
    assert_eq!(stats["deliveryStats"], json!({ "openQueued": 7, "days": [{ "messages": 7, "accepted": 7 }] }));
}
