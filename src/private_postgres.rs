//! A PostgreSQL of our own, for installations that have none: found, initialised, started, watched and stopped by this program.
//!
//! It is durable (fsync, data checksums), listens only on a Unix socket that nobody else can reach, runs without privileges even
//! when we are root, dies with us, and logs nothing that a client sent.

mod account;
mod binaries;
mod child;
mod cluster;
mod error;
mod leftovers;
mod ready;
mod settings;
mod socket;

pub use error::PostgresError;

pub(crate) use account::Account;
pub(crate) use binaries::Binaries;
pub(crate) use cluster::Cluster;

use crate::DataDirectory;
use child::Child;
use nix::sys::signal::Signal;
use socket::SocketDirectory;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

/// The address of a server that runs on this data now, for other commands of the same user.
pub(crate) fn running_url(data: &Path) -> Option<String> {
    let data = data.canonicalize().ok()?;
    SocketDirectory::of_running(&data).map(|socket| socket.url())
}

/// How long a stop may take before it is forced: fast shutdown writes a checkpoint.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it asks it to stop; [`PrivatePostgres::stop`] waits until it has.
pub struct PrivatePostgres {
    child: Child,
    socket: SocketDirectory,
    log: std::path::PathBuf,
    major: u32,
    /// Released last, when no process works on the data any more.
    _data: DataDirectory,
}

impl PrivatePostgres {
    /// Returns once the server answers. After a crash that includes its recovery, however long it takes.
    pub async fn start(data: DataDirectory, bin_dir: Option<&Path>) -> Result<Self, PostgresError> {
        let account = Account::for_data(&Cluster::directory(data.path()))?;
        account.can_reach(data.path())?;
        let cluster = Cluster::new(data.path(), account);
        leftovers::clear(&cluster).await?;
        let binaries = Binaries::find(bin_dir, cluster.major()?)?;
        let (cluster, binaries) = cluster.initialised(binaries).await?;
        let socket = SocketDirectory::prepare(data.path(), cluster.account())?;
        let child = Child::spawn(settings::server(&cluster, &binaries, &socket, data.path())?)?;
        let mut server = Self { child, socket, log: settings::log_path(data.path()), major: binaries.major, _data: data };
        let status = ready::wait(&mut server.child, &server.socket).await?;
        match status {
            None => Ok(server),
            Some(status) => Err(server.death(status)),
        }
    }

    /// A superuser's login to the database of this program, over the socket.
    pub fn url(&self) -> String {
        self.socket.url()
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    /// The process id of the server, for tests that kill it.
    pub fn process_id(&self) -> i32 {
        self.child.process_id()
    }

    /// Completes only when the server has ended without being asked to.
    pub async fn died(&mut self) -> PostgresError {
        let status = self.child.ended().await;
        self.death(status)
    }

    /// Fast shutdown: open transactions are rolled back, everything committed is on disk.
    pub async fn stop(mut self) -> Result<(), PostgresError> {
        self.child.signal(Signal::SIGINT);
        if tokio::time::timeout(STOP_PATIENCE, self.child.ended()).await.is_err() {
            tracing::warn!("the private PostgreSQL does not stop by itself; it is stopped at once and will recover at the next start");
            self.child.signal(Signal::SIGQUIT);
            self.child.ended().await;
        }
        self.socket.remove();
        Ok(())
    }

    fn death(&self, status: ExitStatus) -> PostgresError {
        PostgresError::Died { status, log: self.log.clone(), last_lines: settings::last_lines(&self.log) }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.child.signal(Signal::SIGINT);
    }
}
