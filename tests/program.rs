//! The built program, run as a user would run it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(90);

/// Directories for one installation, gone with the test.
pub struct Place {
    root: TempDir,
    below: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("lethemail-story-").tempdir_in("/tmp").unwrap();
        // The private PostgreSQL's account must be able to pass through.
        std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { root, below: PathBuf::new() }
    }

    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// The data directory lies further down from now on.
    pub fn descend(&mut self, below: &str) {
        self.below = below.into();
    }

    pub fn data(&self) -> PathBuf {
        self.root.path().join(&self.below).join("data")
    }

    pub fn keys(&self) -> PathBuf {
        self.root.path().join("keys")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("postgres.log")).unwrap_or_default()
    }
}

/// A command of the program with an environment of its own.
pub fn lethemail(place: &Place) -> Command {
    at(crate::built_program(), place)
}

/// The same of a program that lies elsewhere.
pub fn at(mut command: Command, place: &Place) -> Command {
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("LETHEMAIL_") {
            command.env_remove(name);
        }
    }
    command.env("LETHEMAIL_LISTEN", "127.0.0.1:0").arg("--data-dir").arg(place.data()).arg("--key-dir").arg(place.keys());
    command
}

pub struct Program {
    child: Child,
    lines: Receiver<String>,
    /// What it has said on standard output and standard error so far.
    pub said: Vec<String>,
}

impl Program {
    /// Started and ready.
    pub fn start(place: &Place) -> Self {
        let mut program = Self::spawn(&mut lethemail(place));
        program.until("\"ready\"");
        program
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        forward(child.stdout.take().unwrap(), sender.clone());
        forward(child.stderr.take().unwrap(), sender);
        Self { child, lines, said: Vec::new() }
    }

    /// Reads until a line holds `text`.
    pub fn until(&mut self, text: &str) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line);
                    if self.said.last().unwrap().contains(text) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {text} within {PATIENCE:?}: {:?}", self.said),
                Err(RecvTimeoutError::Disconnected) => panic!("the program ended before {text}: {:?}", self.said),
            }
        }
    }

    /// The line that holds `text`, said already or soon.
    pub fn line_with(&mut self, text: &str) -> String {
        if !self.said.iter().any(|line| line.contains(text)) {
            self.until(text);
        }
        self.said.iter().find(|line| line.contains(text)).cloned().unwrap()
    }

    /// All that it has said until now.
    pub fn so_far(&mut self) -> &[String] {
        self.said.extend(self.lines.try_iter());
        &self.said
    }

    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.id()), signal).unwrap();
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn terminate(self) -> (ExitStatus, Vec<String>) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.ended()
    }

    /// Waits for its end.
    pub fn ended(mut self) -> (ExitStatus, Vec<String>) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end: {:?}", self.said),
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.said))
    }
}

fn forward(pipe: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || BufReader::new(pipe).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until `holds` does, as long as it takes a loaded machine.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    eventually_mut(what, holds);
}

/// The same for a look that remembers.
#[expect(clippy::disallowed_methods, reason = "waits for another process, which no clock of ours moves")]
pub fn eventually_mut(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 20 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it never came about that {what}");
}
