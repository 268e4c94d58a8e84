//! An installation whose log lies where the story says, and the messages that stories about its log send.

use super::client::Client;
use crate::program::{Place, Program, lethemail};
use serde_json::json;
use std::process::{Command, Output};

const PEOPLE: usize = 4;

pub struct Installation {
    pub place: Place,
    /// `None`: in the database.
    pub log: Option<String>,
    pub port: u16,
}

impl Installation {
    pub fn command(&self) -> Command {
        let mut command = lethemail(&self.place);
        // Nothing is written but what the story sends.
        command.env("LETHEMAIL_TRANSPARENCY__CHECKPOINT_INTERVAL_S", "86400");
        command.env("LETHEMAIL_LISTEN", format!("127.0.0.1:{}", self.port)).env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8");
        if let Some(log) = &self.log {
            command.env("LETHEMAIL_EVENT_STORE__URL", log);
        }
        command
    }

    pub fn start(&self) -> Program {
        let mut program = Program::spawn(&mut self.command());
        program.until("\"ready\"");
        program
    }

    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Answers the id under which the message was accepted.
pub fn send(client: &Client, number: usize) -> String {
    let input = json!({
        "idempotencyKey": format!("message-{number}"),
        "from": "shop@example.org",
        "to": [recipient(number)],
        "subject": format!("Message {number}"),
        "text": "Good morning.",
        "headers": [{ "name": "X-Number", "value": number.to_string() }],
    });
    client.mutate("sendEmail", "SendEmailInput", "email { uuid }", input)["email"]["uuid"].as_str().unwrap().to_owned()
}

pub fn recipient(number: usize) -> String {
    format!("person-{}@example.net", number % PEOPLE)
}
