//! Messages a second into a sink on this machine: measure_delivery PORT CONNECTIONS MESSAGES. Compare with Postfix's smtp-source into the
//! same smtp-sink.

use egress::{Egress, EgressPolicy};
use mail::{MessageText, Pool, PoolSettings, SmtpServer, SmtpSession, TimeOuts, TlsMode, TlsTrust};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
async fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|argument| argument.parse().expect("a number")).collect();
    let [port, connections, messages] = numbers[..] else { panic!("measure_delivery PORT CONNECTIONS MESSAGES") };
    let allowed_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    let egress = Egress::new(EgressPolicy { allowed_networks, connect_timeout: Duration::from_secs(5) });
    let trust = TlsTrust::system(None).expect("the system's roots");
    let server = SmtpServer {
        host: "127.0.0.1".into(),
        port: u16::try_from(port).expect("a port"),
        tls: TlsMode::None,
        credentials: None,
        client_name: "client.test".into(),
        time_outs: TimeOuts::default(),
    };
    let clock = Arc::new(domain::ManualClock::new(domain::Timestamp::from_micros(0)));
    let settings = PoolSettings { connections_max: connections, messages_max: u32::MAX, ..PoolSettings::default() };
    let pool = Arc::new(Pool::new(clock, settings));
    let text = format!("Subject: measured\r\n\r\n{}", format!("{}\r\n", "x".repeat(76)).repeat(130));
    let message = Arc::new(MessageText::new(text.into_bytes()).expect("a text"));
    let next = Arc::new(AtomicUsize::new(0));
    let start = std::time::Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (pool, next, message, egress, trust, server) =
                (pool.clone(), next.clone(), message.clone(), egress.clone(), trust.clone(), server.clone());
            tokio::spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < messages {
                    let mut session = pool.acquire(&(), || SmtpSession::connect(&egress, &server, &trust)).await.expect("a session");
                    session.envelope("a@client.test", &["b@sink.test"], &message).await.expect("an envelope");
                    session.transmit(&message).await.expect("an outcome");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker");
    }
    let rate = messages as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} messages/s of {} bytes over {connections} connections", message.as_bytes().len());
}
