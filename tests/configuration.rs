//! Where settings come from, and what is refused.

use domain::KeyProvider;
use lethemail::{Config, ConfigError, Flags, SETTINGS};
use std::ffi::OsString;
use std::io::Write;
use tempfile::NamedTempFile;

fn load(flags: &Flags, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let home = [("HOME", "/home/somebody")];
    let variables = home.iter().chain(environment).map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::from_sources(flags, variables)
}

fn file(text: &str) -> (NamedTempFile, Flags) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let flags = Flags { config: Some(file.path().to_owned()), ..Flags::default() };
    (file, flags)
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let (_file, mut flags) = file("listen = '127.0.0.1:1'\nrole = 'worker'\n[smtp]\nconnect_timeout_s = 7\ndata_timeout_s = 8\n");
    assert_eq!(load(&Flags::default(), &[]).unwrap().listen.port(), 8080);
    assert_eq!(load(&flags, &[]).unwrap().listen.port(), 1);
    let environment = [("LETHEMAIL_LISTEN", "127.0.0.1:2"), ("LETHEMAIL_SMTP__DATA_TIMEOUT_S", "9")];
    let config = load(&flags, &environment).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!((config.smtp.connect_timeout_s, config.smtp.data_timeout_s, config.smtp.delivery_age_hours_max), (7, 9, 72));
    flags.listen = Some("127.0.0.1:3".into());
    let config = load(&flags, &environment).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.public_url, "http://127.0.0.1:3");
    assert!(config.role.works() && !config.role.serves_api());
}

