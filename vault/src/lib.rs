//! Keys: made, kept, used and destroyed here, and nowhere else. The only crate that holds key material, and the only one that touches ciphers,
//! key derivation, MACs and password hashes.
//!
//! It knows subjects, classes and buckets. It must not know aggregates, mail or the API: what it seals are bytes, and an address is any
//! text that the caller has already normalised.

mod anchor;
mod batching;
mod canonical;
mod cipher;
mod closed_records;
mod destroy;
mod envelope;
mod epoch;
mod epochs;
mod error;
mod fingerprint;
#[cfg(test)]
mod hostile_bytes;
mod key_cache;
mod key_directory;
mod key_name;
mod keyring;
mod limits;
mod open;
mod organizations;
mod padding;
mod password;
mod process;
mod provider;
mod recipients;
mod retention;
mod rotation;
mod seal;
mod secret;
mod signing;
mod spool_body;
mod subjects;
mod token;
mod vault;

pub use destroy::anchored_keys;
pub use error::VaultError;
pub use key_name::{KeyName, Subject};
pub use open::Opened;
pub use process::harden_process;
pub use provider::{Finding, LivingKey, Passphrase, ProviderSettings, TokenSettings, TransitSettings, examine};
pub use recipients::Registered;
pub use retention::{BucketRecord, ClockLook, DueBuckets, ExpiredBucket, HeldDays};
pub use rotation::{EpochRecord, EpochState, Obstacle, Rotation, RotationPolicy, RotationStatus, RotationStep};
pub use seal::SealRequest;
pub use signing::{Anchored, Signer, VouchedTree, anchored_log, begin_new_log, signature_holds};
pub use spool_body::SealedBody;
pub use subjects::ListedKey;
pub use token::{Token, token_hash, token_matches};
pub use vault::{Vault, VaultConfig};
