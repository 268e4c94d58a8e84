//! The database falls back behind what was signed. Nothing goes on before somebody has accepted that, and the history says so ever after.

use super::account::Account;
use super::client::Client;
use super::evidence::elsewhere;
use super::restore::{Installation, recipients, send};
use crate::program::eventually;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Exports the organisation's history, which signs it first.
fn export(installation: &Installation, organization: &str, name: &str) -> PathBuf {
    let bundle = installation.place.path().join(name);
    installation.done(&["audit", "export", "--org", organization, "--to", bundle.to_str().unwrap()]);
    bundle
}

fn verified(installation: &Installation, arguments: &[&str], code: i32) -> Value {
    let output = installation.run(&[&["audit", "verify", "--format", "json"], arguments].concat());
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn m4_2_c8_1c_a_log_that_is_shorter_than_what_was_signed_stays_closed_until_the_loss_is_accepted() {
    let mut installation = Installation::new();
    let mut program = installation.serve();
    let account = Account::first(&mut program);
    let organization = account.person.ask("{ organization { id } }", json!({}))["organization"]["id"].as_str().unwrap().to_owned();
    send(&account.application, "kept@lethemail.test");
    eventually("it was delivered", || recipients(&account.application) == [("kept@lethemail.test".into(), "DELIVERED".into())]);
    let early = export(&installation, &organization, "early");
    let key = installation.done(&["audit", "key", "--org", &organization]).trim().to_owned();
    assert!(program.terminate().0.success());
    // A snapshot of the machine, say: neither the program nor its backups know of it.
    let snapshot = installation.runtime.block_on(installation.database.copy());
    let program = installation.serve();
    let client = Client::of(&program).with(&account.key);
    send(&client, "lost@lethemail.test");
    eventually("it was delivered", || recipients(&client).iter().filter(|(_, state)| state == "DELIVERED").count() == 2);
    let late = export(&installation, &organization, "late");
    assert!(program.terminate().0.success());

    installation.database = snapshot;
    for closed in
        [vec!["serve"], vec!["queue", "resume", "--reason", "x"], vec!["keys", "rotate"], vec!["audit", "key"], vec!["projections", "list"]]
    {
        assert!(installation.refused(8, &closed).contains("events were lost"), "{closed:?}");
    }
    let said = installation.done(&["restore", "--accept-loss"]);
    assert!(said.contains("signing   with a new key") && said.contains("queue     paused"), "{said}");
    assert!(installation.refused(1, &["restore", "--accept-loss"]).contains("nothing is missing"));

    let program = installation.serve();
    let client = Client::of(&program).with(&account.key);
    assert_eq!(client.get_text("/readyz"), (200, "ready; deliveries are paused\n".to_owned()));
    let bundle = export(&installation, &organization, "after");
    let new_key = installation.done(&["audit", "key", "--org", &organization]).trim().to_owned();
    assert_ne!(new_key, key);
    it_says_what_is_missing(&installation, &bundle, &new_key, [&early, &late]);
    let told = installation.done(&["audit", "timeline", &format!("operations-{0}.{0}", "0".repeat(32))]);
    assert!(told.contains("DeliveriesPaused") && told.contains("restore"), "{told}");
    let told = installation.done(&["audit", "timeline", &format!("evidence-{0}.{0}", "0".repeat(32))]);
    assert!(told.contains("LossAccepted"), "{told}");
    installation.done(&["queue", "resume", "--reason", "nothing of it matters"]);
    let told = installation.done(&["audit", "timeline", &format!("operations-{0}.{0}", "0".repeat(32))]);
    assert!(told.contains("DeliveriesResumed"), "{told}");
    assert!(program.terminate().0.success());
}

fn it_says_what_is_missing(installation: &Installation, bundle: &Path, key: &str, [early, late]: [&Path; 2]) {
    let path = |bundle: &Path, file: &str| bundle.join(file).to_str().unwrap().to_owned();
    let here = bundle.to_str().unwrap();
    // What was signed before the snapshot is still the beginning; what was signed after it is not.
    let report = verified(installation, &[here, "--key", key, "--checkpoint", &path(early, "checkpoint")], 0);
    assert_eq!(report["losses"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert!(!report["losses"][0]["former"].is_null() && !report["losses"][0]["until"].is_null(), "{report:#}");
    let report = verified(installation, &[here, "--key", key, "--checkpoint", &path(late, "checkpoint")], 10);
    assert!(report["completeness"]["first_faults"][0]["what"].as_str().unwrap().contains("an operator accepted that"), "{report:#}");
    assert_eq!(elsewhere(bundle, key), [true, true, true]);
    // Whoever hides that there was a log before is found out.
    let former = std::fs::read(bundle.join("platform/former")).unwrap();
    std::fs::remove_file(bundle.join("platform/former")).unwrap();
    let report = verified(installation, &[here, "--key", key], 11);
    assert_eq!(report["integrity"]["first_faults"][0]["place"], "platform/former");
    std::fs::write(bundle.join("platform/former"), former).unwrap();
}
