//! Checkpoints (C2SP tlog-checkpoint): how large a log is and what its root is, as the text of a signed note.

use crate::hash::Hash;
use crate::verifier_key::VerifierKey;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::OrganizationId;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::str::FromStr;

/// Which log of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Log {
    /// An organisation's events. The platform organisation has one, too.
    Organization(OrganizationId),
    /// The organisations' checkpoints.
    Platform,
}

impl Log {
    /// Names the log for ever. It begins with the fingerprint of the key that signs, so that another key is another log by its very name.
    pub fn origin(self, public: &[u8; 32]) -> String {
        let mut origin = "lethemail-".to_owned();
        for byte in &Sha256::digest(public)[..8] {
            write!(origin, "{byte:02x}").expect("a text takes any text");
        }
        match self {
            Log::Organization(organization) => format!("{origin}/{}", organization.0.simple()),
            Log::Platform => format!("{origin}/platform"),
        }
    }

    /// The key under the name that its signatures on this log's checkpoints bear.
    pub fn verifier_key(self, public: [u8; 32]) -> VerifierKey {
        VerifierKey::ed25519(self.origin(&public), public)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: three lines of origin, size and root")]
pub struct CheckpointError;

impl Checkpoint {
    /// The text that is signed; also the platform log's entry for it.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Lines behind the third are extensions, which others may add and this program has no use for.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError);
        let (origin, digits, encoded) = (line()?, line()?, line()?);
        let size: u64 = digits.parse().map_err(|_| CheckpointError)?;
        let root = BASE64_STANDARD.decode(encoded).ok().and_then(|root| Hash::try_from(root).ok()).ok_or(CheckpointError)?;
        // One spelling: no sign, no leading zero.
        if size.to_string() == digits { Ok(Self { origin: origin.to_owned(), size, root }) } else { Err(CheckpointError) }
    }
}
