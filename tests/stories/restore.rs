//! The database is lost. Log and keyring come back from their backups, and nothing is sent until somebody says so.

use super::account::Account;
use super::client::Client;
use super::sink::Sink;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::json;
use std::ffi::OsStr;
use std::process::{Command, Output};
use test_support::TestDatabase;
use tokio::runtime::Runtime;

/// One key directory, and several databases one after the other.
pub(super) struct Installation {
    pub place: Place,
    pub runtime: Runtime,
    pub database: TestDatabase,
    /// Long, unless a story is about what was signed: it is known elsewhere, and a backup that is older is a loss.
    pub checkpoint_interval_s: u32,
}

impl Installation {
    pub fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let database = runtime.block_on(TestDatabase::create());
        Self { place: Place::new(), runtime, database, checkpoint_interval_s: 3_600 }
    }

    /// The database is gone; here is an empty one.
    pub fn lose_database(&mut self) {
        self.database = self.runtime.block_on(TestDatabase::create());
    }

    pub fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        command.env("DATABASE_URL", &self.database.url).env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8");
        command.env("LETHEMAIL_TRANSPARENCY__CHECKPOINT_INTERVAL_S", self.checkpoint_interval_s.to_string());
        command
    }

    pub fn serve(&self) -> Program {
        let mut program = Program::spawn(&mut self.command());
        program.until("\"ready\"");
        program
    }

    pub fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    pub fn done(&self, arguments: &[impl AsRef<OsStr>]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it says when it ends with this code.
    pub fn refused(&self, code: i32, arguments: &[impl AsRef<OsStr>]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    fn refuses_to_work(&self) -> bool {
        self.run(&["queue", "status"]).status.code() == Some(7)
    }

    pub fn path(&self, name: &str) -> String {
        self.place.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn back_up(&self) {
        self.done(&["backup", "log", "--to", &self.path("log")]);
        self.done(&["backup", "keyring", "--to", &self.path("keyring")]);
    }

    pub fn restoring(&self, more: &[&str]) -> Vec<String> {
        let (log, keyring) = (self.path("log"), self.path("keyring"));
        ["restore", "--from", &log, "--keyring", &keyring].iter().chain(more).map(|argument| (*argument).to_owned()).collect()
    }

    /// Name and SHA-256 of each read model, when all are up to date.
    pub fn hashes(&self) -> Vec<(String, String)> {
        eventually("the read models are up to date", || {
            self.done(&["projections", "list"]).lines().all(|line| line.split_whitespace().nth(1) == Some("0"))
        });
        let list = self.done(&["projections", "list"]);
        let words = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        words.map(|words| (words[0].to_owned(), words[words.len() - 1].to_owned())).collect()
    }
}

pub(super) fn send(client: &Client, recipient: &str) {
    let input = json!({ "from": "shop@example.org", "to": [recipient], "subject": "Good morning", "text": "It is a fine day." });
    client.mutate("sendEmail", "SendEmailInput", "position", input);
}

const EMAILS: &str = "{ emails(first: 50) { nodes { subject recipients { address state personalData } } } }";

pub(super) fn recipients(client: &Client) -> Vec<(String, String)> {
    let emails = client.ask(EMAILS, json!({}))["emails"]["nodes"].clone();
    let recipients = emails.as_array().unwrap().iter().map(|email| &email["recipients"][0]);
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("nobody").to_owned();
    let mut found: Vec<_> = recipients.map(|recipient| (word(&recipient["address"]), word(&recipient["state"]))).collect();
    found.sort();
    found
}

#[test]
fn a_lost_database_comes_back_with_the_same_content_and_sends_nothing_before_it_is_told_to() {
    let mut installation = Installation::new();
    let sink = Sink::start(&["--login", "shop:let me in"]);
    let mut program = installation.serve();
    let account = Account::first(&mut program);
    account.connect(sink.port);
    let client = &account.application;
    (0..3).for_each(|number| send(client, &format!("early-{number}@example.net")));
    eventually("all were sent", || recipients(client).iter().filter(|(_, state)| state == "RELAYED").count() == 3);
    installation.done(&["queue", "pause", "--reason", "the backup is to find something that waits"]);
    (0..2).for_each(|number| send(client, &format!("late-{number}@example.net")));
    let before = installation.hashes();
    installation.back_up();
    let as_it_was = recipients(client);
    assert!(program.terminate().0.success());

    installation.lose_database();
    let said = installation.done(&installation.restoring(&["--verify"]));
    for (name, hash) in &before {
        assert!(said.lines().any(|line| line.starts_with(&format!("{name} ")) && line.ends_with(hash)), "{name} {hash}: {said}");
    }
    let mut program = installation.serve();
    program.line_with("NOTHING IS SENT since");
    let client = Client::of(&program).with(&account.key);
    assert_eq!(client.get_text("/readyz"), (200, "ready; deliveries are paused\n".to_owned()));
    assert_eq!(recipients(&client), as_it_was);
    let status = installation.done(&["queue", "status"]);
    assert!(status.starts_with("paused   since") && status.contains("2 messages, 2 of them due"), "{status}");
    assert!(installation.done(&["doctor"]).contains("deliveries are paused"));
    // New mail is taken, and waits as well.
    send(&client, "later@example.net");
    eventually("it waits", || installation.done(&["queue", "status"]).contains("3 messages, 3 of them due"));
    assert_eq!(sink.taken().len(), 3);
    installation.done(&["queue", "resume", "--reason", "nothing was sent after the backup"]);
    eventually("what was due is sent", || recipients(&client).iter().filter(|(_, state)| state == "RELAYED").count() == 6);
    let taken: Vec<String> = sink.taken().into_iter().map(|(to, _)| to).collect();
    assert_eq!(taken.len(), 6, "each of them once: {taken:?}");
    assert!(installation.refused(1, &["queue", "resume", "--reason", "again"]).contains("not paused"));
    assert!(installation.done(&["projections", "verify"]).matches(": same").count() == projections::all().len());
    assert!(program.terminate().0.success());
}

#[test]
fn m4_2_who_was_forgotten_after_the_backup_stays_forgotten_and_the_loss_must_be_accepted() {
    let mut installation = Installation::new();
    let mut program = installation.serve();
    let account = Account::first(&mut program);
    let client = &account.application;
    send(client, "bob@example.net");
    send(client, "carol@example.net");
    eventually("both are shown", || recipients(client).len() == 2);
    installation.back_up();
    client.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": "bob@example.net" }));
    assert!(program.terminate().0.success());

    installation.lose_database();
    let said = installation.refused(8, &installation.restoring(&[]));
    assert!(said.contains("--accept-loss"), "{said}");
    let said = installation.done(&installation.restoring(&["--accept-loss"]));
    assert!(said.contains("queue     paused"), "{said}");
    let program = installation.serve();
    let client = Client::of(&program).with(&account.key);
    eventually("both are shown", || recipients(&client).len() == 2);
    let emails = client.ask(EMAILS, json!({})).to_string();
    assert!(!emails.contains("bob@") && emails.contains("carol@example.net") && emails.contains("ERASED"), "{emails}");
    assert!(installation.done(&["queue", "status"]).contains("the loss of 1 known destructions"));
    assert!(program.terminate().0.success());
}

#[test]
fn a_backup_or_a_restore_that_was_killed_passes_for_none_and_a_damaged_one_is_refused() {
    let mut installation = Installation::new();
    let mut program = installation.serve();
    let account = Account::first(&mut program);
    (0..5).for_each(|number| send(&account.application, &format!("r{number}@example.net")));
    let (log, keys) = (installation.path("log"), installation.path("keys"));
    assert!(installation.refused(1, &["backup", "keyring", "--to", &keys]).contains("lie in one another"));

    kill_amid(&installation, "ACCESS EXCLUSIVE", &["backup", "log", "--to", &log], || written(&log) > 0);
    installation.refused(6, &["backup", "check", &log]);
    installation.back_up();
    let whole = installation.done(&["backup", "check", &log]);
    send(&account.application, "one-more@example.net");
    kill_amid(&installation, "ACCESS EXCLUSIVE", &["backup", "log", "--to", &log], || written(&log) > 3);
    assert_eq!(installation.done(&["backup", "check", &log]), whole, "the backup before it is untouched");
    installation.back_up();
    assert!(program.terminate().0.success());

    installation.lose_database();
    kill_amid(&installation, "EXCLUSIVE", &installation.restoring(&[]), || installation.refuses_to_work());
    assert!(installation.refused(7, &["serve"]).contains("interrupted"));
    assert!(installation.refused(7, &installation.restoring(&[])).contains("interrupted"));
    installation.refused(1, &["doctor"]);

    installation.lose_database();
    let file = std::fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_str().unwrap().contains("events-"))
        .unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 100]).unwrap();
    let said = installation.refused(6, &installation.restoring(&[]));
    assert!(said.contains(file.to_str().unwrap()) && said.contains("the file ends here"), "{said}");
    std::fs::write(&file, &bytes).unwrap();
    // What was signed of later events is known, and the pause, the restore and the loss are recorded behind the fourth.
    installation.done(&installation.restoring(&["--until", "4", "--accept-loss"]));
    let status = installation.done(&["log", "status"]);
    assert!(["head       6", "head       7"].iter().any(|head| status.contains(head)), "{status}");
    assert!(installation.refused(7, &installation.restoring(&[])).contains("not empty"), "once is enough");
}

