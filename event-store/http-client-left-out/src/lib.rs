//! What the KurrentDB client names of `reqwest`, with nothing behind it.
//!
//! The client speaks HTTP only to administer persistent subscriptions on old servers, which Lethemail does not use. The real `reqwest`
//! would bring a second TLS stack (`ring`) and its own root certificates into the program. Every request here fails, before a byte is sent.

use serde::de::DeserializeOwned;
use std::fmt;

#[derive(Clone, Debug)]
pub struct Client(());

#[derive(Debug)]
pub struct ClientBuilder(());

#[derive(Debug)]
pub struct RequestBuilder(());

/// There is none: nothing answers.
#[derive(Debug)]
pub enum Response {}

#[derive(Debug)]
pub struct Error(());

impl Client {
    pub fn builder() -> ClientBuilder {
        ClientBuilder(())
    }

    pub fn get(&self, _url: impl AsRef<str>) -> RequestBuilder {
        RequestBuilder(())
    }

    pub fn post(&self, _url: impl AsRef<str>) -> RequestBuilder {
        RequestBuilder(())
    }
}

impl ClientBuilder {
    pub fn danger_accept_invalid_certs(self, _accept: bool) -> Self {
        self
    }

    pub fn https_only(self, _only: bool) -> Self {
        self
    }

    pub fn build(self) -> Result<Client, Error> {
        Ok(Client(()))
    }
}

impl RequestBuilder {
    pub fn header(self, _name: &str, _value: &str) -> Self {
        self
    }

    pub fn query<Q: ?Sized>(self, _query: &Q) -> Self {
        self
    }

    pub fn basic_auth(self, _user: impl fmt::Display, _password: Option<impl fmt::Display>) -> Self {
        self
    }

    pub fn bearer_auth(self, _token: impl fmt::Display) -> Self {
        self
    }

    pub async fn send(self) -> Result<Response, Error> {
        Err(Error(()))
    }
}

impl Response {
    pub fn status(&self) -> http::StatusCode {
        match *self {}
    }

    pub async fn text(self) -> Result<String, Error> {
        match self {}
    }

    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        match self {}
    }
}

impl Error {
    pub fn status(&self) -> Option<http::StatusCode> {
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this program was built without a general HTTP client")
    }
}

impl std::error::Error for Error {}
