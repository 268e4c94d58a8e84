//! Who may write to a stream, one after another.

use domain::StreamName;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Streams that nobody waits for are forgotten when there are this many, and then at twice what is left.
const FORGOTTEN_AT: usize = 1_024;

pub(super) struct Turns(Mutex<Waiting>);

struct Waiting {
    streams: HashMap<StreamName, Weak<tokio::sync::Mutex<()>>>,
    forget_at: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self(Mutex::new(Waiting { streams: HashMap::new(), forget_at: FORGOTTEN_AT }))
    }
}

impl Turns {
    /// Whoever holds the lock may write.
    pub fn of(&self, stream: StreamName) -> Arc<tokio::sync::Mutex<()>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = waiting.streams.get(&stream).and_then(Weak::upgrade) {
            return turn;
        }
        if waiting.streams.len() >= waiting.forget_at {
            waiting.streams.retain(|_, turn| turn.strong_count() > 0);
            waiting.forget_at = FORGOTTEN_AT.max(2 * waiting.streams.len());
        }
        let turn = Arc::default();
        waiting.streams.insert(stream, Arc::downgrade(&turn));
        turn
    }
}
