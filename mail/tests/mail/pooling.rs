use super::peer::{Peer, loopback};
use ::mail::{MessageText, Pool, PoolSettings, SmtpError, SmtpSession, TlsMode};
use domain::{ManualClock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

struct Pooling {
    peer: Peer,
    clock: ManualClock,
    pool: Pool<u8>,
    connects: AtomicUsize,
}

impl Pooling {
    fn start(options: &[&str], settings: PoolSettings) -> Self {
        let clock = ManualClock::new(Timestamp::from_micros(1));
        Self { peer: Peer::start(options), pool: Pool::new(Arc::new(clock.clone()), settings), clock, connects: AtomicUsize::new(0) }
    }

    async fn acquire(&self) -> Result<::mail::Pooled, SmtpError> {
        let connect = async || {
            self.connects.fetch_add(1, Ordering::Relaxed);
            SmtpSession::connect(&loopback(), &self.peer.server(TlsMode::None), &self.peer.trust()).await
        };
        self.pool.acquire(&1, connect).await
    }

    async fn send(&self, to: &str) -> Result<u16, SmtpError> {
        let message = MessageText::new(b"Subject: x\r\n\r\ny\r\n".to_vec()).unwrap();
        let mut session = self.acquire().await?;
        let outcome = session.envelope("a@client.test", &[to], &message).await?;
        if outcome.awaits_text() { session.transmit(&message).await.map(|reply| reply.code()) } else { Ok(outcome.replies[0].reply.code()) }
    }

    fn connects(&self) -> usize {
        self.connects.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_connection_is_used_again_also_after_refusals() {
    let pooling = Pooling::start(&["--pipelining"], PoolSettings::default());
    for (to, code) in [("ok@sink.test", 250), ("refuse-1@sink.test", 550), ("late-defer-1@sink.test", 451), ("ok@sink.test", 250)] {
        assert_eq!(pooling.send(to).await.unwrap(), code);
    }
    assert_eq!(pooling.connects(), 1);
}

#[tokio::test]
async fn a_broken_or_abandoned_connection_is_not_used_again() {
    let pooling = Pooling::start(&[], PoolSettings::default());
    assert!(pooling.send("drop-rcpt-1@sink.test").await.is_err());
    assert_eq!(pooling.send("ok@sink.test").await.unwrap(), 250);
    let message = MessageText::new(b"Subject: x\r\n\r\ny\r\n".to_vec()).unwrap();
    let mut abandoned = pooling.acquire().await.unwrap();
    assert!(abandoned.envelope("a@client.test", &["ok@sink.test"], &message).await.unwrap().awaits_text());
    drop(abandoned);
    assert_eq!(pooling.send("ok@sink.test").await.unwrap(), 250);
    assert_eq!(pooling.connects(), 3);
}

#[tokio::test]
async fn an_idle_connection_is_checked_and_an_old_one_is_closed() {
    let pooling = Pooling::start(&["--messages-max", "1"], PoolSettings::default());
    pooling.send("ok@sink.test").await.unwrap();
    pooling.clock.advance(Duration::from_secs(30));
    drop(pooling.acquire().await.unwrap());
    assert_eq!(pooling.connects(), 1, "it answered NOOP");
    // The peer hangs up after its reply to MAIL, and the next loan is another connection.
    assert_eq!(pooling.send("ok@sink.test").await.unwrap(), 421);
    assert_eq!(pooling.send("ok@sink.test").await.unwrap(), 250);
    assert_eq!(pooling.connects(), 2);
    pooling.clock.advance(Duration::from_secs(61));
    drop(pooling.acquire().await.unwrap());
    assert_eq!(pooling.connects(), 3);
}

#[tokio::test]
async fn no_more_connections_than_set_are_open_at_once() {
    let pooling = Pooling::start(&[], PoolSettings { connections_max: 2, ..PoolSettings::default() });
    let first = pooling.acquire().await.unwrap();
    let _second = pooling.acquire().await.unwrap();
    let third = pooling.acquire();
    tokio::pin!(third);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut third).await.is_err());
    drop(first);
    third.await.unwrap();
    assert_eq!(pooling.connects(), 2);
}

#[tokio::test]
async fn a_failed_connect_gives_its_place_back() {
    let pooling = Pooling::start(&[], PoolSettings { connections_max: 1, ..PoolSettings::default() });
    for _ in 0..3 {
        assert!(pooling.pool.acquire(&1, async || Err(SmtpError::OutOfOrder)).await.is_err());
    }
    assert!(pooling.acquire().await.is_ok());
    pooling.clock.advance(Duration::from_secs(61));
    pooling.pool.close_idle();
    assert!(pooling.acquire().await.is_ok());
    assert_eq!(pooling.connects(), 2);
}
