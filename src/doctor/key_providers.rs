//! Whether the providers of the epochs' wrapping keys answer, and destroy them by the dates that certificates promise.

use super::{Finding, Note, Well, Wrong};
use crate::config::Config;
use domain::KeyProvider;
use std::time::Duration;
use tokio_postgres::Client;
use vault::LivingKey;

/// Those that something needs; a condemned one may be gone already.
const LIVING: &str = "SELECT epoch, provider, provider_key FROM keyring.epoch WHERE state IN (1, 2) ORDER BY epoch";
/// A rotation, and who has to mend something.
const MARGIN: Duration = Duration::from_secs(2 * 86_400);

pub(super) async fn findings(config: &Config, client: &Client) -> Vec<Finding> {
    // Before the first start, and with a login that may not look, the next epoch's provider is all there is to ask.
    let rows = client.query(LIVING, &[]).await.unwrap_or_default();
    let key = |row: &tokio_postgres::Row| LivingKey { epoch: row.get(0), provider: row.get(1), name: row.get(2) };
    let living: Vec<LivingKey> = rows.iter().map(key).collect();
    let needed_for = config.keys.rotation().interval + MARGIN;
    let examined = match vault::examine(config.keys.providers(), &config.key_dir, living, needed_for).await {
        Ok(examined) => examined,
        Err(error) => return vec![Wrong(format!("key provider: {error}"))],
    };
    examined.into_iter().flat_map(|(provider, outcome)| told(config, provider, outcome)).collect()
}

fn told(config: &Config, provider: KeyProvider, outcome: Result<Vec<vault::Finding>, vault::VaultError>) -> Vec<Finding> {
    let role = if provider == config.keys.provider() { "key provider" } else { "key provider of an older epoch" };
    let name = provider.describe();
    let findings = match outcome {
        Ok(findings) => findings,
        Err(error) => return vec![Wrong(format!("{role}: {error}"))],
    };
    let well = findings.iter().all(|finding| matches!(finding, vault::Finding::Well(_)));
    let mut told: Vec<Finding> = findings
        .into_iter()
        .map(|finding| match finding {
            vault::Finding::Well(text) => Well(format!("{role}: {text}")),
            vault::Finding::Wrong(text) => Wrong(format!("{role}: {text}")),
        })
        .collect();
    if well {
        let how = provider.destruction();
        told.push(Well(format!("{role}: {name}; window: none, a key ends when it is destroyed ({how})")));
    }
    told.push(Note(format!("{role}: {}", provider.limits())));
    told
}
