//! Signed notes (C2SP signed-note): a text, an empty line, and signatures of which each names its key.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fmt;
use std::str::FromStr;

/// Longer ones are refused: a checkpoint is a few lines, and no log has a hundred witnesses.
const NOTE_BYTES_MAX: usize = 64 << 10;

/// A note as it came. Nothing is said yet about whether its signatures hold: that is [`crate::VerifierKey::signed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// With the line feed at its end.
    pub text: String,
    pub signatures: Vec<NoteSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: String,
    pub key_id: [u8; 4],
    pub signature: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signed note: a text, an empty line, and lines of signatures")]
pub struct NoteError;

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.signature].concat();
        write!(f, "— {} {}", self.name, BASE64_STANDARD.encode(bytes))
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        let is_plain = note.len() <= NOTE_BYTES_MAX && note.chars().all(|char| char == '\n' || !char.is_control());
        // The last empty line divides: the text may have some, too.
        let divide = note.rfind("\n\n").filter(|_| is_plain).ok_or(NoteError)?;
        let (text, lines) = (&note[..=divide], &note[divide + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError)?;
        let signatures = lines.split('\n').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }
}

impl FromStr for NoteSignature {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        let (name, encoded) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(NoteError)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| NoteError)?;
        let (key_id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteError)?;
        if !is_key_name(name) || signature.is_empty() {
            return Err(NoteError);
        }
        Ok(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }
}

pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|char: char| char.is_whitespace() || char == '+')
}
