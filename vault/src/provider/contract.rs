//! What holds of every provider, tried on each: sealed files, a SoftHSM token, an OpenBao server.

use super::settings::{Passphrase, ProviderSettings, TokenSettings, TransitSettings};
use super::{Finding, NotUnwrapped, ProviderKey, Providers};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use domain::KeyProvider;
use std::process::Command;
use std::time::Duration;
use test_support::{OpenBao, SoftHsm};
use uuid::Uuid;

/// What the vault needs, as the operator's handbook has it.
const POLICY: &str = r#"
    path "transit/keys/lethemail-epoch-*" { capabilities = ["create", "update", "read", "delete"] }
    path "transit/encrypt/lethemail-epoch-*" { capabilities = ["update"] }
    path "transit/decrypt/lethemail-epoch-*" { capabilities = ["update"] }
"#;

fn providers(settings: ProviderSettings) -> (tempfile::TempDir, Providers) {
    let directory = tempfile::tempdir().unwrap();
    let providers = Providers::new(settings, &KeyDirectory::open(&directory.path().join("keys"), None).unwrap());
    (directory, providers)
}

fn opens(providers: &Providers, key: ProviderKey, aad: &[u8], wrapped: &[u8], secret: &Secret) -> bool {
    providers.unwrap(key, aad, wrapped).is_ok_and(|opened| opened.bytes() == secret.bytes())
}

fn keeps_the_contract(providers: &Providers) {
    providers.ping(providers.current()).unwrap();
    let (key, other, never_made) = (providers.name_key(), providers.name_key(), providers.name_key());
    let secret = Secret::random();
    for key in [key, other] {
        assert!(providers.is_gone(key).unwrap());
        providers.create(key).unwrap();
        assert!(!providers.is_gone(key).unwrap());
        assert!(providers.create(key).is_err(), "a key is made once");
    }
    let wrapped = providers.wrap(key, b"row", &secret).unwrap();
    assert!(!wrapped.windows(32).any(|window| window == secret.bytes()));
    assert!(opens(providers, key, b"row", &wrapped, &secret));
    assert!(matches!(providers.unwrap(other, b"row", &wrapped), Err(NotUnwrapped::Refused)), "another key");
    assert!(matches!(providers.unwrap(key, b"other row", &wrapped), Err(NotUnwrapped::Refused)), "another place");
    for place in [0, 2, wrapped.len() / 2, wrapped.len() - 1] {
        let mut changed = wrapped.clone();
        changed[place] ^= 1;
        assert!(providers.unwrap(key, b"row", &changed).is_err(), "changed at {place}");
    }
    assert!(providers.unwrap(key, b"row", &wrapped[..wrapped.len() - 1]).is_err());
    assert!(matches!(providers.unwrap(never_made, b"row", &wrapped), Err(NotUnwrapped::Missing)));
    assert!(providers.wrap(never_made, b"row", &secret).is_err() && providers.is_gone(never_made).unwrap(), "wrapping makes no key");
    for _ in 0..2 {
        providers.destroy(key).unwrap();
        assert!(providers.is_gone(key).unwrap());
    }
    assert!(matches!(providers.unwrap(key, b"row", &wrapped), Err(NotUnwrapped::Missing)), "after its destruction nothing unwraps");
    providers.create(key).unwrap();
    assert!(matches!(providers.unwrap(key, b"row", &wrapped), Err(NotUnwrapped::Refused)), "a new key of that name is another key");
    for key in [key, other, never_made] {
        providers.destroy(key).unwrap();
    }
}

fn with_passphrases(passphrases: &[&str]) -> ProviderSettings {
    let passphrases = passphrases.iter().map(|text| Passphrase::new(*text)).collect();
    ProviderSettings { current: KeyProvider::PassphraseFile, passphrases, ..ProviderSettings::default() }
}

fn with_transit(bao: &OpenBao, token: &str) -> ProviderSettings {
    let transit = TransitSettings {
        address: bao.address.clone(),
        mount: "transit".into(),
        token: Passphrase::new(token),
        namespace: None,
        ca_file: Some(bao.ca_file()),
    };
    ProviderSettings { current: KeyProvider::Transit, transit: Some(transit), ..ProviderSettings::default() }
}

