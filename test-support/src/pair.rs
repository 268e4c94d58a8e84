//! Two servers as whoever wants to survive the loss of one runs them: a primary, and a standby that has every commit before it is answered.

use crate::{TestDatabase, connect};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown, geteuid};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Ends with this value, and with the thread that started it.
pub struct ReplicatedPair {
    primary: Server,
    standby: Server,
    // Removed last.
    _directory: TempDir,
}

impl ReplicatedPair {
    /// Both run, and the standby is synchronous.
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("lethemail-pair-").tempdir_in("/tmp").expect("a directory can be made");
        let account = Account::find();
        account.own(directory.path());
        let programs = Programs::find(account);
        let primary = directory.path().join("primary");
        programs.run("initdb", &["-D", text(&primary), "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let primary = Server::start(&programs, primary).await;
        let standby = directory.path().join("standby");
        programs.run("pg_basebackup", &["-d", &primary.url(), "-D", text(&standby), "-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        let standby = Server::start(&programs, standby).await;
        let client = connect(&primary.url()).await;
        client.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await.expect("a superuser may");
        client.batch_execute("SELECT pg_reload_conf()").await.expect("a superuser may");
        until("the standby is synchronous", async || {
            let row = client.query_one("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", &[]).await;
            row.is_ok_and(|row| row.get::<_, i64>(0) == 1)
        })
        .await;
        Self { primary, standby, _directory: directory }
    }

    /// A migrated database, by the address of both servers: the primary first.
    pub async fn database(&self) -> TestDatabase {
        let hosts = format!("{},{}", self.primary.host(), self.standby.host());
        TestDatabase::create_on(&format!("postgresql://tester@{hosts}/postgres?target_session_attrs=read-write")).await
    }

    /// All its processes at once, as when the machine is gone. It does not come back.
    pub fn kill_primary(&mut self) {
        self.primary.kill();
    }

    /// Returns when the standby takes writes.
    pub async fn promote_standby(&self) {
        let client = connect(&self.standby.url()).await;
        let promoted: bool = client.query_one("SELECT pg_promote(true, 60)", &[]).await.expect("a superuser may promote").get(0);
        assert!(promoted, "the standby became the primary within a minute");
    }
}

struct Server {
    process: Child,
    socket: PathBuf,
}

impl Server {
    /// Listens on a Unix socket only, which lies outside of what a base backup copies. It does not sync: what is killed here is never the machine.
    async fn start(programs: &Programs, data: PathBuf) -> Self {
        let socket = data.with_extension("socket");
        std::fs::create_dir(&socket).expect("a directory can be made");
        programs.account.own(&socket);
        let mut command = programs.command("postgres");
        command.args(["-D", text(&data), "-c", "listen_addresses=", "-c", "unix_socket_permissions=0777", "-c", "fsync=off"]);
        command.args(["-c", &format!("unix_socket_directories={}", text(&socket)), "-c", "max_connections=200"]);
        let log = std::fs::File::create(data.with_extension("log")).expect("a file can be made");
        let errors = log.try_clone().expect("a file can be shared");
        let process = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("the server can be run");
        let server = Self { process, socket };
        until("the server answers", async || tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.is_ok()).await;
        server
    }

    fn host(&self) -> String {
        text(&self.socket).replace('/', "%2F")
    }

    fn url(&self) -> String {
        format!("postgresql://tester@{}/postgres", self.host())
    }

    fn kill(&mut self) {
        let id = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        // The first of them, so that it starts no other.
        let all = std::iter::once(id.cast_signed()).chain(children.split_whitespace().filter_map(|child| child.parse().ok()));
        for process in all {
            // One that has ended by itself is as good.
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
        drop(self.process.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
enum Account {
    Ours,
    Other { user: u32, group: u32 },
}

impl Account {
    fn find() -> Self {
        if !geteuid().is_root() {
            return Self::Ours;
        }
        let found = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = found.expect("every system has nobody");
        Self::Other { user: user.uid.as_raw(), group: user.gid.as_raw() }
    }

    fn own(self, directory: &Path) {
        if let Self::Other { user, group } = self {
            chown(directory, Some(user.into()), Some(group.into())).expect("root may give a directory away");
        }
    }
}

struct Programs {
    directory: PathBuf,
    account: Account,
}

impl Programs {
    fn find(account: Account) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres-bin");
        let found = Command::new(script).stderr(Stdio::inherit()).output().expect("the script can be run");
        let directory = String::from_utf8(found.stdout).expect("a path of ours is text");
        Self { directory: directory.trim().into(), account }
    }

    /// Stopped when the thread that starts it ends, however that comes about.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        if let Account::Other { user, group } = self.account {
            command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
        }
        command.args(["--pdeathsig", "INT", "--"]).arg(self.directory.join(program)).current_dir("/");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().expect("the program can be run");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

#[expect(clippy::disallowed_methods, reason = "waits for a server, which no clock of ours moves")]
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..3000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came about that {what}");
}
