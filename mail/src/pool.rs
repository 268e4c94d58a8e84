//! Connections kept open between messages, a bounded number for each server.

use crate::{SmtpError, SmtpSession};
use domain::Clock;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Connections to one server at a time.
    pub connections_max: usize,
    /// A connection that nobody used for this long is closed.
    pub idle_time_max: Duration,
    /// A connection that nobody used for this long is asked whether it still lives before it is used again.
    pub unchecked_time_max: Duration,
    /// A connection that carried this many messages is closed: many servers count, and hang up when they have enough.
    pub messages_max: u32,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { connections_max: 8, idle_time_max: Duration::from_secs(60), unchecked_time_max: Duration::from_secs(5), messages_max: 1000 }
    }
}

/// Sessions by server. The key must change when anything does that a session was opened with: host, TLS mode, credentials.
pub struct Pool<K> {
    clock: Arc<dyn Clock>,
    settings: PoolSettings,
    servers: Mutex<HashMap<K, Arc<Server>>>,
}

struct Server {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    session: SmtpSession,
    /// On the boot clock, which never jumps.
    since: Duration,
}

impl<K: Eq + Hash + Clone> Pool<K> {
    pub fn new(clock: Arc<dyn Clock>, settings: PoolSettings) -> Self {
        Self { clock, settings, servers: Mutex::default() }
    }

    /// A session with the server `key`: an idle one that still lives, or one made by `connect`. Waits while as many as allowed are in use.
    pub async fn acquire<F, C>(&self, key: &K, connect: F) -> Result<Pooled, SmtpError>
    where
        F: FnOnce() -> C,
        C: Future<Output = Result<SmtpSession, SmtpError>>,
    {
        let server = self.server(key);
        let permit = server.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let session = match self.living(&server).await {
            Some(session) => session,
            None => connect().await?,
        };
        Ok(Pooled { session: Some(session), server, clock: self.clock.clone(), messages_max: self.settings.messages_max, _permit: permit })
    }

    /// Closes what was idle for too long, and forgets servers that nobody speaks to. To be called now and then.
    pub fn close_idle(&self) {
        let now = self.clock.since_boot();
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|_, server| {
            let mut idle = server.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|idle| now.saturating_sub(idle.since) < self.settings.idle_time_max);
            let forgotten = idle.is_empty();
            drop(idle);
            // Somebody who holds the server is about to use it.
            !forgotten || Arc::strong_count(server) > 1
        });
    }

    fn server(&self, key: &K) -> Arc<Server> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(key) {
            return server.clone();
        }
        let server = Arc::new(Server { permits: Arc::new(Semaphore::new(self.settings.connections_max)), idle: Mutex::default() });
        servers.insert(key.clone(), server.clone());
        server
    }

    async fn living(&self, server: &Server) -> Option<SmtpSession> {
        loop {
            let idle = server.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let unused = self.clock.since_boot().saturating_sub(idle.since);
            if unused >= self.settings.idle_time_max {
                continue;
            }
            let mut session = idle.session;
            if unused < self.settings.unchecked_time_max || session.noop().await.is_ok() {
                return Some(session);
            }
        }
    }
}

/// A session on loan. It goes back when dropped, unless it broke or was left amid a transaction.
pub struct Pooled {
    session: Option<SmtpSession>,
    server: Arc<Server>,
    clock: Arc<dyn Clock>,
    messages_max: u32,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Pooled {
    type Target = SmtpSession;

    fn deref(&self) -> &SmtpSession {
        self.session.as_ref().expect("the session is there until the loan ends")
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut SmtpSession {
        self.session.as_mut().expect("the session is there until the loan ends")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let session = self.session.take().filter(|session| session.is_reusable() && session.transmitted() < self.messages_max);
        if let Some(session) = session {
            let idle = Idle { session, since: self.clock.since_boot() };
            self.server.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
    }
}
