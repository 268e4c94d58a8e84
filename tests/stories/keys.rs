//! An operator turns the epochs, and somebody who was forgotten is certified to be gone everywhere.

use super::account::Account;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

struct Installation {
    place: Place,
    clock: PathBuf,
}

impl Installation {
    fn new() -> Self {
        let place = Place::new();
        let clock = place.path().join("clock");
        let installation = Self { place, clock };
        installation.move_clock(0);
        installation
    }

    fn move_clock(&self, seconds: u64) {
        std::fs::write(&self.clock, seconds.to_string()).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        command.env("LETHEMAIL_CLOCK_FILE", &self.clock);
        command
    }

    fn say(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The stages that an erasure's certificates name.
    fn certificates(&self, erasure: &str) -> Vec<String> {
        let events: Value = serde_json::from_str(&self.say(&["audit", "timeline", erasure, "--format", "json"])).unwrap();
        let stages = events.as_array().unwrap().iter().filter_map(|event| event["facts"]["stage"].as_str());
        stages.map(str::to_owned).collect()
    }
}

#[test]
fn m4_2_whoever_was_forgotten_is_gone_everywhere_once_the_epoch_has_turned() {
    let installation = Installation::new();
    let mut program = Program::spawn(&mut installation.command());
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    for to in ["bob@lethemail.test", "carol@lethemail.test"] {
        let mail = json!({ "from": "shop@example.org", "to": [to], "subject": "Hello", "text": "Good morning." });
        account.application.mutate("sendEmail", "SendEmailInput", "position", mail);
    }
    let erased =
        account.application.mutate("eraseRecipient", "EraseRecipientInput", "erasureId", json!({ "address": "bob@lethemail.test" }));
    let erasure = erased["erasureId"].as_str().unwrap();
    installation.move_clock(130);
    eventually("the first certificate is issued", || installation.certificates(erasure) == ["live"]);
    let said = installation.say(&["keys", "rotate"]);
    assert!(said.contains("epoch 2 is open, epoch 1 closed") && said.contains("the key of epoch 1 is destroyed"), "{said}");
    assert!(installation.say(&["keys", "status"]).contains("epoch 1      destroyed"));
    assert_eq!(installation.certificates(erasure), ["live"], "another process may hold the key for a lease");
    installation.move_clock(400);
    eventually("the second certificate is issued", || installation.certificates(erasure) == ["live", "everywhere"]);
    let addresses = |account: &Account| {
        let emails = account.application.ask("{ emails { nodes { recipients { address } } } }", json!({}));
        let nodes = emails["emails"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|email| email["recipients"][0]["address"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(addresses(&account), [json!("carol@lethemail.test"), Value::Null], "who was not forgotten is there");
    // The week is over: the server turns the next epoch by itself, and goes on.
    installation.move_clock(8 * 86_400);
    eventually("the server has turned an epoch", || installation.say(&["keys", "status"]).contains("epoch 2      destroyed"));
    program.terminate();
    let output = installation.command().args(["keys", "rotate"]).output().unwrap();
    assert!(output.status.success(), "without a server too: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn m4_4_whoever_runs_it_sees_when_each_day_ends_and_why() {
    let installation = Installation::new();
    let mut program = Program::spawn(&mut installation.command());
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    let mail = json!({ "from": "shop@example.org", "to": ["bob@lethemail.test"], "subject": "Hello", "text": "Good morning." });
    account.application.mutate("sendEmail", "SendEmailInput", "position", mail);
    let organization = account.person.ask("{ organization { id } }", json!({}))["organization"]["id"].as_str().unwrap().to_owned();
    let say = |more: &[&str]| installation.say(&[&["retention", "--org", &organization], more].concat());
    let line = |told: &str| told.lines().find(|line| line.starts_with("ops ")).unwrap().to_owned();
    assert!(line(&say(&[])).ends_with("(default)"), "{}", say(&[]));
    account.person.mutate("setRetention", "SetRetentionInput", "position", json!({ "days": 365 }));
    assert!(line(&say(&[])).ends_with("(extension)"), "{}", say(&[]));
    let told: Value = serde_json::from_str(&say(&["--json"])).unwrap();
    assert_eq!(told["retention"]["days"], 365);
    assert!(told["buckets"].as_array().unwrap().iter().any(|bucket| bucket["class"] == "ops" && bucket["ground"] == "extension"), "{told}");
    assert!(line(&say(&["--subject", "bob@lethemail.test"])).ends_with("(extension)"));
    assert_eq!(say(&["--subject", "nobody@lethemail.test"]).trim(), "nothing is left");
    program.terminate();
}

#[test]
fn epochs_of_minutes_are_for_data_made_for_tests() {
    let place = Place::new();
    let output = lethemail(&place).env("LETHEMAIL_KEYS__EPOCH_MINUTES", "5").args(["keys", "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keys.epoch_minutes"));
}
