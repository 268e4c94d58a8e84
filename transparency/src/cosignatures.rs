//! Witnesses' signatures on the platform log's checkpoints (C2SP tlog-cosignature), as they are handed in, kept and shown.
//!
//! A witness says that it saw a checkpoint which goes on from all that it saw before. So the newest one that was cosigned speaks for all below it, and
//! what the log has gained since then waits for the next.

use crate::checkpoint::{Checkpoint, Log};
use crate::logs::{Logs, LogsError};
use crate::note::{Note, NoteSignature};
use crate::rows::signed;
use crate::verifier_key::{Algorithm, VerifierKey, VerifySignature};

/// Kept at a time: the newest ones. Whoever wants to know more keeps them.
const KEPT: i64 = 64;

// The row is locked until the lines of both are in it.
const HOLD: &str =
    "INSERT INTO ops.transparency_cosigned AS c (size, note) VALUES ($1, $2) ON CONFLICT (size) DO UPDATE SET size = c.size RETURNING note";
const KEEP: &str = "UPDATE ops.transparency_cosigned SET note = $2 WHERE size = $1";
const FORGET: &str = "DELETE FROM ops.transparency_cosigned WHERE size < (SELECT min(size) FROM (SELECT size FROM ops.transparency_cosigned ORDER BY size DESC LIMIT $1) newest)";
const NEWEST: &str = "SELECT note FROM ops.transparency_cosigned ORDER BY size DESC LIMIT 1";
const OF_SIZE: &str = "SELECT note FROM ops.transparency_cosigned WHERE size = $1";

/// What became of a note that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cosigning {
    /// The names of the witnesses whose lines hold.
    Kept(Vec<String>),
    /// It is no signed note, or none of the platform log.
    NoCheckpoint,
    /// This installation has not signed it.
    NotOurs,
    /// No line is that of a witness that the configuration names, or one does not hold.
    NoWitness,
}

/// Whose signatures count.
pub struct Witnesses<'a> {
    /// This installation's key.
    pub public: [u8; 32],
    pub keys: &'a [VerifierKey],
    pub verify: VerifySignature,
}

impl Logs {
    /// Takes in what witnesses have signed. A line that is there already, as the same witness wrote it at another time, is replaced.
    pub async fn cosign(&self, text: &str, witnesses: &Witnesses<'_>) -> Result<Cosigning, LogsError> {
        let Some((note, size)) = platform_note(text) else { return Ok(Cosigning::NoCheckpoint) };
        let own = Log::Platform.verifier_key(witnesses.public);
        if !own.signed(&note, witnesses.verify) {
            return Ok(Cosigning::NotOurs);
        }
        let signed_it = |key: &&VerifierKey| key.algorithm == Algorithm::CosignatureV1 && key.signed(&note, witnesses.verify);
        let signers: Vec<&VerifierKey> = witnesses.keys.iter().filter(signed_it).collect();
        if signers.is_empty() {
            return Ok(Cosigning::NoWitness);
        }
        // Nobody's lines but ours and the witnesses': the note is shown to everybody.
        let only = |keys: &[&VerifierKey]| Note { text: note.text.clone(), signatures: lines_of(&note, keys) };
        let ours = only(&[&own]);
        self.keep(size, &ours, &only(&signers), &signers).await?;
        Ok(Cosigning::Kept(signers.iter().map(|key| key.name.clone()).collect()))
    }

    async fn keep(&self, size: u64, ours: &Note, theirs: &Note, signers: &[&VerifierKey]) -> Result<(), LogsError> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let held: String = transaction.query_one(HOLD, &[&signed(size), &ours.to_string()]).await?.get(0);
        let mut held: Note = held.parse().map_err(|_| LogsError::Malformed)?;
        held.signatures.retain(|line| !signers.iter().any(|key| line.name == key.name && line.key_id == key.key_id()));
        held.signatures.extend(theirs.signatures.iter().cloned());
        transaction.execute(KEEP, &[&signed(size), &held.to_string()]).await?;
        transaction.execute(FORGET, &[&KEPT]).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The newest platform checkpoint that a witness has signed.
    pub async fn cosigned(&self) -> Result<Option<(Checkpoint, String)>, LogsError> {
        let client = self.pool.get().await?;
        let Some(row) = client.query_opt(NEWEST, &[]).await? else { return Ok(None) };
        let text: String = row.get(0);
        let note: Note = text.parse().map_err(|_| LogsError::Malformed)?;
        Ok(Some((note.text.parse().map_err(|_| LogsError::Malformed)?, text)))
    }

    /// The newest signed checkpoint as it is shown: with the witnesses' lines, where there are any for it.
    pub async fn shown(&self, log: Log) -> Result<Option<String>, LogsError> {
        let Some(note) = self.note(log).await? else { return Ok(None) };
        let Some((_, size)) = platform_note(&note).filter(|_| log == Log::Platform) else { return Ok(Some(note)) };
        let client = self.pool.get().await?;
        let cosigned: Option<String> = client.query_opt(OF_SIZE, &[&signed(size)]).await?.map(|row| row.get(0));
        let same_text = |cosigned: &String| cosigned.split("\n\n").next() == note.split("\n\n").next();
        Ok(Some(cosigned.filter(same_text).unwrap_or(note)))
    }
}

fn platform_note(text: &str) -> Option<(Note, u64)> {
    let note: Note = text.parse().ok()?;
    let checkpoint: Checkpoint = note.text.parse().ok()?;
    checkpoint.origin.ends_with("/platform").then_some((note, checkpoint.size))
}

fn lines_of(note: &Note, keys: &[&VerifierKey]) -> Vec<NoteSignature> {
    let is_of = |line: &&NoteSignature| keys.iter().any(|key| line.name == key.name && line.key_id == key.key_id());
    note.signatures.iter().filter(is_of).cloned().collect()
}
