//! A test double of KurrentDB: the v1 streams protocol as far as Lethemail's adapter speaks it (read, append, gossip, server features), over a
//! log in memory, in the process of the test. It is not a database: nothing is durable, and nothing is replicated.
//!
//! Answers, idempotency and errors follow the server's (25.1). It runs one node or several over one log, and can be told to misbehave.

#![expect(clippy::result_large_err, reason = "a gRPC status is as large as it is")]

mod faults;
mod log;
mod messages;
mod node;
mod service;

pub use faults::{AppendFault, ReadFault};

use log::Log;
use node::Node;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One node or a cluster. It ends with its last handle.
pub struct Double {
    cluster: Arc<Cluster>,
    nodes: Vec<Node>,
}

/// What the nodes share.
pub(crate) struct Cluster {
    log: Mutex<Log>,
    append_faults: Mutex<VecDeque<AppendFault>>,
    read_faults: Mutex<VecDeque<ReadFault>>,
    leader: AtomicUsize,
    ports: Vec<u16>,
    is_alive: Vec<AtomicBool>,
    calls: AtomicUsize,
}

impl Double {
    /// One node that listens.
    pub async fn start() -> Self {
        let mut double = Self::absent(1).await;
        double.appear(0).await;
        double
    }

    /// Several nodes, of which the first one leads.
    pub async fn cluster(size: usize) -> Self {
        let mut double = Self::absent(size).await;
        for node in 0..size {
            double.appear(node).await;
        }
        double
    }

    /// Nodes that have an address, where nothing listens yet.
    pub async fn absent(size: usize) -> Self {
        let mut nodes = Vec::with_capacity(size);
        for _ in 0..size {
            nodes.push(Node::absent().await);
        }
        let cluster = Cluster {
            log: Mutex::new(Log::new()),
            append_faults: Mutex::default(),
            read_faults: Mutex::default(),
            leader: AtomicUsize::new(0),
            ports: nodes.iter().map(|node| node.port).collect(),
            is_alive: nodes.iter().map(|_| AtomicBool::new(false)).collect(),
            calls: AtomicUsize::new(0),
        };
        Self { cluster: Arc::new(cluster), nodes }
    }

    /// Starts a node that is absent or has died.
    pub async fn appear(&mut self, node: usize) {
        self.cluster.is_alive[node].store(true, Ordering::SeqCst);
        self.nodes[node].appear(node, self.cluster.clone()).await;
    }

    /// Ends a node at once, with whatever it was doing.
    pub fn die(&mut self, node: usize) {
        self.cluster.is_alive[node].store(false, Ordering::SeqCst);
        self.nodes[node].die();
    }

    /// Makes another node the leader.
    pub fn lead(&self, node: usize) {
        self.cluster.leader.store(node, Ordering::SeqCst);
    }

    /// Breaks every connection; new ones are taken.
    pub fn cut(&self) {
        self.nodes.iter().for_each(Node::cut);
    }

    /// How the next append goes wrong, and the ones after it by further calls.
    pub fn next_append(&self, fault: AppendFault) {
        lock(&self.cluster.append_faults).push_back(fault);
    }

    /// How the next read goes wrong that is not a look at the log's last event.
    pub fn next_read(&self, fault: ReadFault) {
        lock(&self.cluster.read_faults).push_back(fault);
    }

    /// Forgets the event ids that it would recognise where no version is expected, as a server does after some time or a restart.
    pub fn forget_ids(&self) {
        lock(&self.cluster.log).forget_ids();
    }

    /// Loses the last events, as a restored backup would.
    pub fn lose(&self, events: usize) {
        lock(&self.cluster.log).lose(events);
    }

    /// Holds another log from now on, as if the address led to another server: with so many events of another application.
    pub fn become_another(&self, events: usize) {
        let mut log = lock(&self.cluster.log);
        *log = Log::new();
        (0..events).for_each(|number| log.write_another("another", uuid::Uuid::from_u128(number as u128)));
    }

    /// How many events its log holds.
    pub fn events(&self) -> usize {
        lock(&self.cluster.log).len()
    }

    /// How many calls of any kind were made to it.
    pub fn calls(&self) -> usize {
        self.cluster.calls.load(Ordering::SeqCst)
    }

    /// The connection string for all its nodes.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.cluster.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("esdb://{}?tls=false&discoveryInterval=50&gossipTimeout=1000", hosts.join(","))
    }

    /// The connection string for one node alone.
    pub fn url_of(&self, node: usize) -> String {
        format!("esdb://127.0.0.1:{}?tls=false&discoveryInterval=50&gossipTimeout=1000", self.cluster.ports[node])
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
