//! What keeps the epochs' wrapping keys, and how it is reached.

use super::{KeySettings, Secret};
use domain::KeyProvider;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use vault::{Passphrase, ProviderSettings, TokenSettings, TransitSettings};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderChoice {
    /// Files of the key directory; under the passphrase when there is one.
    #[default]
    File,
    Pkcs11,
    Transit,
}

type Rule = (bool, &'static str, &'static str);

impl KeySettings {
    /// The provider that the next epoch takes. Others stay configured for the epochs that they still hold.
    pub fn provider(&self) -> KeyProvider {
        match (self.provider, &self.passphrase) {
            (ProviderChoice::File, None) => KeyProvider::SealedFile,
            (ProviderChoice::File, Some(_)) => KeyProvider::PassphraseFile,
            (ProviderChoice::Pkcs11, _) => KeyProvider::Pkcs11,
            (ProviderChoice::Transit, _) => KeyProvider::Transit,
        }
    }

    pub(crate) fn providers(&self) -> ProviderSettings {
        let passphrases = [&self.passphrase, &self.former_passphrase].into_iter().flatten().map(secret);
        ProviderSettings { current: self.provider(), passphrases: passphrases.collect(), token: self.token(), transit: self.transit() }
    }

    fn token(&self) -> Option<TokenSettings> {
        let (module, label, pin) = (self.pkcs11_module.clone()?, self.pkcs11_token.clone()?, self.pkcs11_pin.as_ref()?);
        Some(TokenSettings { module, label, pin: secret(pin) })
    }

    fn transit(&self) -> Option<TransitSettings> {
        let (address, token) = (self.transit_address.clone()?, self.transit_token.as_ref()?);
        let (namespace, ca_file) = (self.transit_namespace.clone(), self.transit_ca_file.clone());
        Some(TransitSettings { address, mount: self.transit_mount.clone(), token: secret(token), namespace, ca_file })
    }

    /// What must hold between these settings.
    pub(super) fn provider_rules(&self) -> [Rule; 8] {
        let has = |choice, there| self.provider != choice || there;
        let together = |there: [bool; 2]| there[0] == there[1];
        let transit = [self.transit_address.is_some(), self.transit_token.is_some()];
        [
            (self.passphrase.as_ref().is_none_or(|text| !text.expose().is_empty()), "keys.passphrase", "a text"),
            (has(ProviderChoice::Pkcs11, self.pkcs11_module.is_some()), "keys.pkcs11_module", "set when keys.provider is pkcs11"),
            (
                together([self.pkcs11_module.is_some(), self.pkcs11_token.is_some()]),
                "keys.pkcs11_token",
                "set together with keys.pkcs11_module",
            ),
            (
                together([self.pkcs11_module.is_some(), self.pkcs11_pin.is_some()]),
                "keys.pkcs11_pin",
                "set together with keys.pkcs11_module",
            ),
            (has(ProviderChoice::Transit, self.transit_address.is_some()), "keys.transit_address", "set when keys.provider is transit"),
            (
                self.transit_address.as_deref().is_none_or(is_private_or_encrypted),
                "keys.transit_address",
                "an https:// address, or http:// and an address of this machine: keys travel there",
            ),
            (together(transit), "keys.transit_token", "set together with keys.transit_address"),
            (!self.transit_mount.trim_matches('/').is_empty(), "keys.transit_mount", "the path at which the engine is mounted"),
        ]
    }
}

fn secret(text: &Secret) -> Passphrase {
    Passphrase::new(text.expose())
}

fn is_private_or_encrypted(address: &str) -> bool {
    if let Some(rest) = address.strip_prefix("https://") {
        return !rest.is_empty();
    }
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
