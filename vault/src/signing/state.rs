//! What was signed last, as one line of text: whose signature, the tree's size and root, and the event up to which the log was vouched for.

use super::{VouchedTree, beside_anchor, failed};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use domain::{EventId, LogEnd, PublicKey, RootHash, Timestamp};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    /// Empty in lines of programs that knew one key only.
    pub key: Option<PublicKey>,
    pub tree: VouchedTree,
    /// `None` in such lines, too.
    pub end: Option<LogEnd>,
}

const FILE: &str = "signed";

impl State {
    pub(super) fn is_of(&self, public: &[u8; 32]) -> bool {
        self.key.is_none_or(|key| key.0 == *public)
    }

    pub(super) fn read(directory: &KeyDirectory) -> Result<Option<Self>, VaultError> {
        let text = match std::fs::read_to_string(beside_anchor(directory, FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        parse(&text).map(Some).ok_or(VaultError::AnchorMalformed)
    }

    /// Durable when it returns; a crash leaves the line before it.
    pub(super) fn write(&self, directory: &KeyDirectory) -> Result<(), VaultError> {
        let new = beside_anchor(directory, "signed.new");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
        file.write_all(self.line().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&new, beside_anchor(directory, FILE)).map_err(failed)?;
        directory.sync()
    }

    fn line(&self) -> String {
        let mut line = format!("{} {}", self.tree.size, RootHash(self.tree.root));
        if let (Some(key), Some(end)) = (self.key, self.end) {
            let LogEnd { event, version, leaf, at } = end;
            line += &format!(" {key} {event} {version} {} {}", RootHash(leaf), at.micros());
        }
        line + "\n"
    }
}

pub(crate) fn parse(text: &str) -> Option<State> {
    let parts: Vec<&str> = text.strip_suffix('\n')?.split(' ').collect();
    let hex = |text: &str| serde_json::from_value::<RootHash>(text.into()).ok().map(|hash| hash.0);
    let (tree, rest) = match parts.as_slice() {
        [size, root, rest @ ..] => (VouchedTree { size: size.parse().ok()?, root: hex(root)? }, rest),
        _ => return None,
    };
    match rest {
        [] => Some(State { key: None, tree, end: None }),
        [key, event, version, leaf, at] => {
            let event: EventId = event.parse().ok()?;
            let at = Timestamp::from_micros(at.parse().ok()?);
            let end = LogEnd { event, version: version.parse().ok()?, leaf: hex(leaf)?, at };
            Some(State { key: Some(PublicKey(hex(key)?)), tree, end: Some(end) })
        }
        _ => None,
    }
}
