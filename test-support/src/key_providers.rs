//! Real key providers for tests: a token of SoftHSM, and an OpenBao server. What is missing on the machine is installed by scripts.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A PKCS #11 token of its own. Its library reads the environment of the process that loads it, so a test runs such a process with [`SoftHsm::variable`].
pub struct SoftHsm {
    pub directory: TempDir,
    pub module: PathBuf,
}

impl SoftHsm {
    pub const LABEL: &str = "lethemail";
    pub const PIN: &str = "1234";

    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let module = output(script("softhsm-token").arg(directory.path()));
        Self { directory, module: module.into() }
    }

    /// Where the library finds its tokens.
    pub fn variable(&self) -> (&'static str, String) {
        ("SOFTHSM2_CONF", self.directory.path().join("softhsm2.conf").to_str().expect("the path is text").to_owned())
    }
}

impl Default for SoftHsm {
    fn default() -> Self {
        Self::new()
    }
}

/// A server with a Transit engine at `transit`, over TLS, that keeps everything in memory.
pub struct OpenBao {
    server: Child,
    directory: TempDir,
    pub address: String,
    unseal_key: String,
    program: PathBuf,
}

impl OpenBao {
    /// May do everything.
    pub const ROOT_TOKEN: &str = "root-of-a-test";

    pub fn start() -> Self {
        let program: PathBuf = output(&mut script("openbao-bin")).into();
        let directory = tempfile::tempdir().expect("a directory can be made");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
        // Stopped when the thread that starts it ends, however that comes about.
        let mut server = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&program)
            .args(["server", "-dev", "-dev-tls", "-dev-no-store-token"])
            .arg(format!("-dev-tls-cert-dir={}", directory.path().display()))
            .arg(format!("-dev-root-token-id={}", Self::ROOT_TOKEN))
            .arg(format!("-dev-listen-address={free}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(server.stdout.take().expect("its output is piped")).lines();
        let unseal = lines.find_map(|line| line.expect("it writes text").strip_prefix("Unseal Key: ").map(str::to_owned));
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let unseal_key = unseal.expect("the server says how to unseal it");
        let bao = Self { server, directory, address: format!("https://{free}"), unseal_key, program };
        bao.run(&["secrets", "enable", "transit"]);
        bao
    }

    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("vault-ca.pem")
    }

    /// Runs the server's own command line, and returns what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        output(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("BAO_ADDR", &self.address).env("BAO_TOKEN", Self::ROOT_TOKEN).env("BAO_CACERT", self.ca_file());
        command
    }

    /// A token that may do what `policy` says (HCL), and nothing else.
    pub fn token(&self, name: &str, policy: &str) -> String {
        let path = self.directory.path().join(format!("{name}.hcl"));
        std::fs::write(&path, policy).expect("the directory can be written to");
        self.run(&["policy", "write", name, path.to_str().expect("the path is text")]);
        self.run(&["token", "create", "-field=token", "-orphan", "-period=768h", &format!("-policy={name}")])
    }

    /// The names of the engine's keys.
    pub fn keys(&self) -> Vec<String> {
        let mut command = self.command(&["list", "-format=json", "transit/keys"]);
        // Where there is nothing to list it fails, with nothing in the list.
        let listed = command.output().expect("the program can be run").stdout;
        let listed = String::from_utf8(listed).expect("it prints text");
        listed.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// Nothing is answered from here on.
    pub fn seal(&self) {
        self.run(&["operator", "seal"]);
    }

    pub fn unseal(&self) {
        self.run(&["operator", "unseal", &self.unseal_key]);
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn script(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name))
}

/// What it prints, without the last line's end.
fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().expect("the program can be run");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).expect("it prints text").trim_end().to_owned()
}
