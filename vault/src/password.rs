//! Passwords: Argon2id, a few at a time.

use crate::error::VaultError;
use crate::vault::Vault;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Personal;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// OWASP's minimum for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bounds memory and processors that hashing takes: one at a time a processor.
pub(crate) struct PasswordHashing {
    permits: Arc<Semaphore>,
}

impl PasswordHashing {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { permits: Arc::new(Semaphore::new(processors)) }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, VaultError> + Send + 'static) -> Result<T, VaultError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| VaultError::Stopped)?;
        // The permit goes with the work: a caller that gives up does not free a processor.
        crate::vault::blocking(move || {
            let _permit = permit;
            work()
        })
        .await
    }
}

impl Vault {
    /// The password's PHC string.
    pub async fn hash_password(&self, password: Personal<String>) -> Result<Personal<String>, VaultError> {
        self.shared.passwords.run(move || Ok(Personal::new(hash(&Zeroizing::new(password.into_exposed()))))).await
    }

    /// Whether the password is the one behind a PHC string. Without one (nobody has that address) it takes as long and says no, so that time tells
    /// nothing.
    pub async fn verify_password(&self, password: Personal<String>, hash: Option<Personal<String>>) -> Result<bool, VaultError> {
        self.shared.passwords.run(move || verify(&Zeroizing::new(password.into_exposed()), hash.as_ref())).await
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> String {
    let salt = SaltString::encode_b64(&crate::cipher::random::<16>()).expect("sixteen bytes are a valid salt");
    argon2().hash_password(password.as_bytes(), &salt).expect("Argon2 hashes any password below 4 GiB").to_string()
}

fn verify(password: &str, stored: Option<&Personal<String>>) -> Result<bool, VaultError> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let text = stored.map_or_else(|| NOBODY.get_or_init(|| hash("nobody")), Personal::expose);
    let parsed = PasswordHash::new(text).map_err(|_| VaultError::PasswordHashMalformed)?;
    let matches = argon2().verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(matches && stored.is_some())
}
