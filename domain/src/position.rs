//! Where an event stands in the whole log.

use std::fmt;

/// Opaque and ordered: never count with it. PostgreSQL writes the same number into both halves; KurrentDB's are byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub commit: u64,
    pub prepare: u64,
}

impl Position {
    /// Before the first event.
    pub const START: Self = Self { commit: 0, prepare: 0 };

    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.commit.to_be_bytes());
        bytes[8..].copy_from_slice(&self.prepare.to_be_bytes());
        bytes
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let (commit, prepare) = bytes.split_at(8);
        let half = |part: &[u8]| u64::from_be_bytes(part.try_into().expect("half of sixteen bytes is eight"));
        Self { commit: half(commit), prepare: half(prepare) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.commit == self.prepare { write!(f, "{}", self.commit) } else { write!(f, "{}/{}", self.commit, self.prepare) }
    }
}
