//! What an organisation can read of its messages.

use super::client::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All messages with recipients and timeline, by uuid.
pub fn histories(client: &Client) -> BTreeMap<String, Value> {
    let query = "query($after: String) { emails(first: 25, after: $after) { pageInfo { hasNextPage endCursor } nodes {
        uuid subject status from personalData recipients { number address state personalData }
        timeline { type recipients attempt outcomes { recipient replyCode reason reply } } } } }";
    let mut all = BTreeMap::new();
    let mut after = Value::Null;
    loop {
        let page = client.ask(query, json!({ "after": after }))["emails"].clone();
        all.extend(page["nodes"].as_array().unwrap().iter().map(|email| (email["uuid"].as_str().unwrap().to_owned(), email.clone())));
        if page["pageInfo"]["hasNextPage"] != json!(true) {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
