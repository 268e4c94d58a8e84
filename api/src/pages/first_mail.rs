//! A link that opens the platform's newest captured mail, once: it is how the first account of an installation gets its confirmation mail.

use std::sync::{Mutex, PoisonError};

/// The hash of the link's token, in memory only: a restart makes a new one.
#[derive(Default)]
pub(crate) struct FirstMailLink(Mutex<Option<[u8; 32]>>);

impl FirstMailLink {
    /// An earlier link ends.
    pub fn offer(&self, hash: [u8; 32]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash);
    }

    pub fn is(&self, token: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|hash| vault::token_matches(token, &hash))
    }

    /// Whether it was still there to be taken.
    pub fn take(&self, token: &str) -> bool {
        let mut offered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = offered.is_some_and(|hash| vault::token_matches(token, &hash));
        if matches {
            *offered = None;
        }
        matches
    }
}
