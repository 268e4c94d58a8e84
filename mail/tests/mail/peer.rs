//! An SMTP server that is not ours: Python's aiosmtpd, described in tests/peers/smtp_sink.py.

use ::mail::{SmtpServer, TimeOuts, TlsMode, TlsTrust};
use egress::{Egress, EgressPolicy};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The first start installs the peer's packages.
const START_TIME: Duration = Duration::from_secs(300);

pub struct Peer {
    pub port: u16,
    authority: Option<String>,
    child: Child,
    _stdin: ChildStdin,
    lines: Receiver<serde_json::Value>,
}

impl Peer {
    pub fn start(options: &[&str]) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut command = Command::new(format!("{root}/scripts/python-peer"));
        command.arg(format!("{root}/tests/peers/smtp_sink.py")).args(options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = read_all(child.stdout.take().unwrap());
        let listening = lines.recv_timeout(START_TIME).expect("the peer starts");
        Self {
            port: u16::try_from(listening["port"].as_u64().unwrap()).unwrap(),
            authority: listening["ca"].as_str().map(str::to_owned),
            child,
            _stdin: stdin,
            lines,
        }
    }

    /// What the peer wrote down next.
    pub fn next(&mut self) -> serde_json::Value {
        self.lines.recv_timeout(Duration::from_secs(30)).expect("the peer wrote something down")
    }

    pub fn server(&self, tls: TlsMode) -> SmtpServer {
        SmtpServer {
            host: "localhost".into(),
            port: self.port,
            tls,
            credentials: None,
            client_name: "client.test".into(),
            // A test that waits for what never comes should say so soon.
            time_outs: TimeOuts { outcome: Duration::from_secs(30), ..TimeOuts::default() },
        }
    }

    /// Trust in the peer's own authority, and in nobody else.
    pub fn trust(&self) -> TlsTrust {
        match &self.authority {
            Some(path) => TlsTrust::only(&std::fs::read(path).unwrap()).unwrap(),
            None => TlsTrust::system(None).unwrap(),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on its own thread: a peer whose pipe is full would stop answering.
fn read_all(stdout: ChildStdout) -> Receiver<serde_json::Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(serde_json::from_str(&line).expect("the peer writes JSON lines")).is_err() {
                return;
            }
        }
    });
    receiver
}

/// An egress that reaches this machine.
pub fn loopback() -> Egress {
    let allowed_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    Egress::new(EgressPolicy { allowed_networks, connect_timeout: Duration::from_secs(5) })
}
