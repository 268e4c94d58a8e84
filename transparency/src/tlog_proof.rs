//! A proof as a file that other programs read (C2SP tlog-proof).

use crate::hash::Hash;
use base64::prelude::{BASE64_STANDARD, Engine};

const PROOF_FORMAT: &str = "c2sp.org/tlog-proof@v1\n";

/// That a leaf stands in the tree of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub index: u64,
    pub path: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

impl Proof {
    /// The file.
    pub fn text(&self) -> String {
        let path: String = self.path.iter().map(|hash| BASE64_STANDARD.encode(hash) + "\n").collect();
        format!("{PROOF_FORMAT}index {}\n{path}\n{}", self.index, self.checkpoint)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (index, rest) = text.strip_prefix(PROOF_FORMAT)?.strip_prefix("index ")?.split_once('\n')?;
        // A leaf that is the whole tree has no path.
        let (path, checkpoint) = rest.strip_prefix('\n').map(|checkpoint| ("", checkpoint)).or_else(|| rest.split_once("\n\n"))?;
        let hash = |line: &str| Hash::try_from(BASE64_STANDARD.decode(line).ok()?).ok();
        let path = path.lines().map(hash).collect::<Option<Vec<Hash>>>()?;
        Some(Self { index: index.parse().ok()?, path, checkpoint: checkpoint.to_owned() })
    }
}
