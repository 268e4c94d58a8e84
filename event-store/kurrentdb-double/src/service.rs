//! The calls, as they arrive at a node.

mod append;
mod read;

use crate::Cluster;
use crate::messages::{AppendRequest, ClusterInfo, Endpoint, Member, ReadRequest, SupportedMethods};
use crate::node::Connections;
use futures::future::BoxFuture;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codec::ProstCodec;
use tonic::codegen::Service;
use tonic::metadata::MetadataMap;
use tonic::server::{ClientStreamingService, Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

const FOLLOWER: i32 = 6;
const LEADER: i32 = 8;

/// A node, as its calls see it.
#[derive(Clone)]
pub(crate) struct Here {
    number: usize,
    cluster: Arc<Cluster>,
    connections: Arc<Connections>,
}

macro_rules! services {
    ($($name:ident = $path:literal,)*) => {$(
        #[derive(Clone)]
        pub(crate) struct $name(Here);

        impl $name {
            pub fn new(number: usize, cluster: Arc<Cluster>, connections: Arc<Connections>) -> Self {
                Self(Here { number, cluster, connections })
            }
        }

        impl NamedService for $name {
            const NAME: &'static str = $path;
        }

        impl Service<http::Request<Body>> for $name {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let here = self.0.clone();
                Box::pin(async move { Ok(here.answer(request).await) })
            }
        }
    )*};
}

services! {
    Streams = "event_store.client.streams.Streams",
    Gossip = "event_store.client.gossip.Gossip",
    Features = "event_store.client.server_features.ServerFeatures",
}

impl Here {
    async fn answer(self, request: http::Request<Body>) -> http::Response<Body> {
        self.cluster.calls.fetch_add(1, Ordering::SeqCst);
        let path = request.uri().path().to_owned();
        match path.rsplit_once('/').map_or("", |(_, method)| method) {
            "Append" => Grpc::new(ProstCodec::default()).client_streaming(Append(self), request).await,
            "Read" if path.contains("gossip") => Grpc::new(ProstCodec::default()).unary(ReadGossip(self), request).await,
            "Read" => Grpc::new(ProstCodec::default()).server_streaming(Read(self), request).await,
            "GetSupportedMethods" => Grpc::new(ProstCodec::default()).unary(ReadFeatures, request).await,
            _ => Status::unimplemented("the double does not do this").into_http(),
        }
    }

    /// Refuses what only the leader may do, and says who that is.
    fn check_leader(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let leader = self.cluster.leader.load(Ordering::SeqCst);
        if leader == self.number || metadata.get("requires-leader").is_none_or(|value| value != "true") {
            return Ok(());
        }
        let mut status = Status::not_found("Leader info available");
        let port = self.cluster.ports[leader].to_string();
        let told = [("exception", "not-leader"), ("leader-endpoint-host", "127.0.0.1"), ("leader-endpoint-port", &port)];
        for (name, value) in told {
            status.metadata_mut().insert(name, value.parse().expect("it is plain ASCII"));
        }
        Err(status)
    }

    fn members(&self) -> ClusterInfo {
        let leader = self.cluster.leader.load(Ordering::SeqCst);
        let member = |(number, port): (usize, &u16)| Member {
            id: Some(Uuid::from_u128(number as u128).into()),
            state: if number == leader { LEADER } else { FOLLOWER },
            is_alive: self.cluster.is_alive[number].load(Ordering::SeqCst),
            endpoint: Some(Endpoint { address: "127.0.0.1".to_owned(), port: u32::from(*port) }),
        };
        ClusterInfo { members: self.cluster.ports.iter().enumerate().map(member).collect() }
    }
}

struct Append(Here);

impl ClientStreamingService<AppendRequest> for Append {
    type Response = crate::messages::AppendResponse;
    type Future = BoxFuture<'static, Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<tonic::Streaming<AppendRequest>>) -> Self::Future {
        Box::pin(append::append(self.0.clone(), request))
    }
}

struct Read(Here);

impl ServerStreamingService<ReadRequest> for Read {
    type Response = crate::messages::ReadResponse;
    type ResponseStream = read::Answer;
    type Future = BoxFuture<'static, Result<Response<read::Answer>, Status>>;

    fn call(&mut self, request: Request<ReadRequest>) -> Self::Future {
        Box::pin(read::read(self.0.clone(), request))
    }
}

struct ReadGossip(Here);

impl UnaryService<()> for ReadGossip {
    type Response = ClusterInfo;
    type Future = BoxFuture<'static, Result<Response<ClusterInfo>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let members = self.0.members();
        Box::pin(async move { Ok(Response::new(members)) })
    }
}

struct ReadFeatures;

impl UnaryService<()> for ReadFeatures {
    type Response = SupportedMethods;
    type Future = BoxFuture<'static, Result<Response<SupportedMethods>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        Box::pin(async { Ok(Response::new(SupportedMethods { server_version: "25.1.0".to_owned() })) })
    }
}