#[test]
fn sealed_files_keep_the_contract() {
    keeps_the_contract(&providers(ProviderSettings::default()).1);
}

#[test]
fn sealed_files_with_a_passphrase_keep_the_contract() {
    keeps_the_contract(&providers(with_passphrases(&["correct horse"])).1);
}

#[test]
fn a_transit_engine_keeps_the_contract_with_the_least_rights() {
    let bao = OpenBao::start();
    let token = bao.token("lethemail", POLICY);
    let (_directory, providers) = providers(with_transit(&bao, &token));
    keeps_the_contract(&providers);
    bao.seal();
    assert!(matches!(providers.ping(KeyProvider::Transit), Err(VaultError::ProviderAway { .. })));
    assert!(matches!(providers.is_gone(providers.name_key()), Err(VaultError::ProviderAway { .. })), "away is not gone");
    bao.unseal();
    providers.ping(KeyProvider::Transit).unwrap();
}

#[test]
fn a_pkcs11_token_keeps_the_contract() {
    let hsm = SoftHsm::new();
    in_a_process(&hsm, "provider::contract::child_with_a_token");
}

#[test]
#[ignore = "a process that another test starts"]
fn child_with_a_token() {
    let hsm_module = std::path::PathBuf::from(std::env::var_os("CHILD_MODULE").unwrap());
    let settings = |label: &str, pin: &str| {
        let token = TokenSettings { module: hsm_module.clone(), label: label.into(), pin: Passphrase::new(pin) };
        ProviderSettings { current: KeyProvider::Pkcs11, token: Some(token), ..ProviderSettings::default() }
    };
    let (_directory, token) = providers(settings(SoftHsm::LABEL, SoftHsm::PIN));
    keeps_the_contract(&token);
    // Another vault of the same process shares the module and its login.
    keeps_the_contract(&providers(settings(SoftHsm::LABEL, SoftHsm::PIN)).1);
    let away = providers(settings("elsewhere", SoftHsm::PIN)).1.ping(KeyProvider::Pkcs11);
    assert!(matches!(away, Err(VaultError::ProviderAway { .. })), "{away:?}");
    let (kept, taken) = (token.name_key(), token.name_key());
    token.create(kept).unwrap();
    make_extractable(&hsm_module, taken.name);
    let examine = |living: &[Uuid]| token.0.examine(KeyProvider::Pkcs11, living, Duration::ZERO).unwrap();
    assert!(matches!(examine(&[kept.name]).as_slice(), [Finding::Well(_)]));
    assert!(matches!(examine(&[kept.name, taken.name]).as_slice(), [Finding::Wrong(text)] if text.contains("can be taken out")));
    assert!(matches!(examine(&[Uuid::nil()]).as_slice(), [Finding::Well(_), Finding::Wrong(text)] if text.contains("not there")));
    let refused = providers(settings(SoftHsm::LABEL, "4321")).1.ping(KeyProvider::Pkcs11);
    assert!(matches!(refused, Err(VaultError::ProviderRefused { .. })), "{refused:?}");
}

/// As somebody with the token's own tools would.
fn make_extractable(module: &std::path::Path, name: Uuid) {
    let module = Pkcs11::new(module).unwrap();
    let slots = module.get_slots_with_initialized_token().unwrap();
    let session = module.open_rw_session(slots[0]).unwrap();
    let pin = AuthPin::new(SoftHsm::PIN.into());
    session.login(UserType::User, Some(&pin)).unwrap();
    let template = [
        Attribute::ValueLen(32.into()),
        Attribute::Token(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(true),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Id(name.as_bytes().to_vec()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
}

/// The library reads the environment of the process that loads it.
fn in_a_process(hsm: &SoftHsm, test: &str) {
    let (name, value) = hsm.variable();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--ignored", "--nocapture"]).env(name, value).env("CHILD_MODULE", &hsm.module);
    let output = child.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("1 passed"), "the test ran");
}
