//! Every key there is. The file, the environment, `lethemail config` and the errors all go by this list.

use super::Config;
use serde::Deserialize;
use toml::{Table, Value};

pub struct Setting {
    /// `section.key`, or a key of the top level.
    pub key: &'static str,
    pub kind: Kind,
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Never shown. `LETHEMAIL_…_FILE` names a file that holds it.
    Secret,
    Whole,
    /// In the environment, separated by commas.
    List,
}

const fn setting(key: &'static str, kind: Kind, about: &'static str) -> Setting {
    Setting { key, kind, about }
}

/// Keys of the top level first: TOML wants them before the sections.
pub const SETTINGS: &[Setting] = &[
    setting("data_dir", Kind::Text, "Where the private PostgreSQL keeps its data."),
    setting("key_dir", Kind::Text, "Where the epoch keys lie; never inside the data directory, and never in its backups."),
    setting("listen", Kind::Text, "Address and port of the API."),
    setting("public_url", Kind::Text, "Where clients reach the API; used in links. Default: http:// and the listen address."),
    setting(
        "client_address_header",
        Kind::Text,
        "Header in which a trusted proxy names the client's address, such as x-forwarded-for; without it the peer's address is the client's.",
    ),
    setting("role", Kind::Text, "all, api, worker or projector."),
    setting(
        "clock_file",
        Kind::Text,
        "Seconds by which the clock runs ahead; accepted only on a data directory that was made with it (tests).",
    ),
    setting(
        "database.url",
        Kind::Secret,
        "PostgreSQL 15 or newer; DATABASE_URL is read too. Without it the program runs a PostgreSQL of its own.",
    ),
    setting("database.vault_url", Kind::Secret, "Login of the vault's own role, which makes the separation of the keyring real."),
    setting("database.bin_dir", Kind::Text, "Directory of the PostgreSQL server programs for the private PostgreSQL."),
    setting(
        "event_store.url",
        Kind::Secret,
        "esdb:// or kurrentdb:// address (also +discover) of a KurrentDB of its own for the event log; without it the log lies in the database.",
    ),
    setting(
        "keys.epoch_minutes",
        Kind::Whole,
        "Minutes until a new epoch key follows; below a day only on a data directory that was made for tests.",
    ),
    setting(
        "keys.standbys",
        Kind::List,
        "Standbys (application_name) that must have replayed a rotation before the old epoch key is destroyed.",
    ),
    setting(
        "keys.provider",
        Kind::Text,
        "What keeps the keys that wrap the epoch keys: file, pkcs11 or transit. A change holds from the next epoch on; leave the former one's settings until then.",
    ),
    setting(
        "keys.passphrase",
        Kind::Secret,
        "Seals the key files; without it whoever reads a file has its key. A change holds from the next epoch on.",
    ),
    setting(
        "keys.former_passphrase",
        Kind::Secret,
        "The passphrase before the present one, for key files that were sealed under it; not needed once their epochs are destroyed.",
    ),
    setting("keys.pkcs11_module", Kind::Text, "The PKCS #11 library of the token's maker, such as /usr/lib/softhsm/libsofthsm2.so."),
    setting("keys.pkcs11_token", Kind::Text, "The token's label."),
    setting("keys.pkcs11_pin", Kind::Secret, "PIN of the token's user."),
    setting("keys.transit_address", Kind::Text, "Address of OpenBao or Vault; https:// unless it runs on this machine."),
    setting("keys.transit_mount", Kind::Text, "Path at which its Transit engine is mounted."),
    setting("keys.transit_token", Kind::Secret, "Token whose policy allows to make, use and delete the keys lethemail-epoch-*."),
    setting("keys.transit_namespace", Kind::Text, "Namespace of the mount, where there are namespaces."),
    setting("keys.transit_ca_file", Kind::Text, "Certificates (PEM) of who vouches for that server; the system's authorities by default."),
    setting("smtp.concurrency_per_server", Kind::Whole, "Connections to one SMTP server at a time."),
    setting("smtp.connect_timeout_s", Kind::Whole, "Seconds to wait for a connection and its greeting."),
    setting("smtp.data_timeout_s", Kind::Whole, "Seconds to wait for the reply to a message's text (RFC 5321, 4.5.3.2.6)."),
    setting("smtp.delivery_age_hours_max", Kind::Whole, "Hours after which a delivery that keeps being deferred is given up."),
    setting("egress.allowed_networks", Kind::List, "Private networks (CIDR) that customers' servers may lie in; none by default."),
    setting(
        "transparency.checkpoint_interval_s",
        Kind::Whole,
        "Seconds between signed checkpoints of the history, where there is news; each adds an event to the log.",
    ),
    setting(
        "transparency.witnesses",
        Kind::List,
        "Keys (name+1a2b3c4d+base64, cosignature/v1) of witnesses whose signatures on checkpoints are taken in and shown.",
    ),
    setting("limits.body_bytes_max", Kind::Whole, "Largest request body; a larger one is answered with 413."),
    setting("limits.bodies_in_flight_bytes", Kind::Whole, "Bytes of request bodies held at a time; beyond it, 503 with Retry-After."),
    setting(
        "metrics.listen",
        Kind::Text,
        "Address and port of /metrics, for Prometheus; without it nothing is counted. Whoever reaches it may read it.",
    ),
    setting("log.level", Kind::Text, "error, warn, info, debug or trace, for our own lines; libraries never speak below warn."),
];

pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Puts `value` where `section.key` belongs.
pub(super) fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((section, key)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            section.as_table_mut().expect("sections and keys never share a name").insert(key.to_owned(), value);
        }
    }
}

/// What `above` says wins.
pub(super) fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}

/// The first key whose value alone makes the configuration unreadable: the reader itself does not name it.
pub(super) fn culprit(table: &Table) -> &'static str {
    let fails = |setting: &&Setting| {
        let value = match setting.key.split_once('.') {
            None => table.get(setting.key),
            Some((section, key)) => table.get(section).and_then(|section| section.get(key)),
        };
        value.is_some_and(|value| {
            let mut alone = Table::new();
            insert(&mut alone, setting.key, value.clone());
            Config::deserialize(Value::Table(alone)).is_err()
        })
    };
    SETTINGS.iter().find(fails).map_or("a setting", |setting| setting.key)
}
