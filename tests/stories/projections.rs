//! An operator makes read models again beside a running server: by the command line, amid traffic, killed on the way, and back.

use super::account::Account;
use super::client::Client;
use crate::program::{Place, Program, eventually, lethemail};
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use test_support::TestDatabase;

const MESSAGES: usize = 40;

struct Installation {
    place: Place,
    database: TestDatabase,
}

impl Installation {
    fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        command.env("DATABASE_URL", &self.database.url);
        command
    }

    fn projections(&self, arguments: &[&str]) -> Output {
        self.command().arg("projections").args(arguments).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.projections(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> (String, String) {
        let output = self.projections(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn execute(&self, statements: &str) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { self.database.client().await.batch_execute(statements).await.unwrap() });
    }
}

fn send(client: &Client, number: usize) {
    let input = json!({
        "from": "shop@example.org",
        "to": [recipient(number)],
        "subject": format!("Message {number}"),
        "text": "Good morning.",
    });
    client.mutate("sendEmail", "SendEmailInput", "position", input);
}

/// Nobody is written to again after the erasure.
fn recipient(number: usize) -> String {
    let name = if number < MESSAGES / 2 { "early" } else { "late" };
    format!("{name}-{}@example.net", number % 5)
}

/// Messages that the API shows, of the newest hundred.
fn shown(client: &Client) -> usize {
    let emails = client.ask("{ emails(first: 100) { nodes { uuid } } }", json!({}));
    emails["emails"]["nodes"].as_array().unwrap().len()
}

#[test]
fn m8_3_read_models_are_made_again_beside_a_running_server_and_the_forgotten_stay_forgotten() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let installation = Installation { place: Place::new(), database: runtime.block_on(TestDatabase::create()) };
    let mut program = Program::spawn(&mut installation.command());
    program.until("\"ready\"");
    let account = Account::first(&mut program);
    let client = &account.application;
    (0..MESSAGES / 2).for_each(|number| send(client, number));
    client.mutate("eraseRecipient", "EraseRecipientInput", "position", json!({ "address": recipient(1) }));
    eventually("all is shown", || shown(client) >= MESSAGES / 2);

    let (done, sent) = (AtomicBool::new(false), AtomicUsize::new(MESSAGES / 2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                let now = shown(client);
                assert!(now >= most, "{now} messages are shown after {most}");
                most = now;
            }
        });
        scope.spawn(|| {
            for number in MESSAGES / 2..MESSAGES {
                send(client, number);
                sent.store(number + 1, Ordering::Relaxed);
            }
        });
        kill_one_in_the_middle(&installation);
        installation.done(&["rebuild", "delivery_stats"]);
        eventually("all is sent", || sent.load(Ordering::Relaxed) == MESSAGES);
        done.store(true, Ordering::Relaxed);
    });
    eventually("the rest is shown", || shown(client) == MESSAGES);

    what_is_in_use_is_compared_and_repaired(&installation, client);
    let forgotten = r#"{ emails(first: 100) { nodes { recipients { address personalData } } } }"#;
    let emails = client.ask(forgotten, json!({}))["emails"]["nodes"].clone();
    let erased = |email: &&Value| email["recipients"][0]["personalData"] == "ERASED";
    assert_eq!(emails.as_array().unwrap().iter().filter(erased).count(), MESSAGES / 2 / 5, "{emails:#}");
    assert!(!emails.to_string().contains(&recipient(1)), "{emails:#}");
    let (status, said) = program.terminate();
    assert!(status.success(), "{said:?}");
}

/// The server carries on what the killed command began.
fn kill_one_in_the_middle(installation: &Installation) {
    let before = installation.done(&["status"]);
    let log = installation.command().args(["log", "status"]).output().unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    for expected in ["head ", "events in the last minute", "event_000000  FOR VALUES FROM ('0') TO ('10000000')", "reader     emails"] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
    assert!(!before.contains("former"), "{before}");
    // Somebody looks at a table for long, so that places cannot be changed yet.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let analyst = runtime.block_on(installation.database.client());
    runtime.block_on(analyst.batch_execute("BEGIN; SELECT count(*) FROM read.email_tag")).unwrap();
    let mut rebuild = installation.command().args(["projections", "rebuild", "emails"]).spawn().unwrap();
    eventually("it is under way", || installation.done(&["status"]).contains("being filled"));
    let (_, refusal) = installation.refused(&["rebuild", "emails"]);
    assert!(refusal.contains("another process fills"), "{refusal}");
    rebuild.kill().unwrap();
    rebuild.wait().unwrap();
    runtime.block_on(analyst.batch_execute("COMMIT")).unwrap();
    eventually("the server has carried it through", || {
        let status = installation.done(&["status"]);
        status.contains("former") && !status.contains("being filled")
    });
}

fn what_is_in_use_is_compared_and_repaired(installation: &Installation, client: &Client) {
    let verified = installation.done(&["verify"]);
    assert_eq!(verified.matches(": same").count(), projections::all().len(), "{verified}");
    installation.execute("UPDATE read.emails SET size_bytes = size_bytes + 1");
    let (verified, refusal) = installation.refused(&["verify", "emails"]);
    assert!(
        verified.contains("DIFFERENT") && verified.contains("read.emails differs") && refusal.contains("emails"),
        "{verified}{refusal}"
    );
    // The content from before the rebuild was not touched.
    installation.done(&["rollback", "emails"]);
    assert!(installation.done(&["verify", "emails"]).contains(": same"));
    assert_eq!(shown(client), MESSAGES);
    assert!(installation.done(&["drop", "emails"]).contains("is dropped"));
    let (_, refusal) = installation.refused(&["rollback", "emails"]);
    assert!(refusal.contains("nothing is left of a former content"), "{refusal}");
    let (_, refusal) = installation.refused(&["rebuild", "letters"]);
    assert!(refusal.contains("there are emails, organizations"), "{refusal}");
}
