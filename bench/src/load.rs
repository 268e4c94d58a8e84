//! Requests that send mail, over many connections at once, each waiting for its answer before it asks again.

use crate::bare_smtp::lines;
use crate::http::{Answer, Connection};
use crate::latencies::Latencies;
use crate::program::Program;
use anyhow::ensure;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const CONNECTIONS: usize = 64;
/// Bytes of a message's text.
pub const TEXT_BYTES: usize = 2_048;
/// Whom the messages are for, in turn: the first message to each makes a key.
const PEOPLE: u64 = 10_000;
/// Messages of a batch.
const BATCH: u64 = 100;

const SEND_EMAIL: &str = "mutation ($input: SendEmailInput!) { sendEmail(input: $input) { email { id } userErrors { message } } }";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sending {
    GraphqlSingle,
    RestSingle,
    RestBatch,
}

impl Sending {
    pub fn name(self) -> &'static str {
        match self {
            Self::GraphqlSingle => "single, GraphQL",
            Self::RestSingle => "single, REST",
            Self::RestBatch => "batches of 100, REST",
        }
    }

    pub fn messages(self) -> u64 {
        if self == Self::RestBatch { BATCH } else { 1 }
    }

    fn path(self) -> &'static str {
        match self {
            Self::GraphqlSingle => "/graphql",
            Self::RestSingle => "/emails",
            Self::RestBatch => "/emails/batch",
        }
    }

    fn body(self, first: u64, text: &str) -> String {
        match self {
            Self::GraphqlSingle => json!({ "query": SEND_EMAIL, "variables": { "input": message(first, text) } }),
            Self::RestSingle => message(first, text),
            Self::RestBatch => (first..first + BATCH).map(|number| message(number, text)).collect(),
        }
        .to_string()
    }

    fn check(self, answer: &Answer) -> anyhow::Result<()> {
        let refused = self == Self::GraphqlSingle && memchr::memmem::find(&answer.body, br#""userErrors":[]"#).is_none();
        ensure!(
            answer.status == 200 && !refused,
            "{} is answered by {}: {}",
            self.path(),
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(())
    }
}

fn message(number: u64, text: &str) -> Value {
    json!({
        "from": "Ada <ada@example.com>",
        "to": [format!("person{}@example.net", number % PEOPLE)],
        "subject": "Notes upon the memoir",
        "text": text,
    })
}

/// Sends until the time is over; `accepted` counts along.
pub struct Load<'a> {
    pub program: &'a Program,
    pub accepted: Arc<AtomicU64>,
}

impl Load<'_> {
    /// While `may_send` says no, nobody sends. Returns accepted messages a second and the latencies of the requests.
    pub async fn run(
        &self,
        sending: Sending,
        span: Duration,
        may_send: impl Fn() -> bool + Clone + Send + 'static,
    ) -> anyhow::Result<(f64, Latencies)> {
        let (start, before) = (Instant::now(), self.accepted.load(Ordering::Relaxed));
        let text: Arc<str> = lines(TEXT_BYTES).into();
        let mut senders = Vec::new();
        for number in 0..CONNECTIONS {
            let sender = Sender {
                connection: Connection::open(self.program.address).await?,
                api_key: self.program.account.api_key.clone(),
                accepted: self.accepted.clone(),
                text: text.clone(),
                // Everybody has a part of the people to begin with.
                next: before + number as u64 * PEOPLE / CONNECTIONS as u64,
            };
            senders.push(tokio::spawn(sender.run(sending, start + span, may_send.clone())));
        }
        let mut latencies = Latencies::default();
        for sender in senders {
            latencies.extend(sender.await??);
        }
        let accepted = self.accepted.load(Ordering::Relaxed) - before;
        Ok((accepted as f64 / start.elapsed().as_secs_f64(), latencies))
    }
}

struct Sender {
    connection: Connection,
    api_key: String,
    accepted: Arc<AtomicU64>,
    text: Arc<str>,
    next: u64,
}

impl Sender {
    async fn run(mut self, sending: Sending, until: Instant, may_send: impl Fn() -> bool) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        while Instant::now() < until {
            if !may_send() {
                tokio::time::sleep(Duration::from_millis(2)).await;
                continue;
            }
            let body = sending.body(self.next, &self.text);
            self.next += sending.messages();
            let begin = Instant::now();
            let answer = self.connection.post(sending.path(), Some(&self.api_key), &body).await?;
            latencies.add(begin.elapsed());
            sending.check(&answer)?;
            self.accepted.fetch_add(sending.messages(), Ordering::Relaxed);
        }
        Ok(latencies)
    }
}
