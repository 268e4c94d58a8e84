//! One node: an address, whether something listens there, and its connections.

use crate::service::{Features, Gossip, Streams};
use crate::{Cluster, lock};
use std::net::{Ipv4Addr, Shutdown};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

pub(crate) struct Node {
    pub port: u16,
    connections: Arc<Connections>,
    server: Option<JoinHandle<()>>,
}

/// A second handle of each connection, to break it with.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Vec<std::net::TcpStream>>);

impl Connections {
    pub fn cut(&self) {
        for connection in lock(&self.0).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Node {
    /// An address that is free, and that nothing listens at.
    pub async fn absent() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("this machine has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        Self { port, connections: Arc::default(), server: None }
    }

    pub async fn appear(&mut self, number: usize, cluster: Arc<Cluster>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.expect("nobody took the port meanwhile");
        let connections = self.connections.clone();
        let kept = connections.clone();
        let incoming = TcpListenerStream::new(listener).map(move |stream| {
            let stream = stream?.into_std()?;
            // As the server does.
            stream.set_nodelay(true)?;
            lock(&kept.0).push(stream.try_clone()?);
            tokio::net::TcpStream::from_std(stream)
        });
        let server = Server::builder()
            .add_service(Streams::new(number, cluster.clone(), connections.clone()))
            .add_service(Gossip::new(number, cluster.clone(), connections.clone()))
            .add_service(Features::new(number, cluster, connections))
            .serve_with_incoming(incoming);
        self.server = Some(tokio::spawn(async move {
            let _ = server.await;
        }));
    }

    pub fn die(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
        self.cut();
    }

    pub fn cut(&self) {
        self.connections.cut();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.die();
    }
}
