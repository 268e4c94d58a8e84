//! The history of a running installation is taken away, and looked through by four programs of which one is ours.

use super::account::Account;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use test_support::TestDatabase;

struct Site {
    place: Place,
    database: TestDatabase,
    witness: String,
}

impl Site {
    fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        command.env("DATABASE_URL", &self.database.url).env("LETHEMAIL_TRANSPARENCY__CHECKPOINT_INTERVAL_S", "1");
        command.env("LETHEMAIL_TRANSPARENCY__WITNESSES", &self.witness);
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command().arg("audit").args(arguments).output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What Go's, PyPI's and our Python programs say.
pub(super) fn elsewhere(bundle: &Path, key: &str) -> [bool; 3] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let holds = |script: &str, arguments: &[&Path]| Command::new(root.join(script)).args(arguments).output().unwrap().status.success();
    [
        holds("scripts/go-sumdb", &[bundle]),
        holds("scripts/python-peer", &[&root.join("verifiers/pymerkle_check.py"), bundle]),
        holds("scripts/python-peer", &[&root.join("verifiers/verify.py"), bundle, Path::new(key)]),
    ]
}

#[test]
fn c8_1c_m4_2_a_history_is_taken_away_and_verified_by_programs_that_others_wrote() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let site = Site { place: Place::new(), database: runtime.block_on(TestDatabase::create()), witness: witness(&[]) };
    let mut program = Program::spawn(&mut site.command());
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    let organization = account.person.ask("{ organization { id } }", json!({}))["organization"]["id"].as_str().unwrap().to_owned();
    for number in 0..5 {
        let input =
            json!({ "from": "shop@example.org", "to": [format!("person{number}@example.com")], "subject": "Hello", "text": "Hello." });
        account.application.mutate("sendEmail", "SendEmailInput", "position", input);
    }
    account.application.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": "person3@example.com" }));
    let certified = "SELECT count(*) FROM log.event WHERE event_type = 'SubjectKeyDestroyed'";
    eventually("a person is forgotten", || {
        runtime.block_on(async { site.database.client().await.query_one(certified, &[]).await.unwrap().get::<_, i64>(0) }) == 1
    });

    let key = site.text(&["key", "--org", &organization]).trim().to_owned();
    let bundle = site.place.path().join("bundle");
    site.text(&["export", "--org", &organization, "--to", bundle.to_str().unwrap()]);
    holds(&site, &bundle, &key);
    what_was_changed_is_found(&site, &bundle, &key);
    proofs(&site, &organization, &bundle);
    let events = site.place.path().join("cloudevents");
    site.text(&["export", "--org", &organization, "--to", events.to_str().unwrap(), "--format", "cloudevents"]);
    site.text(&["verify", events.to_str().unwrap(), "--key", &key, "--checkpoint", bundle.join("checkpoint").to_str().unwrap()]);
    cosigned(&site, &account.person.url, &organization, &key);
    replayed(&site, &runtime);
    program.terminate();
}

/// A witness that shares no code with us: it reads the platform log's checkpoint, signs it with a time (C2SP tlog-cosignature) and hands it in. Without an
/// address it tells its key.
const WITNESS: &str = r#"
import base64, hashlib, sys, time, urllib.request
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
name, key = "witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32)
public = b"\x04" + key.public_key().public_bytes_raw()
key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
if len(sys.argv) == 1:
    print(f"{name}+{key_id.hex()}+{base64.b64encode(public).decode()}")
else:
    note = urllib.request.urlopen(sys.argv[1] + "/transparency/platform/checkpoint").read().decode()
    now = int(time.time())
    signed = key.sign(f"cosignature/v1\ntime {now}\n{note.split(chr(10) * 2)[0]}\n".encode())
    line = "\u2014 " + name + " " + base64.b64encode(key_id + now.to_bytes(8, "big") + signed).decode() + "\n"
    request = urllib.request.Request(sys.argv[1] + "/transparency/cosignature", (note + line).encode(), {"content-type": "text/plain"})
    print(urllib.request.urlopen(request).read().decode())
"#;

fn witness(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/python-peer")).args(["-c", WITNESS]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn cosigned(site: &Site, url: &str, organization: &str, key: &str) {
    assert_eq!(witness(&[url]), "witness.example/w1");
    let bundle = site.place.path().join("cosigned");
    site.text(&["export", "--org", organization, "--to", bundle.to_str().unwrap()]);
    let arguments = ["verify", bundle.to_str().unwrap(), "--key", key, "--format", "json"];
    let report: Value = serde_json::from_str(&site.text(&arguments)).unwrap();
    assert_eq!((&report["witnesses"], &report["unknown_witnesses"]), (&json!([]), &json!(["witness.example/w1"])), "{report:#}");
    let report: Value = serde_json::from_str(&site.text(&[&arguments[..], &["--witness", &site.witness]].concat())).unwrap();
    let (seen, all) = (report["witnesses"][0]["checkpoints"].as_u64().unwrap(), report["checkpoints"].as_u64().unwrap());
    assert!(0 < seen && seen < all, "{report:#}");
    assert_eq!(elsewhere(&bundle, key), [true, true, true]);
}

