//! Checkpoints (C2SP tlog-checkpoint): how large a log is and what its root is, as the text of a signed note.

use crate::hash::Hash;
use crate::verifier_key::VerifierKey;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{FormerLog, OrganizationId, RecordedCheckpoint};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::str::FromStr;
use uuid::Uuid;

/// What the platform log has an id for, where organisations have theirs.
const PLATFORM_LOG: Uuid = Uuid::max();

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
        format!("{origin}/{self}")
    }

    /// 32 hex digits, or `platform`.
    pub fn parse(text: &str) -> Option<Self> {
        let log = match text {
            "platform" => Log::Platform,
            _ => Log::Organization(OrganizationId(Uuid::try_parse(text).ok()?)),
        };
        (log.to_string() == text).then_some(log)
    }

    pub(crate) fn id(self) -> Uuid {
        match self {
            Log::Organization(organization) => organization.0,
            Log::Platform => PLATFORM_LOG,
        }
    }

    pub(crate) fn from_id(id: Uuid) -> Self {
        if id == PLATFORM_LOG { Log::Platform } else { Log::Organization(OrganizationId(id)) }
    }

    /// The key under the name that its signatures on this log's checkpoints bear.
    pub fn verifier_key(self, public: [u8; 32]) -> VerifierKey {
        VerifierKey::ed25519(self.origin(&public), public)
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Log::Organization(organization) => organization.0.simple().fmt(f),
            Log::Platform => f.write_str("platform"),
        }
    }
}

/// What the platform log holds of a checkpoint: the lines that are signed, with the organisation alone where the origin stands.
pub fn platform_entry(checkpoint: &RecordedCheckpoint) -> String {
    let origin = Log::Organization(checkpoint.organization).to_string();
    Checkpoint { origin, size: checkpoint.size, root: checkpoint.root.0 }.text()
}

/// The first entry of a platform log that comes after another: that one's last checkpoint, under its full name.
pub fn former_entry(former: &FormerLog) -> String {
    Checkpoint { origin: Log::Platform.origin(&former.key.0), size: former.size, root: former.root.0 }.text()
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
    /// The text that is signed.
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
