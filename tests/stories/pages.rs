//! The pages in a real browser: signing in, looking at caught mail, trying GraphQL.

use super::account::{Account, PASSWORD};
use super::samples::root;
use crate::program::{Place, Program, eventually};
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn m5_1_m5_2_a_person_signs_in_reads_caught_mail_and_tries_graphql_in_a_browser() {
    let found = Command::new(root().join("scripts/chromium-bin")).output().unwrap();
    let chromium = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    if chromium.is_empty() {
        println!("skipped: there is no Chromium, and only root may install one");
        return;
    }
    let place = Place::new();
    let mut program = Program::start(&place);
    let account = Account::first(&mut program);
    let message = json!({ "from": "shop@example.org", "to": "delivered@lethemail.test", "subject": "Seen in the sandbox", "html": "<p>It <b>works</b>.</p><script>alert(1)</script>" });
    let (status, sent) = account.application.post("/emails", &message);
    assert_eq!(status, 200, "{sent}");
    eventually("the sandbox has caught it", || {
        let query = "{ emails(first: 1) { nodes { status } } }";
        account.application.ask(query, json!({}))["emails"]["nodes"][0]["status"] == "DELIVERED"
    });

    let mut browser = Command::new(root().join("scripts/node-peer"));
    browser.args(["pages.mjs", &account.application.url, "ada@example.org", PASSWORD, &chromium]).arg(place.path());
    let output = browser.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(seen["sandbox"].as_str().unwrap().contains("Seen in the sandbox"), "{seen:#}");
    assert!(seen["mail"].as_str().unwrap().contains("delivered@lethemail.test"), "{seen:#}");
    assert!(seen["graphiql"].as_str().unwrap().contains("Analytical Engines"), "{seen:#}");
    let ours = account.application.url.trim_start_matches("http://");
    assert_eq!(seen["hosts"], json!([ours]), "no page asks anybody else for anything");
    let session = json!([{ "name": "__Host-lethemail-session", "httpOnly": true, "secure": true, "sameSite": "Lax" }]);
    assert_eq!(seen["cookies"], session);
    // A script in a mail is stopped, and the browser says so; nothing else may go wrong.
    let errors = seen["errors"].as_array().unwrap().iter().filter(|error| !error.as_str().unwrap().contains("Blocked script execution"));
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<&Value>::new());
}
