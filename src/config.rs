//! The configuration: flags over environment over file over defaults. A name that is not known is an error, so a slip cannot go unseen.

mod defaults;
mod environment;
mod error;
mod file;
mod key_provider;
mod role;
mod secret;
mod settings;
mod show;
mod validate;

pub use error::ConfigError;
pub use key_provider::ProviderChoice;
pub use role::Role;
pub use secret::Secret;
pub use settings::{SETTINGS, Setting};
pub(crate) use validate::EPOCH_MINUTES_USUAL;
pub(crate) use validate::resolved;

use environment::Environment;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::{Table, Value};
use vault::RotationPolicy;

/// Everything that can be set, resolved. [`SETTINGS`] describes each key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub data_dir: PathBuf,
    pub key_dir: PathBuf,
    pub listen: SocketAddr,
    /// Where clients reach us, without a slash at the end.
    pub public_url: String,
    /// Only behind a proxy that sets it: whoever speaks to us directly could claim any address.
    pub client_address_header: Option<String>,
    pub role: Role,
    pub clock_file: Option<PathBuf>,
    pub database: DatabaseSettings,
    pub event_store: EventStoreSettings,
    pub keys: KeySettings,
    pub smtp: SmtpSettings,
    pub egress: EgressSettings,
    pub transparency: TransparencySettings,
    pub limits: LimitSettings,
    pub metrics: MetricsSettings,
    pub log: LogSettings,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// None: the program runs a PostgreSQL of its own.
    pub url: Option<Secret>,
    pub vault_url: Option<Secret>,
    pub bin_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventStoreSettings {
    /// Of a KurrentDB. None: the log lies in the database.
    pub url: Option<Secret>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    pub epoch_minutes: u32,
    /// By `application_name`.
    pub standbys: Vec<String>,
    pub provider: ProviderChoice,
    /// Seals the key files.
    pub passphrase: Option<Secret>,
    /// Opens key files that were sealed under it, until their epochs are gone.
    pub former_passphrase: Option<Secret>,
    pub pkcs11_module: Option<PathBuf>,
    pub pkcs11_token: Option<String>,
    pub pkcs11_pin: Option<Secret>,
    pub transit_address: Option<String>,
    pub transit_mount: String,
    pub transit_token: Option<Secret>,
    pub transit_namespace: Option<String>,
    pub transit_ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpSettings {
    pub concurrency_per_server: u16,
    pub connect_timeout_s: u32,
    pub data_timeout_s: u32,
    pub delivery_age_hours_max: u32,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressSettings {
    /// In CIDR form.
    pub allowed_networks: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransparencySettings {
    pub checkpoint_interval_s: u32,
    pub witnesses: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    pub body_bytes_max: usize,
    pub bodies_in_flight_bytes: usize,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSettings {
    /// None: there are no metrics.
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    pub level: String,
}

/// What was said on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Configuration file (TOML) [env: LETHEMAIL_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the private PostgreSQL keeps its data [env: LETHEMAIL_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where the epoch keys lie; never inside the data directory [env: LETHEMAIL_KEY_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub key_dir: Option<PathBuf>,
    /// Address and port to listen on [env: LETHEMAIL_LISTEN]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Address and port of /metrics [env: LETHEMAIL_METRICS__LISTEN]
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    pub metrics_listen: Option<String>,
    /// Which part this process plays [env: LETHEMAIL_ROLE]
    #[arg(long, global = true)]
    pub role: Option<Role>,
}

impl Config {
    /// Reads the process's environment, and the file that it or the flags name.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_sources(flags, std::env::vars_os())
    }

    /// The same with an environment given by the caller.
    pub fn from_sources(flags: &Flags, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, ConfigError> {
        let environment = Environment::new(environment);
        let mut table = defaults::paths(&environment);
        if let Some(path) = flags.config.clone().or_else(|| environment.path("LETHEMAIL_CONFIG")) {
            settings::overlay(&mut table, file::read(&path)?);
        }
        settings::overlay(&mut table, environment.settings()?);
        settings::overlay(&mut table, flags.settings()?);
        match Self::deserialize(Value::Table(table.clone())) {
            Ok(config) => config.validated(),
            Err(error) => Err(ConfigError::Value { key: settings::culprit(&table), message: error.message().to_owned() }),
        }
    }
}

impl Flags {
    fn settings(&self) -> Result<Table, ConfigError> {
        let mut table = Table::new();
        let path = |path: &PathBuf| path.to_str().map(str::to_owned).ok_or(ConfigError::NotText("a path on the command line".into()));
        if let Some(data_dir) = &self.data_dir {
            table.insert("data_dir".into(), path(data_dir)?.into());
        }
        if let Some(key_dir) = &self.key_dir {
            table.insert("key_dir".into(), path(key_dir)?.into());
        }
        if let Some(listen) = &self.listen {
            table.insert("listen".into(), listen.clone().into());
        }
        if let Some(listen) = &self.metrics_listen {
            settings::insert(&mut table, "metrics.listen", listen.clone().into());
        }
        if let Some(role) = self.role {
            table.insert("role".into(), role.as_str().into());
        }
        Ok(table)
    }
}

impl KeySettings {
    pub fn rotation(&self) -> RotationPolicy {
        RotationPolicy { interval: Duration::from_secs(u64::from(self.epoch_minutes) * 60), standbys: self.standbys.clone() }
    }
}

impl SmtpSettings {
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_s.into())
    }

    pub fn data_timeout(&self) -> Duration {
        Duration::from_secs(self.data_timeout_s.into())
    }

    /// Counted from the time a message was due.
    pub fn delivery_age_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.delivery_age_hours_max) * 3600)
    }
}
