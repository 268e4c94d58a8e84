//! The versions of recently written streams, as of the appender's base.

use domain::StreamName;
use std::collections::HashMap;

/// How many streams a generation holds: 50,000 take about 4 MB.
const GENERATION: usize = 50_000;

/// A cache in two generations: what is used or written stays in the younger one; when that is full, the older one is forgotten. `None` says
/// that a stream is known not to exist. Forgetting costs a read, nothing else.
#[derive(Default)]
pub(super) struct Versions {
    young: HashMap<StreamName, Option<u64>>,
    old: HashMap<StreamName, Option<u64>>,
}

impl Versions {
    pub fn get(&self, stream: &StreamName) -> Option<Option<u64>> {
        self.young.get(stream).or_else(|| self.old.get(stream)).copied()
    }

    pub fn set(&mut self, stream: StreamName, version: Option<u64>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, version);
    }

    /// Takes note of what another process wrote, for streams that are kept here.
    pub fn raise(&mut self, stream: StreamName, version: u64) {
        if let Some(known) = self.get(&stream) {
            self.set(stream, known.max(Some(version)));
        }
    }

    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}
