//! An SMTP server that is not ours: Python's aiosmtpd, which writes down what it took.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

pub struct Sink {
    pub port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
    child: Child,
}

impl Sink {
    pub fn start(options: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join("scripts/python-peer"))
            .arg(root.join("tests/peers/smtp_sink.py"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening: Value = serde_json::from_str(&output.next().expect("the sink listens").unwrap()).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                written.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { port: u16::try_from(listening["port"].as_u64().unwrap()).unwrap(), lines, child }
    }

    /// What it took: recipient and text, one for each recipient of each message, in order.
    pub fn taken(&self) -> Vec<(String, String)> {
        let lines = self.lines.lock().unwrap();
        let messages = lines.iter().filter(|line| line["event"] == "message");
        messages
            .flat_map(|message| {
                let text = message["data"].as_str().unwrap();
                message["to"].as_array().unwrap().iter().map(move |to| (to.as_str().unwrap().to_owned(), text.to_owned()))
            })
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It ends by itself when its standard input closes.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
