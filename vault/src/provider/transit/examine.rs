//! Whether a Transit engine keeps what certificates promise.

use super::super::Finding;
use super::http::{Answer, Method};
use super::{TransitKeys, flaws, key_name};
use crate::error::VaultError;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

impl TransitKeys {
    /// `needed_for`: how long the token must live on to see the next rotation to its end.
    pub(in super::super) fn examine(&self, living: &[Uuid], needed_for: Duration) -> Result<Vec<Finding>, VaultError> {
        let token = self.client.call(Method::Get, "auth/token/lookup-self", None)?.done()?;
        let mut findings: Vec<Finding> = token_ends(&token["data"], needed_for).map(Finding::Wrong).into_iter().collect();
        for right in self.missing_rights()? {
            findings.push(Finding::Wrong(format!(
                "the token's policy does not allow {right}; without it keys can be made that nobody destroys"
            )));
        }
        for name in living {
            let Some(key) = self.key(*name)? else { continue };
            for flaw in flaws(&key) {
                let path = self.path("keys", *name);
                let remedy = match flaw {
                    "it cannot be deleted" => format!("bao write {path}/config deletion_allowed=true"),
                    _ => "lethemail keys rotate replaces it".into(),
                };
                findings.push(Finding::Wrong(format!("the key {}: {flaw}; {remedy}", key_name(*name))));
            }
        }
        if findings.is_empty() {
            findings.push(Finding::Well(format!(
                "the engine {} at {} makes keys that it deletes when asked",
                self.client.mount(),
                self.client.address()
            )));
        }
        Ok(findings)
    }

    /// Rights that a rotation needs and the token does not have. None are known to miss where the token may not ask.
    pub(super) fn missing_rights(&self) -> Result<Vec<String>, VaultError> {
        let keys = self.path("keys", Uuid::nil());
        let needed = [
            (keys.clone(), &["update", "create"][..]),
            (keys.clone(), &["read"]),
            (keys.clone(), &["delete"]),
            (format!("{keys}/config"), &["update"]),
            (self.path("encrypt", Uuid::nil()), &["update"]),
            (self.path("decrypt", Uuid::nil()), &["update"]),
        ];
        let paths: Vec<&String> = needed.iter().map(|(path, _)| path).collect();
        let Answer::Done(answer) = self.client.call(Method::Post, "sys/capabilities-self", Some(&json!({ "paths": paths })))? else {
            return Ok(vec![]);
        };
        let has = |path: &str, wanted: &[&str]| {
            let held = answer["data"][path].as_array().into_iter().flatten().filter_map(Value::as_str);
            held.into_iter().any(|right| right == "root" || wanted.contains(&right))
        };
        let shown = format!("{}*", key_name(Uuid::nil()).trim_end_matches('0'));
        let missing = needed.iter().filter(|(path, wanted)| !has(path, wanted));
        Ok(missing.map(|(path, wanted)| format!("{} on {}", wanted[0], path.replace(&key_name(Uuid::nil()), &shown))).collect())
    }
}

fn token_ends(token: &Value, needed_for: Duration) -> Option<String> {
    let ttl = Duration::from_secs(token["ttl"].as_u64()?);
    // A token without an end has a time to live of zero. A periodic one is renewed at every rotation.
    let period = token["period"].as_u64().map(Duration::from_secs);
    let enough = ttl.is_zero() || ttl.max(period.unwrap_or_default()) >= needed_for;
    let hours = ttl.as_secs() / 3600;
    (!enough).then(|| {
        format!("the token ends in {hours} hours, before the next rotation does; give it a period of {} hours", needed_for.as_secs() / 3600)
    })
}
