//! A mail server that takes everything and counts it, where no other's can be run: beside a measurement, or on a machine that has none. It can be
//! told to take no more than so many messages a second, or to ask for a login and to keep what it took.

mod keeper;

use keeper::{Keeper, Session};
use memchr::memmem;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

const END_OF_TEXT: &[u8] = b"\r\n.\r\n";
const GO_ON: &[u8] = b"354 go on\r\n";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Texts are held until the pace changes.
    Stopped,
    PerSecond(f64),
    Unlimited,
}

/// It ends with the runtime that it was started on.
#[derive(Clone)]
pub struct SmtpSink {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    taken: AtomicU64,
    pace: watch::Sender<Pace>,
    next: Mutex<Instant>,
    keeper: Option<Keeper>,
}

impl SmtpSink {
    /// Takes everything from everybody, and keeps nothing.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(None).await
    }

    /// Takes mail from nobody but this user, and keeps it.
    pub async fn with_login(user: &str, password: &str) -> io::Result<Self> {
        Self::start_with(Some(Keeper::of(user, password))).await
    }

    #[expect(clippy::disallowed_methods, reason = "the pace is kept in real time")]
    async fn start_with(keeper: Option<Keeper>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (pace, next) = (watch::Sender::new(Pace::Unlimited), Mutex::new(Instant::now()));
        let shared = Shared { taken: AtomicU64::new(0), pace, next, keeper };
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

    /// What a sink with a login has kept: recipient and text as it came (with doubled dots), one for each recipient of each message, in order.
    pub fn kept(&self) -> Vec<(String, String)> {
        self.shared.keeper.as_ref().map_or_else(Vec::new, Keeper::kept)
    }

    pub fn set_pace(&self, pace: Pace) {
        self.shared.pace.send_replace(pace);
    }
}

#[expect(clippy::disallowed_methods, reason = "the pace is kept in real time")]
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
        let mut next = lock(&self.next);
        let slot = (*next).max(Instant::now());
        *next = slot + Duration::from_secs_f64(1.0 / rate);
        slot
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 sink\r\n").await?;
    let (mut input, mut replies) = (Vec::with_capacity(16 * 1024), Vec::new());
    let mut session = Session::default();
    loop {
        while let Some(end) = memchr::memchr(b'\n', &input) {
            let line: Vec<u8> = input.drain(..=end).collect();
            let reply = match &shared.keeper {
                None => reply(&line),
                Some(keeper) => session.reply(&line, keeper),
            };
            replies.extend_from_slice(reply);
            if line.starts_with(b"QUIT") {
                return stream.write_all(&replies).await;
            }
            if reply == GO_ON {
                stream.write_all(&replies).await?;
                replies.clear();
                let length = text(&mut stream, &mut input).await?;
                shared.pass().await;
                if let Some(keeper) = &shared.keeper {
                    let text = input[..length].strip_suffix(END_OF_TEXT).unwrap_or_default();
                    session.keep(text, keeper);
                }
                input.drain(..length);
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
        Some(b"DATA") => GO_ON,
        Some(b"QUIT") => b"221 2.0.0 bye\r\n",
        _ => b"250 2.0.0 ok\r\n",
    }
}

/// Reads until the whole text lies in `input`: how long it is, with its end.
async fn text(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<usize> {
    let mut seen = 0;
    loop {
        if let Some(end) = memmem::find(&input[seen..], END_OF_TEXT) {
            return Ok(seen + end + END_OF_TEXT.len());
        }
        seen = input.len().saturating_sub(END_OF_TEXT.len() - 1);
        fill(stream, input).await?;
    }
}

async fn fill(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(input).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