/// Out of the log alone, the read models are the same as those that grew with it.
fn replayed(site: &Site, runtime: &tokio::runtime::Runtime) {
    let list = || String::from_utf8(site.command().args(["projections", "list"]).output().unwrap().stdout).unwrap();
    let hashes = |list: &str| -> BTreeMap<String, String> {
        let words = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        words
            .filter(|words| words[words.len() - 1].len() == 64)
            .map(|words| (words[0].to_owned(), words[words.len() - 1].to_owned()))
            .collect()
    };
    let (all, early) = (runtime.block_on(TestDatabase::create()), runtime.block_on(TestDatabase::create()));
    // Checkpoints come by themselves, and are in no read model.
    eventually("they are up to date, and the same", || {
        let before = list();
        let fresh = runtime.block_on(TestDatabase::create());
        before.lines().all(|line| line.contains(" 0 behind")) && hashes(&site.text(&["replay", "--into", &fresh.url])) == hashes(&before)
    });
    let now = hashes(&site.text(&["replay", "--into", &all.url]));
    let then = hashes(&site.text(&["replay", "--into", &early.url, "--until", "5"]));
    assert_eq!(now.len(), then.len());
    assert_ne!(now, then);
    // Nobody replays over it, and no server works there.
    assert!(!site.ask(&["replay", "--into", &all.url]).status.success());
    assert_eq!(site.command().env("DATABASE_URL", &all.url).args(["queue", "status"]).output().unwrap().status.code(), Some(7));
    assert!(!site.ask(&["replay", "--into", &site.database.url]).status.success(), "never over the installation's own");
}

fn holds(site: &Site, bundle: &Path, key: &str) {
    let report: Value = serde_json::from_str(&site.text(&["verify", bundle.to_str().unwrap(), "--key", key, "--format", "json"])).unwrap();
    assert_eq!(report["events"], report["tree_size"]);
    assert_eq!((&report["destroyed_keys"], &report["witnesses"]), (&json!(1), &json!([])), "{report:#}");
    assert!(report["closed_envelopes"].as_u64().unwrap() >= 1, "{report:#}");
    let last = std::fs::read_to_string(bundle.join("manifest.json")).unwrap();
    assert!(last.contains("HistoryExported"), "the copy tells of its own making");
    assert_eq!(elsewhere(bundle, key), [true, true, true]);
}

fn what_was_changed_is_found(site: &Site, bundle: &Path, key: &str) {
    let (path, changed): (PathBuf, PathBuf) = (bundle.join("tile/entries"), bundle.join("events.jsonl"));
    let events = std::fs::read_to_string(&changed).unwrap();
    std::fs::write(&changed, events.replacen("\"facts\":\"eyJ", "\"facts\":\"eyK", 1)).unwrap();
    let output = site.ask(&["verify", bundle.to_str().unwrap(), "--key", key]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(9), "{said}");
    assert!(said.contains("integrity     BROKEN") && said.contains("events.jsonl line 1, event 0"), "{said}");
    std::fs::write(&changed, events).unwrap();
    // Entries are all that Go and pymerkle read.
    let entries = path.read_dir().unwrap().next().unwrap().unwrap().path();
    let entries = if entries.is_dir() { entries.read_dir().unwrap().next().unwrap().unwrap().path() } else { entries };
    let content = std::fs::read(&entries).unwrap();
    let mut flipped = content.clone();
    flipped[50] ^= 1;
    std::fs::write(&entries, flipped).unwrap();
    assert_eq!(elsewhere(bundle, key), [false, false, false]);
    std::fs::write(&entries, content).unwrap();
}

fn proofs(site: &Site, organization: &str, bundle: &Path) {
    let events = std::fs::read_to_string(bundle.join("events.jsonl")).unwrap();
    let first: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    let header = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, first["header"].as_str().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let proof = site.text(&["prove", "--org", organization, header["event_id"].as_str().unwrap()]);
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nindex 0\n"), "{proof}");
    let consistency: Value = serde_json::from_str(&site.text(&["consistency", "--org", organization, "1", "5"])).unwrap();
    assert_eq!((&consistency["old"]["size"], &consistency["new"]["size"]), (&json!(1), &json!(5)));
    assert!(!consistency["proof"].as_array().unwrap().is_empty());
    assert!(!site.ask(&["consistency", "--org", organization, "5", "100000"]).status.success());
}
