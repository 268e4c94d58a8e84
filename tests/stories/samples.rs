//! Messages made from real mails (see `tests/peers/mime_samples.py`), and recipients for them.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

pub const RECIPIENTS: usize = 300;

/// `count` messages as an application would send them: parameters of `POST /emails`.
pub fn messages(count: usize) -> Vec<Value> {
    let directories = run(Command::new(root().join("scripts/mail-samples")));
    let mut samples = Command::new(root().join("scripts/python-peer"));
    samples.arg(root().join("tests/peers/mime_samples.py")).arg(count.to_string()).args(directories.lines());
    let made: Vec<Value> = run(samples).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(made.len(), count);
    made.iter().enumerate().map(|(number, sample)| message(number, sample)).collect()
}

fn message(number: usize, sample: &Value) -> Value {
    let mut message = json!({
        "from": "Shop <shop@example.org>",
        "to": [recipient(number)],
        "subject": format!("[{number}] {}", sample["subject"].as_str().unwrap()),
        "tags": [{ "name": "story", "value": format!("part-{}", number % 7) }],
        "headers": { "X-Number": number.to_string() },
    });
    for part in ["text", "html"] {
        if let Some(content) = sample[part].as_str().filter(|content| !content.trim().is_empty()) {
            message[part] = content.into();
        }
    }
    if message["text"].is_null() && message["html"].is_null() {
        message["text"] = "(empty)".into();
    }
    if !sample["attachments"].as_array().unwrap().is_empty() {
        message["attachments"] = sample["attachments"].clone();
    }
    // Every third message has a second recipient, every ninth a third that nobody sees.
    if number.is_multiple_of(3) {
        message["cc"] = json!([recipient(number + 101)]);
    }
    if number.is_multiple_of(9) {
        message["bcc"] = json!([recipient(number + 202)]);
    }
    message
}

/// One of 300 people. What the sink does with them shows in the address: some are refused, some deferred for good, some once.
pub fn recipient(number: usize) -> String {
    let number = number % RECIPIENTS;
    let kind = match number % 25 {
        3 => "refuse-",
        9 => "greylist-",
        17 => "defer-",
        21 => "late-refuse-",
        _ => "",
    };
    format!("{kind}r{number:03}@example.com")
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(mut command: impl std::borrow::BorrowMut<Command>) -> String {
    let output = command.borrow_mut().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
