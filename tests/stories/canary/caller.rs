//! A client that also says things in headers, as programs do without their users knowing.

use super::markers::Markers;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Clone)]
pub struct Caller {
    agent: ureq::Agent,
    url: String,
    bearer: Option<String>,
    headers: Vec<(String, String)>,
}

impl Caller {
    /// `who` tells the markers of this caller's headers from others'.
    pub fn new(url: &str, who: &str, markers: &Markers) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        let header = |name: &str, before: &str, after: &str| {
            (name.to_owned(), format!("{before}{}{after}", markers.at(&format!("header {name} of {who}"))))
        };
        let headers = vec![
            header("user-agent", "Canary/1.0 (", ")"),
            header("x-forwarded-for", "2001:db8::1, ", ""),
            header("forwarded", "for=", ""),
            header("x-real-ip", "", ""),
            header("referer", "https://", ".example/"),
            header("cookie", "analytics=", "; theme=dark"),
            header("accept-language", "", ""),
            header("x-request-id", "", ""),
            header("x-anything", "", ""),
        ];
        Self { agent: config.build().into(), url: url.to_owned(), bearer: None, headers }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same caller, after the program came up elsewhere.
    pub fn moved_to(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    pub fn with(&self, bearer: &str) -> Self {
        Self { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    pub fn without_credential(&self) -> Self {
        Self { bearer: None, ..self.clone() }
    }

    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(known, _)| known != name);
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    pub fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if !self.headers.iter().any(|(name, _)| name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let mut response = request.send(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let mut response = request.call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Whatever a GraphQL request is answered.
    pub fn graphql(&self, query: &str, variables: &Value) -> Value {
        self.post("/graphql", &json!({ "query": query, "variables": variables }).to_string()).1
    }

    /// The data of an answer without errors.
    pub fn ask(&self, query: &str, variables: &Value) -> Value {
        let answer = self.graphql(query, variables);
        assert!(answer["errors"].is_null() && answer["data"].is_object(), "{answer:#} to {query} with {variables:#}");
        answer["data"].clone()
    }

    /// Bytes as they are, from a network address of the caller's choice; the answer as it comes.
    pub fn raw(&self, from: &str, request: &str) -> String {
        let to: std::net::SocketAddr = self.url.trim_start_matches("http://").parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            let mut stream = socket.connect(to).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // A connection that is cut after a bad request has said enough.
            drop(stream.read_to_end(&mut answer).await);
            String::from_utf8_lossy(&answer).into_owned()
        })
    }
}
