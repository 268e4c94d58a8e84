//! A sink that asks for a login and keeps what it takes.

use super::{lock, reply};
use base64::prelude::{BASE64_STANDARD, Engine};
use std::sync::Mutex;

pub struct Keeper {
    /// The line by which the one who may log in does so, with the mechanism PLAIN.
    login: String,
    /// Recipient and text.
    kept: Mutex<Vec<(String, String)>>,
}

impl Keeper {
    pub fn of(user: &str, password: &str) -> Self {
        let secret = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
        Self { login: format!("AUTH PLAIN {secret}\r\n"), kept: Mutex::default() }
    }

    pub fn kept(&self) -> Vec<(String, String)> {
        lock(&self.kept).clone()
    }
}

/// Where one client stands.
#[derive(Default)]
pub struct Session {
    logged_in: bool,
    recipients: Vec<String>,
}

impl Session {
    pub fn reply(&mut self, line: &[u8], keeper: &Keeper) -> &'static [u8] {
        match line.get(..4) {
            Some(b"EHLO") => b"250-sink\r\n250-AUTH PLAIN\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
            Some(b"AUTH") => {
                self.logged_in = line == keeper.login.as_bytes();
                if self.logged_in { b"235 2.7.0 welcome\r\n" } else { b"535 5.7.8 no such user or another password\r\n" }
            }
            Some(b"MAIL" | b"RCPT" | b"DATA") if !self.logged_in => b"530 5.7.0 log in first\r\n",
            Some(b"MAIL" | b"RSET") => {
                self.recipients.clear();
                reply(line)
            }
            Some(b"RCPT") => {
                let line = String::from_utf8_lossy(line);
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                self.recipients.push(address.to_owned());
                b"250 2.1.5 ok\r\n"
            }
            _ => reply(line),
        }
    }

    pub fn keep(&mut self, text: &[u8], keeper: &Keeper) {
        let text = String::from_utf8_lossy(text);
        lock(&keeper.kept).extend(self.recipients.drain(..).map(|address| (address, text.to_string())));
    }
}