#[test]
fn the_file_can_be_named_by_the_environment() {
    let (file, _) = file("[egress]\nallowed_networks = ['10.0.0.0/8', 'fd00::/8']\n");
    let config = load(&Flags::default(), &[("LETHEMAIL_CONFIG", file.path().to_str().unwrap())]).unwrap();
    assert_eq!(config.egress.allowed_networks, ["10.0.0.0/8", "fd00::/8"]);
    let config = load(&Flags::default(), &[("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "10.0.0.0/8, 192.168.0.0/16")]).unwrap();
    assert_eq!(config.egress.allowed_networks, ["10.0.0.0/8", "192.168.0.0/16"]);
}

#[test]
fn what_is_not_known_is_an_error_wherever_it_stands() {
    for name in ["LETHEMAIL_LISTN", "LETHEMAIL_SMTP__SPEED", "LETHEMAIL_LISTEN_FILE", "LETHEMAIL_listen", "LETHEMAIL_DATABASE"] {
        let error = load(&Flags::default(), &[(name, "x")]).unwrap_err();
        assert!(matches!(&error, ConfigError::Unknown { name: said, .. } if said == name), "{name}: {error}");
    }
    for text in ["listn = 1", "[smtp]\nspeed = 1", "[sntp]\nconcurrency_per_server = 1", "[listen]\nport = 1", "smtp = 3"] {
        let (_file, flags) = file(text);
        let error = load(&flags, &[]).unwrap_err();
        assert!(matches!(error, ConfigError::Unknown { .. }), "{text}: {error}");
    }
}

#[test]
fn a_secret_may_come_from_a_file_but_not_from_two_places() {
    let mut secret = NamedTempFile::new().unwrap();
    writeln!(secret, "postgresql://u:hunter2@db/x").unwrap();
    let path = secret.path().to_str().unwrap();
    let config = load(&Flags::default(), &[("LETHEMAIL_DATABASE__URL_FILE", path)]).unwrap();
    assert_eq!(config.database.url.unwrap().expose(), "postgresql://u:hunter2@db/x");
    let both = [("LETHEMAIL_DATABASE__URL_FILE", path), ("LETHEMAIL_DATABASE__URL", "postgresql://u@db/y")];
    assert!(matches!(load(&Flags::default(), &both), Err(ConfigError::Twice(_))));
    let own_name_first = [("DATABASE_URL", "postgresql://u@db/other"), ("LETHEMAIL_DATABASE__URL", "postgresql://u@db/ours")];
    assert_eq!(load(&Flags::default(), &own_name_first).unwrap().database.url.unwrap().expose(), "postgresql://u@db/ours");
    assert!(load(&Flags::default(), &[("DATABASE_URL", "")]).unwrap().database.url.is_none(), "an empty variable is not set");
}

#[test]
fn a_secret_is_neither_printed_nor_quoted_by_an_error() {
    let config = load(&Flags::default(), &[("DATABASE_URL", "postgresql://u:hunter2@db/x")]).unwrap();
    assert!(!config.show().contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    let broken = [
        "[database]\nurl = postgresql://u:hunter2@db/x",
        "[database]\nurl = 'hunter2'",
        "[database]\nur1 = 'hunter2'",
        "[database]\nurl = ['hunter2']",
        "log.level = 'hunter2'",
    ];
    for text in broken {
        let (_file, flags) = file(text);
        let error = load(&flags, &[]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn wrong_values_are_named_by_their_key() {
    let cases = [
        ("LETHEMAIL_LISTEN", "nowhere", "listen"),
        ("LETHEMAIL_ROLE", "king", "role"),
        ("LETHEMAIL_SMTP__CONNECT_TIMEOUT_S", "soon", "LETHEMAIL_SMTP__CONNECT_TIMEOUT_S"),
        ("LETHEMAIL_SMTP__CONNECT_TIMEOUT_S", "-1", "smtp.connect_timeout_s"),
        ("LETHEMAIL_SMTP__CONCURRENCY_PER_SERVER", "70000", "smtp.concurrency_per_server"),
        ("LETHEMAIL_SMTP__CONCURRENCY_PER_SERVER", "0", "smtp.concurrency_per_server"),
        ("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "10.0.0.0/33", "egress.allowed_networks"),
        ("LETHEMAIL_LIMITS__BODIES_IN_FLIGHT_BYTES", "1000", "limits.bodies_in_flight_bytes"),
        ("LETHEMAIL_PUBLIC_URL", "ftp://x", "public_url"),
        ("LETHEMAIL_EVENT_STORE__URL", "mysql://x", "event_store.url"),
        ("LETHEMAIL_EVENT_STORE__URL", "postgresql://db/log", "event_store.url"),
        ("LETHEMAIL_EVENT_STORE__URL", "esdb://", "event_store.url"),
        ("LETHEMAIL_EVENT_STORE__URL", "esdb://host:port", "event_store.url"),
        ("LETHEMAIL_DATABASE__VAULT_URL", "postgresql://x", "database.vault_url"),
        ("LETHEMAIL_LOG__LEVEL", "loud", "log.level"),
    ];
    for (name, value, key) in cases {
        let error = load(&Flags::default(), &[(name, value)]).unwrap_err().to_string();
        assert!(error.starts_with(key), "{name}={value}: {error}");
    }
}

#[test]
fn the_log_may_lie_on_kurrentdb_and_its_address_is_a_secret() {
    for url in
        ["esdb://h:2113?tls=false", "esdb+discover://u:hunter2@h", "kurrentdb://u:hunter2@a:2113,b:2113", "kurrentdb+discover://h:2113"]
    {
        let config = load(&Flags::default(), &[("LETHEMAIL_EVENT_STORE__URL", url)]).unwrap();
        assert!(!config.show().contains(url) && !format!("{config:?}").contains("hunter2"));
        assert_eq!(config.event_store.url.unwrap().expose(), url);
    }
    let error = load(&Flags::default(), &[("LETHEMAIL_EVENT_STORE__URL", "esdb://u:hunter2@h:port")]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn keys_never_lie_inside_the_data_directory_not_even_by_a_link() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(&data, root.path().join("link")).unwrap();
    for keys in [data.clone(), data.join("keys"), root.path().join("link/keys"), root.path().join("other/../data/keys")] {
        let flags = Flags { data_dir: Some(data.clone()), key_dir: Some(keys.clone()), ..Flags::default() };
        assert!(matches!(load(&flags, &[]), Err(ConfigError::KeysInsideData { .. })), "{}", keys.display());
    }
    let flags = Flags { data_dir: Some(data), key_dir: Some(root.path().join("data-keys")), ..Flags::default() };
    assert!(load(&flags, &[]).is_ok());
}

#[test]
fn the_list_of_settings_is_the_configuration() {
    let value = serde_json::to_value(Config::default()).unwrap();
    let mut keys = Vec::new();
    for (key, value) in value.as_object().unwrap() {
        match value.as_object() {
            Some(section) => keys.extend(section.keys().map(|inner| format!("{key}.{inner}"))),
            None => keys.push(key.clone()),
        }
    }
    let mut listed: Vec<_> = SETTINGS.iter().map(|setting| setting.key.to_owned()).collect();
    keys.sort();
    listed.sort();
    assert_eq!(keys, listed);
}

#[test]
fn what_is_shown_can_be_read_back() {
    let shown = load(&Flags::default(), &[("LETHEMAIL_SMTP__CONCURRENCY_PER_SERVER", "3")]).unwrap().show();
    let (_file, flags) = file(&shown);
    assert_eq!(load(&flags, &[]).unwrap().show(), shown);
}

#[test]
fn a_key_provider_is_told_how_to_be_reached_or_refused() {
    let token = [
        ("LETHEMAIL_KEYS__PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so"),
        ("LETHEMAIL_KEYS__PKCS11_TOKEN", "lethemail"),
        ("LETHEMAIL_KEYS__PKCS11_PIN", "1234"),
    ];
    let transit = [("LETHEMAIL_KEYS__TRANSIT_ADDRESS", "https://bao.example:8200"), ("LETHEMAIL_KEYS__TRANSIT_TOKEN", "s.1234")];
    let of = |provider: &'static str, others: &[(&'static str, &'static str)]| {
        load(&Flags::default(), &[&[("LETHEMAIL_KEYS__PROVIDER", provider)], others].concat())
    };
    assert_eq!(of("file", &[]).unwrap().keys.provider(), KeyProvider::SealedFile);
    assert_eq!(of("file", &[("LETHEMAIL_KEYS__PASSPHRASE", "p")]).unwrap().keys.provider(), KeyProvider::PassphraseFile);
    assert_eq!(of("pkcs11", &token).unwrap().keys.provider(), KeyProvider::Pkcs11);
    assert_eq!(of("transit", &transit).unwrap().keys.provider(), KeyProvider::Transit);
    assert!(of("file", &[token.as_slice(), &transit].concat()).is_ok(), "the former provider's settings stay until its epochs are gone");
    for (provider, others, culprit) in [
        ("pkcs11", &token[1..], "keys.pkcs11_module"),
        ("pkcs11", &token[..2], "keys.pkcs11_pin"),
        ("file", &token[..1], "keys.pkcs11_token"),
        ("transit", &[], "keys.transit_address"),
        ("transit", &transit[..1], "keys.transit_token"),
        ("transit", &[("LETHEMAIL_KEYS__TRANSIT_ADDRESS", "http://bao.example:8200"), transit[1]], "keys.transit_address"),
    ] {
        let error = of(provider, others).unwrap_err();
        assert!(matches!(&error, ConfigError::Wrong(key, _) if key == culprit), "{provider}: {error}");
    }
    assert!(of("transit", &[("LETHEMAIL_KEYS__TRANSIT_ADDRESS", "http://127.0.0.1:8200"), transit[1]]).is_ok());
    let error = of("keychain", &[]).unwrap_err();
    assert!(matches!(error, ConfigError::Value { key: "keys.provider", .. }), "{error}");
    let shown = of("transit", &[token.as_slice(), &transit, &[("LETHEMAIL_KEYS__PASSPHRASE", "hunter2")]].concat()).unwrap().show();
    assert!(!["1234\"", "s.1234", "hunter2"].iter().any(|secret| shown.contains(secret)), "{shown}");
}
