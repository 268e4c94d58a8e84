//! What must hold between settings before anything starts.

use super::{Config, ConfigError};
use event_store::KurrentdbConfig;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use transparency::{Algorithm, VerifierKey};

const KURRENTDB: &str =
    "an address of KurrentDB, as in esdb://host:2113?tls=false or kurrentdb+discover://host, or left out: the log is in the database then";
const KURRENTDB_SCHEMES: [&str; 4] = ["esdb://", "esdb+discover://", "kurrentdb://", "kurrentdb+discover://"];

/// A week.
pub(super) const EPOCH_MINUTES_MAX: u32 = 7 * 24 * 60;
/// A day. Shorter ones are for tests.
pub(crate) const EPOCH_MINUTES_USUAL: u32 = 24 * 60;

impl Config {
    pub(super) fn validated(mut self) -> Result<Self, ConfigError> {
        self.data_dir = absolute(&self.data_dir)?;
        self.key_dir = absolute(&self.key_dir)?;
        if resolved(&self.key_dir).starts_with(resolved(&self.data_dir)) {
            return Err(ConfigError::KeysInsideData { key_dir: self.key_dir, data_dir: self.data_dir });
        }
        if self.public_url.is_empty() {
            self.public_url = format!("http://{}", self.listen);
        }
        self.public_url.truncate(self.public_url.trim_end_matches('/').len());
        self.check_values()?;
        Ok(self)
    }

    fn check_values(&self) -> Result<(), ConfigError> {
        let rules = [
            (is_http(&self.public_url), "public_url", "an http:// or https:// address"),
            (self.database.url.as_ref().is_none_or(|url| is_postgres(url.expose())), "database.url", "a postgresql:// address"),
            (self.database.vault_url.as_ref().is_none_or(|url| is_postgres(url.expose())), "database.vault_url", "a postgresql:// address"),
            (self.database.vault_url.is_none() || self.database.url.is_some(), "database.vault_url", "set together with database.url"),
            (self.event_store.url.as_ref().is_none_or(|url| is_kurrentdb(url.expose())), "event_store.url", KURRENTDB),
            (
                (1..=EPOCH_MINUTES_MAX).contains(&self.keys.epoch_minutes),
                "keys.epoch_minutes",
                "1 to 10080: a week at most, or destroyed keys would not be gone everywhere within 15 days",
            ),
            (self.smtp.concurrency_per_server > 0, "smtp.concurrency_per_server", "at least 1"),
            (self.smtp.connect_timeout_s > 0, "smtp.connect_timeout_s", "at least 1"),
            (self.smtp.data_timeout_s > 0, "smtp.data_timeout_s", "at least 1"),
            (
                (1..=72).contains(&self.smtp.delivery_age_hours_max),
                "smtp.delivery_age_hours_max",
                "1 to 72: no text is kept longer (row M1.6)",
            ),
            (self.egress.allowed_networks.iter().all(|text| is_network(text)), "egress.allowed_networks", "networks such as 10.0.0.0/8"),
            (self.transparency.checkpoint_interval_s > 0, "transparency.checkpoint_interval_s", "at least 1"),
            (
                self.transparency.witnesses.iter().all(|key| is_witness(key)),
                "transparency.witnesses",
                "keys of witnesses as in witness.example+1a2b3c4d+BAcd… (C2SP signed-note, algorithm 4)",
            ),
            (self.limits.body_bytes_max > 0, "limits.body_bytes_max", "at least 1"),
            (
                self.limits.bodies_in_flight_bytes >= self.limits.body_bytes_max,
                "limits.bodies_in_flight_bytes",
                "at least limits.body_bytes_max, or the largest body could never come in",
            ),
            (is_level(&self.log.level), "log.level", "error, warn, info, debug or trace"),
        ];
        match rules.into_iter().chain(self.keys.provider_rules()).find(|(holds, ..)| !holds) {
            Some((_, key, what)) => Err(ConfigError::Wrong(key.to_owned(), what)),
            None => Ok(()),
        }
    }
}

fn is_witness(key: &str) -> bool {
    key.parse::<VerifierKey>().is_ok_and(|key| key.algorithm == Algorithm::CosignatureV1)
}

fn absolute(path: &Path) -> Result<PathBuf, ConfigError> {
    std::path::absolute(path).map_err(|_| ConfigError::NoHome)
}

/// The path with its symbolic links followed as far as it exists, and `..` taken away.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let Some(parent) = path.parent() else { return path.to_owned() };
    path.canonicalize().unwrap_or_else(|_| match path.file_name() {
        Some(name) => resolved(parent).join(name),
        None => resolved(parent).parent().map(Path::to_owned).unwrap_or_default(),
    })
}

fn is_http(url: &str) -> bool {
    url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).is_some_and(|rest| !rest.is_empty())
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgresql://") || url.starts_with("postgres://")
}

fn is_kurrentdb(url: &str) -> bool {
    KURRENTDB_SCHEMES.iter().any(|scheme| url.starts_with(scheme)) && KurrentdbConfig::new(url).is_ok()
}

fn is_network(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let bits = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits)
}

fn is_level(level: &str) -> bool {
    ["error", "warn", "info", "debug", "trace"].contains(&level)
}
