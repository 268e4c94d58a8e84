//! The files of the database cluster: which version wrote them, and how they come to be.

use super::child;
use super::{Account, Binaries, PostgresError};
use crate::SystemIds;
use domain::Ids;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const DIRECTORY: &str = "postgres";
const UNFINISHED: &str = "postgres.unfinished-";
/// The superuser and the database that the program uses.
pub(super) const NAME: &str = "lethemail";

pub(crate) struct Cluster {
    parent: PathBuf,
    account: Account,
}

impl Cluster {
    pub(crate) fn new(parent: &Path, account: Account) -> Self {
        Self { parent: parent.to_owned(), account }
    }

    pub(crate) fn directory(parent: &Path) -> PathBuf {
        parent.join(DIRECTORY)
    }

    pub(super) fn path(&self) -> PathBuf {
        Self::directory(&self.parent)
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// None where nothing is initialised yet.
    pub(crate) fn major(&self) -> Result<Option<u32>, PostgresError> {
        let path = self.path().join("PG_VERSION");
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(_) if !self.path().exists() => Ok(None),
            Err(error) => Err(PostgresError::io("this cannot be read:", path)(error)),
        }
    }

    /// `initdb` into a directory of another name, which becomes the cluster by one rename: whoever is killed in between leaves
    /// nothing that could be taken for a cluster.
    pub(super) async fn initialised(self, binaries: Binaries) -> Result<(Self, Binaries), PostgresError> {
        if self.path().exists() {
            return Ok((self, binaries));
        }
        tracing::info!(postgresql = binaries.major, "initialising the private PostgreSQL");
        let task = tokio::task::spawn_blocking(move || self.initialise(&binaries).map(|()| (self, binaries)));
        task.await.expect("initialising does not panic")
    }

    fn initialise(&self, binaries: &Binaries) -> Result<(), PostgresError> {
        let unfinished = self.parent.join(format!("{UNFINISHED}{}", SystemIds.random().simple()));
        DirBuilder::new().mode(0o700).create(&unfinished).map_err(PostgresError::io("this directory cannot be made:", &unfinished))?;
        self.account.own(&unfinished)?;
        self.initdb(binaries, &unfinished)?;
        std::fs::rename(&unfinished, self.path()).map_err(PostgresError::io("this directory cannot be renamed:", &unfinished))?;
        let parent = File::open(&self.parent).and_then(|parent| parent.sync_all());
        parent.map_err(PostgresError::io("this directory cannot be synced:", &self.parent))
    }

    /// The plain C locale compares bytes: it is everywhere, and no library update can change an index's order.
    fn initdb(&self, binaries: &Binaries, directory: &Path) -> Result<(), PostgresError> {
        let program = binaries.program("initdb");
        let mut command = self.account.command(&program);
        command.arg("--pgdata").arg(directory).args(["--username", NAME, "--encoding", "UTF8", "--locale", "C"]);
        command.args(["--auth", "reject", "--data-checksums"]).stdin(Stdio::null()).stdout(Stdio::null());
        // This thread waits for initdb, so it lives as long as initdb needs it to.
        child::dies_with_this_thread(&mut command, nix::sys::signal::Signal::SIGKILL);
        let output = command.output().map_err(PostgresError::io("this program cannot be run:", program))?;
        if output.status.success() {
            return Ok(());
        }
        Err(PostgresError::Initdb(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// What an interrupted `initdb` left. Its own children may still be writing there for a moment: what cannot be removed now is
    /// removed at the next start.
    pub(super) fn remove_unfinished(&self) {
        let entries = std::fs::read_dir(&self.parent).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
            tracing::warn!("an earlier initialisation was interrupted; it is begun again");
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}
