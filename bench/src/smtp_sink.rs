//! A mail server that takes everything, counts it and keeps nothing. It can be told to take no more than so many messages a second.

use memchr::memmem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

const END_OF_TEXT: &[u8] = b"\r\n.\r\n";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Texts are held until the pace changes.
    Stopped,
    PerSecond(f64),
    Unlimited,
}

#[derive(Clone)]
pub struct SmtpSink {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    taken: AtomicU64,
    pace: watch::Sender<Pace>,
    next: Mutex<Instant>,
}

impl SmtpSink {
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Shared { taken: AtomicU64::new(0), pace: watch::Sender::new(Pace::Unlimited), next: Mutex::new(Instant::now()) };
        let sink = Self { port, shared: Arc::new(shared) };
        let accepting = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = accepting.shared.clone();
                // A client that hangs up ends its session, and nothing else.
                tokio::spawn(async move { serve(stream, &shared).await.ok() });
            }
        });
        Ok(sink)
    }

    /// Messages answered with 250 so far.
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    pub fn set_pace(&self, pace: Pace) {
        self.shared.pace.send_replace(pace);
    }
}

impl Shared {
    /// Waits until one more message may be taken.
    async fn pass(&self) {
        let mut pace = self.pace.subscribe();
        loop {
            let now = *pace.borrow_and_update();
            match now {
                Pace::Unlimited => return,
                Pace::PerSecond(rate) => return tokio::time::sleep_until(self.slot(rate)).await,
                Pace::Stopped => {
                    if pace.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn slot(&self, rate: f64) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = (*next).max(Instant::now());
        *next = slot + Duration::from_secs_f64(1.0 / rate);
        slot
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 sink\r\n").await?;
    let (mut input, mut replies) = (Vec::with_capacity(16 * 1024), Vec::new());
    loop {
        while let Some(end) = memchr::memchr(b'\n', &input) {
            let line: Vec<u8> = input.drain(..=end).collect();
            replies.extend_from_slice(reply(&line));
            if line.starts_with(b"QUIT") {
                return stream.write_all(&replies).await;
            }
            if line.starts_with(b"DATA") {
                stream.write_all(&replies).await?;
                replies.clear();
                take_text(&mut stream, &mut input).await?;
                shared.pass().await;
                shared.taken.fetch_add(1, Ordering::Relaxed);
                replies.extend_from_slice(b"250 2.0.0 taken\r\n");
            }
        }
        stream.write_all(&replies).await?;
        replies.clear();
        fill(&mut stream, &mut input).await?;
    }
}

fn reply(line: &[u8]) -> &'static [u8] {
    match line.get(..4) {
        Some(b"EHLO") => b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
        Some(b"DATA") => b"354 go on\r\n",
        Some(b"QUIT") => b"221 2.0.0 bye\r\n",
        _ => b"250 2.0.0 ok\r\n",
    }
}

async fn take_text(stream: &mut TcpStream, input: &mut Vec<u8>) -> std::io::Result<()> {
    let mut seen = 0;
    loop {
        if let Some(end) = memmem::find(&input[seen..], END_OF_TEXT) {
            input.drain(..seen + end + END_OF_TEXT.len());
            return Ok(());
        }
        seen = input.len().saturating_sub(END_OF_TEXT.len() - 1);
        fill(stream, input).await?;
    }
}

async fn fill(stream: &mut TcpStream, input: &mut Vec<u8>) -> std::io::Result<()> {
    match stream.read_buf(input).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
