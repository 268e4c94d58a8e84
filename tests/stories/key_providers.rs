//! An operator keeps the epochs' wrapping keys in a PKCS #11 token, and moves them to a Transit engine.

use super::account::Account;
use crate::program::{Place, Program, lethemail};
use serde_json::json;
use std::process::{Command, Output};
use test_support::{OpenBao, SoftHsm, TestDatabase};

const POLICY: &str = r#"
    path "transit/keys/lethemail-epoch-*" { capabilities = ["create", "update", "read", "delete"] }
    path "transit/encrypt/lethemail-epoch-*" { capabilities = ["update"] }
    path "transit/decrypt/lethemail-epoch-*" { capabilities = ["update"] }
"#;

struct Site {
    place: Place,
    database: TestDatabase,
    settings: Vec<(&'static str, String)>,
}

impl Site {
    fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        command.env("DATABASE_URL", &self.database.url).envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    fn say(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value.to_owned()));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn send(account: &Account, to: &str) {
    let mail = json!({ "from": "shop@example.org", "to": [to], "subject": "Hello", "text": "Good morning." });
    account.application.mutate("sendEmail", "SendEmailInput", "position", mail);
}

#[test]
fn m4_2_epoch_keys_are_destroyed_in_the_token_and_an_installation_moves_on_to_a_transit_engine() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (hsm, bao) = (SoftHsm::new(), OpenBao::start());
    let mut site = Site { place: Place::new(), database: runtime.block_on(TestDatabase::create()), settings: vec![hsm.variable()] };
    site.set("LETHEMAIL_KEYS__PROVIDER", "pkcs11");
    site.set("LETHEMAIL_KEYS__PKCS11_MODULE", hsm.module.to_str().unwrap());
    site.set("LETHEMAIL_KEYS__PKCS11_TOKEN", SoftHsm::LABEL);
    site.set("LETHEMAIL_KEYS__PKCS11_PIN", "0000");
    let refused = site.ask(&["serve"]);
    assert!(!refused.status.success() && said(&refused).contains("an object in a PKCS #11 token, refuses"), "{}", said(&refused));
    site.set("LETHEMAIL_KEYS__PKCS11_PIN", SoftHsm::PIN);
    let mut program = Program::spawn(&mut site.command());
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    send(&account, "bob@lethemail.test");
    let told = site.say(&["keys", "rotate"]);
    assert!(told.contains("the key of epoch 1 is destroyed"), "{told}");
    // The server finds the key that another process has made in the token.
    send(&account, "carol@lethemail.test");
    let status = site.say(&["keys", "status"]);
    assert!(status.lines().filter(|line| line.contains("an object in a PKCS #11 token")).count() == 3, "{status}");
    let doctor = said(&site.ask(&["doctor"]));
    assert!(doctor.contains("ok     key provider: the token lethemail keeps its keys to itself"), "{doctor}");
    assert!(doctor.contains("window: none") && doctor.contains("high availability made are not covered"), "{doctor}");
    program.terminate();

    site.set("LETHEMAIL_KEYS__PROVIDER", "transit");
    site.set("LETHEMAIL_KEYS__TRANSIT_ADDRESS", &bao.address);
    site.set("LETHEMAIL_KEYS__TRANSIT_TOKEN", &bao.token("lethemail", POLICY));
    site.set("LETHEMAIL_KEYS__TRANSIT_CA_FILE", bao.ca_file().to_str().unwrap());
    let mut program = Program::spawn(&mut site.command());
    program.until("\"ready\"");
    let told = site.say(&["keys", "rotate"]);
    assert!(told.contains("the key of epoch 2 is destroyed"), "{told}");
    assert_eq!(bao.keys().len(), 1);
    let status = site.say(&["keys", "status"]);
    let next = status.lines().find(|line| line.starts_with("next epoch")).unwrap();
    assert!(status.contains("epoch 3      open") && next.contains("a named key of a Transit engine"), "{status}");
    // The token is not needed any more.
    site.settings.retain(|(name, _)| !name.contains("PKCS11") && !name.contains("SOFTHSM"));
    site.say(&["keys", "status"]);
    bao.run(&["write", &format!("transit/keys/{}/config", bao.keys()[0]), "deletion_allowed=false"]);
    let doctor = said(&site.ask(&["doctor"]));
    assert!(doctor.contains("wrong  key provider: the key lethemail-epoch-") && doctor.contains("deletion_allowed=true"), "{doctor}");
    bao.seal();
    let away = site.ask(&["keys", "status"]);
    assert!(!away.status.success() && said(&away).contains("does not answer: status 503"), "{}", said(&away));
    program.terminate();
}
