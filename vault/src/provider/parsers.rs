//! The providers' parsers together, for tests that feed them with anything.

use super::key_file::{self, KeyFile};
use super::settings::Passphrase;
use super::{pkcs11, transit};
use uuid::Uuid;

/// None panics. What looks like a sealed key file and asks for little is tried on a passphrase, and does not open.
pub(crate) fn try_all(bytes: &[u8]) {
    let _ = pkcs11::parse(bytes);
    let _ = transit::parse(bytes);
    if let Some(KeyFile::Sealed { cost, salt, wrapped }) = key_file::parse(bytes)
        && cost.is_small()
    {
        assert!(key_file::open(Uuid::nil(), &Passphrase::new("p"), (cost, salt, wrapped)).is_err());
    }
}
