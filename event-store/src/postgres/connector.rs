//! How the store's own connections are made: in clear, or through whatever TLS the program brings along.

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt, poll_fn};
use std::sync::Arc;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, Socket};

/// What a server says unasked. The connection works only while this is polled.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, Error>>;

/// Makes connections. Cheap to clone.
#[derive(Clone)]
pub struct Connector(Arc<Connect>);

type Connect = dyn Fn(Config) -> BoxFuture<'static, Result<(Client, Messages), Error>> + Send + Sync;

impl Connector {
    /// `NoTls`, or a TLS stack's connector; the address's `sslmode` says whether it is used.
    pub fn new<T>(tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Self(Arc::new(move |config| {
            let tls = tls.clone();
            Box::pin(async move {
                let (client, mut connection) = config.connect(tls).await?;
                Ok((client, poll_fn(move |context| connection.poll_message(context)).boxed()))
            })
        }))
    }

    pub(super) async fn connect(&self, config: &Config, application: &str) -> Result<(Client, Messages), Error> {
        let mut config = config.clone();
        config.application_name(application);
        (self.0)(config).await
    }
}
