//! The program as a user starts it, with its private PostgreSQL on a data directory of its own.

use crate::Options;
use crate::first_steps::{self, Account};
use crate::http::Connection;
use anyhow::{Context, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

pub struct Program {
    child: Child,
    pub address: SocketAddr,
    pub account: Account,
    directory: TempDir,
}

/// The most memory that was seen, in MiB.
pub struct MemoryWatch {
    peak_kib: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Program {
    /// Returns when an organisation is there whose mail goes to the server at `smtp_port`.
    pub async fn start(options: &Options, smtp_port: u16, smtp_connections: usize) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("lethemail-bench-")?;
        // The private PostgreSQL of a program that root runs is another user's.
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        let log = std::fs::File::create(options.json.with_file_name("bench-program.log"))?;
        let mut child = Command::new(&options.program)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .arg("--key-dir")
            .arg(directory.path().join("keys"))
            .env_remove("DATABASE_URL")
            .env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8")
            .env("LETHEMAIL_SMTP__CONCURRENCY_PER_SERVER", smtp_connections.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start; build it first", options.program.display()))?;
        let (address, first_mail) = greeting(&mut child).await?;
        let mut connection = Connection::open(address).await?;
        let account = first_steps::take(&mut connection, &first_mail, smtp_port).await?;
        Ok(Self { child, address, account, directory })
    }

    /// As the superuser of its private PostgreSQL.
    pub async fn database(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.database_url()?, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// By the file that every PostgreSQL server writes about itself.
    pub fn database_url(&self) -> anyhow::Result<String> {
        let data = self.directory.path().join("data/postgres");
        let pid_file = std::fs::read_to_string(data.join("postmaster.pid"))?;
        let socket = pid_file.lines().nth(4).context("the server's socket stands in its pid file")?;
        Ok(format!("postgresql://lethemail@{}/lethemail", socket.replace('/', "%2F")))
    }

    /// Resident memory of the program without PostgreSQL, in MiB.
    pub fn memory_mib(&self) -> anyhow::Result<f64> {
        resident_kib(self.pid()?).map(|kib| kib as f64 / 1024.0).context("the program runs")
    }

    pub fn watch_memory(&self) -> anyhow::Result<MemoryWatch> {
        let (pid, peak_kib) = (self.pid()?, Arc::new(AtomicU64::new(0)));
        let peak = peak_kib.clone();
        let task = tokio::spawn(async move {
            while let Some(kib) = resident_kib(pid) {
                peak.fetch_max(kib, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Ok(MemoryWatch { peak_kib, task })
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the program has ended; see target/bench-program.log")
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid()?)?), Signal::SIGTERM)?;
        self.child.wait().await?;
        Ok(())
    }
}

impl MemoryWatch {
    pub fn stop(self) -> f64 {
        self.task.abort();
        self.peak_kib.load(Ordering::Relaxed) as f64 / 1024.0
    }
}

/// The address, and the path of the link to the first mail.
async fn greeting(child: &mut Child) -> anyhow::Result<(SocketAddr, String)> {
    let mut lines = BufReader::new(child.stdout.take().context("the program's output is piped")?).lines();
    let (mut address, start) = (None, Instant::now());
    loop {
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.context("the program does not get ready")??;
        let line = line.context("the program ended at its start; see target/bench-program.log")?;
        ensure!(start.elapsed() < Duration::from_secs(60), "the program does not say where it listens");
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["GraphQL", url, ..] = words[..] {
            let host = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
            address = host.map(str::parse::<SocketAddr>).transpose()?;
        }
        let link = words.iter().find_map(|word| word.strip_suffix("):"));
        if let (Some(address), Some(link)) = (address, link) {
            // Whoever writes to a closed pipe fails.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            let path = link.strip_prefix(&format!("http://{address}")).context("the link leads to the program")?;
            return Ok((address, path.to_owned()));
        }
    }
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()
}
