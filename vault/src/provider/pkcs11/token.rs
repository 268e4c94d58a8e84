//! The token: its module is loaded once a process, and every operation has a session of its own.

use super::super::settings::TokenSettings;
use super::fault;
use crate::error::VaultError;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A module may be initialised once a process, and others of this process may still use it: it is never let go.
static LOADED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

pub(super) struct Token {
    pub(super) settings: TokenSettings,
}

impl Token {
    pub(super) fn new(settings: TokenSettings) -> Self {
        Self { settings }
    }

    /// A session of the token's user.
    pub(super) fn session(&self) -> Result<Session, VaultError> {
        let module = module(&self.settings.module).map_err(|error| away(format!("its module cannot be used: {error}")))?;
        let slot = self.slot(&module)?;
        let session = module.open_rw_session(slot).map_err(fault)?;
        let pin = AuthPin::new(self.settings.pin.expose().into());
        match session.login(UserType::User, Some(&pin)) {
            // Logging in is the process's, not the session's.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(fault(error)),
        }
    }

    /// Where the token is plugged in now: slots are numbered anew at every start.
    pub(super) fn slot(&self, module: &Pkcs11) -> Result<Slot, VaultError> {
        for slot in module.get_slots_with_initialized_token().map_err(fault)? {
            if module.get_token_info(slot).is_ok_and(|token| token.label() == self.settings.label) {
                return Ok(slot);
            }
        }
        Err(away(format!("no token is labelled {}", self.settings.label)))
    }
}

pub(super) fn module(path: &Path) -> Result<Pkcs11, Error> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = loaded.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(error),
    }
    loaded.insert(path.to_owned(), module.clone());
    Ok(module)
}

fn away(reason: String) -> VaultError {
    VaultError::away(domain::KeyProvider::Pkcs11, reason)
}
