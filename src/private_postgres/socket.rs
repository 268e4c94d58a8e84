//! Where the server's Unix socket lies: a directory that only the server's account (and root) can enter.

use super::cluster::NAME;
use super::{Account, PostgresError};
use std::fs::{DirBuilder, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// `sun_path` holds 108 bytes, one of them the final zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;
const SOCKET_NAME: &str = "/.s.PGSQL.5432";

#[derive(Debug)]
pub(crate) struct SocketDirectory {
    path: PathBuf,
}

impl SocketDirectory {
    /// Inside the data directory, or, when that path is too long, at a short place under a name made from it.
    pub(super) fn prepare(data: &Path, account: &Account) -> Result<Self, PostgresError> {
        let usable = |path: &PathBuf| make(path, account).is_ok();
        places(data).into_iter().find(usable).map(|path| Self { path }).ok_or(PostgresError::NoSocketDirectory)
    }

    /// The directory of a server that runs on this data, if one does.
    pub(crate) fn of_running(data: &Path) -> Option<Self> {
        let answers = |path: &PathBuf| path.join(&SOCKET_NAME[1..]).exists();
        places(data).into_iter().find(answers).map(|path| Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn url(&self) -> String {
        let mut host = String::new();
        for byte in self.path.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => host.push(char::from(*byte)),
                byte => host.push_str(&format!("%{byte:02X}")),
            }
        }
        format!("postgresql://{NAME}@{host}/{NAME}")
    }

    pub(super) fn remove(&self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

fn places(data: &Path) -> Vec<PathBuf> {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    let short = format!("lethemail-{:016x}", hasher.finish());
    let is_root = nix::unistd::geteuid().is_root();
    let runtime = if is_root { Some(PathBuf::from("/run")) } else { std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) };
    let elsewhere = [runtime, std::env::var_os("TMPDIR").map(PathBuf::from), Some(PathBuf::from("/tmp"))];
    let mut places = vec![data.join("socket")];
    places.extend(elsewhere.into_iter().flatten().filter(|path| path.is_absolute()).map(|path| path.join(&short)));
    places.retain(|path| path.as_os_str().len() + SOCKET_NAME.len() <= SOCKET_PATH_BYTES_MAX);
    places
}

/// Made new, or found as we would have made it: in a directory that others may write to, anybody could have put it there.
fn make(path: &Path, account: &Account) -> Result<(), PostgresError> {
    let failed = || PostgresError::io("this directory cannot be made:", path);
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.own(path)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed()(error)),
    }
    let metadata = std::fs::symlink_metadata(path).map_err(failed())?;
    if !metadata.is_dir() || metadata.uid() != account.uid() {
        return Err(failed()(std::io::ErrorKind::PermissionDenied.into()));
    }
    // A socket that a killed server left has a lock file beside it, whose process number may be somebody else's by now.
    for entry in std::fs::read_dir(path).map_err(failed())?.flatten() {
        drop(std::fs::remove_file(entry.path()));
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed())?;
    account.can_reach(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_with_a_long_path_gets_its_socket_elsewhere() {
        let short = places(Path::new("/var/lib/lethemail"));
        assert_eq!(short[0], Path::new("/var/lib/lethemail/socket"));
        let long = PathBuf::from(format!("/{}", "deep/".repeat(40)));
        let elsewhere = places(&long);
        assert!(!elsewhere.is_empty());
        assert!(elsewhere.iter().all(|path| !path.starts_with(&long) && path.as_os_str().len() < 94), "{elsewhere:?}");
        assert_eq!(elsewhere, places(&long), "the next start finds the same place");
    }

    #[test]
    fn the_address_holds_any_path() {
        let socket = SocketDirectory { path: "/tmp/a b%/é".into() };
        assert_eq!(socket.url(), "postgresql://lethemail@%2Ftmp%2Fa%20b%25%2F%C3%A9/lethemail");
    }
}
