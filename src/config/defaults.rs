//! What holds when nothing is said.

use super::environment::Environment;
use super::validate::EPOCH_MINUTES_MAX;
use super::{
    Config, DatabaseSettings, EgressSettings, EventStoreSettings, KeySettings, LimitSettings, LogSettings, MetricsSettings, ProviderChoice,
    Role, SmtpSettings, TransparencySettings, settings,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use toml::Table;

const MIB: usize = 1024 * 1024;

/// The directories: the system's for root, the user's (XDG) otherwise. Empty when there is no home.
pub(super) fn paths(environment: &Environment) -> Table {
    let (data, keys) = if nix::unistd::geteuid().is_root() {
        (Some(PathBuf::from("/var/lib/lethemail")), Some(PathBuf::from("/etc/lethemail/keys")))
    } else {
        let home = environment.path("HOME");
        let base = |variable, below_home| {
            // The XDG specification has relative paths ignored.
            let named = environment.path(variable).filter(|path| path.is_absolute());
            named.or_else(|| Some(home.as_ref()?.join(below_home)))
        };
        (
            base("XDG_DATA_HOME", ".local/share").map(|path| path.join("lethemail")),
            base("XDG_CONFIG_HOME", ".config").map(|path| path.join("lethemail/keys")),
        )
    };
    let mut table = Table::new();
    for (key, path) in [("data_dir", data), ("key_dir", keys)] {
        if let Some(path) = path.as_ref().and_then(|path| path.to_str()) {
            settings::insert(&mut table, key, path.into());
        }
    }
    table
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::new(),
            key_dir: PathBuf::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: String::new(),
            client_address_header: None,
            role: Role::All,
            clock_file: None,
            database: DatabaseSettings::default(),
            event_store: EventStoreSettings::default(),
            keys: KeySettings::default(),
            smtp: SmtpSettings::default(),
            egress: EgressSettings::default(),
            transparency: TransparencySettings::default(),
            limits: LimitSettings::default(),
            metrics: MetricsSettings::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for KeySettings {
    /// A week.
    fn default() -> Self {
        Self {
            epoch_minutes: EPOCH_MINUTES_MAX,
            standbys: vec![],
            provider: ProviderChoice::File,
            passphrase: None,
            former_passphrase: None,
            pkcs11_module: None,
            pkcs11_token: None,
            pkcs11_pin: None,
            transit_address: None,
            transit_mount: "transit".into(),
            transit_token: None,
            transit_namespace: None,
            transit_ca_file: None,
        }
    }
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self { concurrency_per_server: 8, connect_timeout_s: 30, data_timeout_s: 600, delivery_age_hours_max: 72 }
    }
}

impl Default for TransparencySettings {
    fn default() -> Self {
        Self { checkpoint_interval_s: 60, witnesses: vec![] }
    }
}

impl Default for LimitSettings {
    /// 40 MB of attachments are 53 MiB in base64; 60 MiB leave room for the rest of a message.
    fn default() -> Self {
        Self { body_bytes_max: 60 * MIB, bodies_in_flight_bytes: 128 * MIB }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".into() }
    }
}
