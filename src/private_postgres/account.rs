//! Who runs the server: ourselves, or, since PostgreSQL refuses root, an account without privileges.

use super::PostgresError;
use nix::unistd::{Gid, Uid, User};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Accounts that root hands the server to, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    /// Of the account that we ourselves run as: the only two that may log in.
    pub(crate) our_name: String,
    uid: Uid,
    gid: Gid,
    drops: bool,
}

impl Account {
    /// Data that exists keeps its owner.
    pub(crate) fn for_data(directory: &Path) -> Result<Self, PostgresError> {
        let us = user(Uid::effective())?;
        let owner = std::fs::metadata(directory).ok().map(|metadata| metadata.uid());
        if !us.uid.is_root() {
            return match owner {
                Some(owner) if owner != us.uid.as_raw() => Err(PostgresError::OtherOwner { path: directory.to_owned(), owner }),
                _ => Ok(Self { name: us.name.clone(), our_name: us.name, uid: us.uid, gid: us.gid, drops: false }),
            };
        }
        let chosen = match owner {
            Some(owner) if owner != 0 => user(Uid::from_raw(owner))?,
            _ => UNPRIVILEGED.into_iter().find_map(|name| User::from_name(name).ok().flatten()).ok_or(PostgresError::NoAccount)?,
        };
        Ok(Self { name: chosen.name, our_name: us.name, uid: chosen.uid, gid: chosen.gid, drops: true })
    }

    /// A program that will run as this account, in an environment that says nothing of ours.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir("/");
        if self.drops {
            // std also clears the supplementary groups when it changes the user id as root.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Hands over what root has just made.
    pub(crate) fn own(&self, path: &Path) -> Result<(), PostgresError> {
        if !self.drops {
            return Ok(());
        }
        std::os::unix::fs::lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
            .map_err(PostgresError::io("the private PostgreSQL's account cannot be given", path))
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// Better said before than by an initdb that names another reason.
    pub(crate) fn can_reach(&self, path: &Path) -> Result<(), PostgresError> {
        let closed = path.ancestors().filter(|_| self.drops).find(|ancestor| !self.passes(ancestor));
        match closed {
            Some(closed) => Err(PostgresError::NotReachable { user: self.name.clone(), path: closed.to_owned() }),
            None => Ok(()),
        }
    }

    fn passes(&self, directory: &Path) -> bool {
        let Ok(metadata) = std::fs::metadata(directory) else { return false };
        let shift = match (metadata.uid() == self.uid(), metadata.gid() == self.gid.as_raw()) {
            (true, _) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        metadata.mode() >> shift & 1 == 1
    }
}

fn user(uid: Uid) -> Result<User, PostgresError> {
    User::from_uid(uid).ok().flatten().ok_or(PostgresError::UnknownUser(uid.as_raw()))
}