/// Files of rows in a backup.
fn written(directory: &str) -> usize {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    files.filter(|entry| entry.file_name().to_string_lossy().ends_with(".copy")).count()
}

/// Holds the command up at the texts that wait, which come after the events, and kills it there.
fn kill_amid(installation: &Installation, mode: &str, arguments: &[impl AsRef<OsStr>], under_way: impl Fn() -> bool) {
    let holder = installation.runtime.block_on(installation.database.client());
    installation.runtime.block_on(holder.batch_execute(&format!("BEGIN; LOCK TABLE spool.entry IN {mode} MODE"))).unwrap();
    let mut process = installation.command().args(arguments).spawn().unwrap();
    eventually("it is under way", under_way);
    process.kill().unwrap();
    process.wait().unwrap();
    installation.runtime.block_on(holder.batch_execute("COMMIT")).unwrap();
}

#[test]
fn m4_2_an_old_log_opens_with_todays_keyring_only_and_the_forgotten_stay_closed() {
    let mut installation = Installation::new();
    let mut program = installation.serve();
    let account = Account::first(&mut program);
    send(&account.application, "bob@lethemail.test");
    send(&account.application, "carol@lethemail.test");
    let delivered = |address: &str| (address.to_owned(), "DELIVERED".to_owned());
    eventually("both were delivered", || {
        recipients(&account.application) == [delivered("bob@lethemail.test"), delivered("carol@lethemail.test")]
    });
    let (log, old, new) = (installation.path("log"), installation.path("old-keyring"), installation.path("new-keyring"));
    installation.done(&["backup", "log", "--to", &log]);
    installation.done(&["backup", "keyring", "--to", &old]);
    account.application.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": "bob@lethemail.test" }));
    installation.done(&["keys", "rotate"]);
    installation.done(&["backup", "keyring", "--to", &new]);
    assert!(program.terminate().0.success());

    installation.lose_database();
    let said = installation.refused(1, &["restore", "--from", &log, "--keyring", &old, "--accept-loss"]);
    assert!(said.contains("epoch 1"), "all that was in the old backup is closed to everybody: {said}");

    installation.lose_database();
    installation.done(&["restore", "--from", &log, "--keyring", &new, "--accept-loss"]);
    let program = installation.serve();
    let client = Client::of(&program).with(&account.key);
    let known = [delivered("carol@lethemail.test"), delivered("nobody")];
    eventually("the read models are made", || recipients(&client) == known);
    // The old log brought bodies back whose epoch is gone; they hold up no later one.
    assert!(installation.done(&["keys", "rotate"]).contains("the key of epoch 2 is destroyed"));
    assert_eq!(recipients(&client), known);
    assert!(program.terminate().0.success());
    // Two epochs on, no backup from before opens anything for anybody.
    for (keyring, epoch) in [(&old, "epoch 1"), (&new, "epoch 2")] {
        installation.lose_database();
        let said = installation.refused(1, &["restore", "--from", &log, "--keyring", keyring, "--accept-loss"]);
        assert!(said.contains(epoch), "{said}");
    }
}
