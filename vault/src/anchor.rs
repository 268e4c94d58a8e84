//! The anchor: ids of destroyed keys in a file outside PostgreSQL and outside every backup. A key is named here, durably, before its row goes; so a
//! restored keyring cannot bring it back.

use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::key_name::{BucketName, class_from_number};
use domain::{KeyId, OrganizationId, Timestamp};
use std::collections::HashSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use uuid::Uuid;

/// One line of the anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Destruction {
    pub(crate) key: KeyId,
    pub(crate) at: Timestamp,
    /// The newest epoch whose key ever wrapped it; `None` in lines of programs that knew one epoch only.
    pub(crate) newest_epoch: Option<i32>,
    /// A bucket keeps its name, so that it cannot come back even when the restored keyring never knew it.
    pub(crate) bucket: Option<BucketName>,
}

/// Appends what is not there yet and returns when it is on disk. Blocks.
pub(crate) fn append(directory: &KeyDirectory, destructions: &[Destruction]) -> Result<(), VaultError> {
    let mut file = open_alone(directory)?;
    let text = read(&mut file)?;
    let known: HashSet<KeyId> = parse(&text)?.into_iter().map(|line| line.key).collect();
    let complete = complete_part(&text).len();
    let new: String = destructions.iter().filter(|line| !known.contains(&line.key)).map(format_line).collect();
    // A line that a crash cut short was never acted upon; it is overwritten.
    file.set_len(complete as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
    file.write_all(new.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    directory.sync()
}

/// Every key that is named. Blocks.
pub(crate) fn read_all(directory: &KeyDirectory) -> Result<Vec<Destruction>, VaultError> {
    parse(&read(&mut open_alone(directory)?)?)
}

/// Lets go of the keys that no epoch up to `destroyed` wrapped last: nothing that a restore can bring opens them any more. Blocks.
pub(crate) fn forget(directory: &KeyDirectory, destroyed: i32) -> Result<(), VaultError> {
    let mut file = open_alone(directory)?;
    let mut lines = parse(&read(&mut file)?)?;
    lines.retain(|line| line.newest_epoch.is_none_or(|epoch| epoch > destroyed));
    let text: String = lines.iter().map(format_line).collect();
    let next = directory.anchor_path().with_extension("next");
    let mut options = OpenOptions::new();
    let mut written = options.write(true).create(true).truncate(true).mode(0o600).open(&next).map_err(failed)?;
    written.write_all(text.as_bytes()).and_then(|()| written.sync_all()).map_err(failed)?;
    std::fs::rename(&next, directory.anchor_path()).map_err(failed)?;
    directory.sync()
}

/// The anchor, nobody else's until the file is closed. Whoever waited while it was written anew opens it again.
fn open_alone(directory: &KeyDirectory) -> Result<File, VaultError> {
    loop {
        let file = open(directory)?;
        file.lock().map_err(failed)?;
        let inode = |metadata: std::io::Result<Metadata>| metadata.map(|metadata| metadata.ino());
        if inode(file.metadata()).map_err(failed)? == inode(std::fs::metadata(directory.anchor_path())).unwrap_or_default() {
            return Ok(file);
        }
    }
}

fn open(directory: &KeyDirectory) -> Result<File, VaultError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(directory.anchor_path()).map_err(failed)
}

fn failed(error: std::io::Error) -> VaultError {
    VaultError::key_directory("the anchor cannot be read or written")(error)
}

fn read(file: &mut File) -> Result<String, VaultError> {
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn complete_part(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..=end])
}

pub(crate) fn format_line(line: &Destruction) -> String {
    let epoch = line.newest_epoch.map(|epoch| format!(" {epoch}")).unwrap_or_default();
    match &line.bucket {
        None => format!("subject {} {}{epoch}\n", line.key, line.at.micros()),
        Some(BucketName { organization, class, bucket }) => {
            format!("bucket {} {} {organization} {} {bucket}{epoch}\n", line.key, line.at.micros(), class.number())
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Vec<Destruction>, VaultError> {
    complete_part(text).lines().map(|line| parse_line(line).ok_or(VaultError::AnchorMalformed)).collect()
}

fn parse_line(line: &str) -> Option<Destruction> {
    let parts: Vec<&str> = line.split(' ').collect();
    let (bucket, epoch) = match parts.as_slice() {
        ["subject", _, _, epoch @ ..] => (None, epoch),
        ["bucket", _, _, organization, class, bucket, epoch @ ..] => {
            let organization = OrganizationId(organization.parse::<Uuid>().ok()?);
            let class = class.parse().ok().and_then(class_from_number)?;
            (Some(BucketName { organization, class, bucket: bucket.parse().ok()? }), epoch)
        }
        _ => return None,
    };
    let newest_epoch = match epoch {
        [] => None,
        [epoch] => Some(epoch.parse().ok()?),
        _ => return None,
    };
    Some(Destruction { key: parts[1].parse().ok()?, at: Timestamp::from_micros(parts[2].parse().ok()?), newest_epoch, bucket })
}
