//! A client as an application developer would write one: JSON over HTTP.

use crate::program::Program;
use serde_json::{Value, json};
use std::time::Duration;

/// Speaks to one installation, as nobody, as a person or as a program.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    bearer: Option<String>,
    agent: ureq::Agent,
}

impl Client {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        Self { url: url.to_owned(), bearer: None, agent: config.build().into() }
    }

    /// Where the program that just became ready listens.
    pub fn of(program: &Program) -> Self {
        let ready = program.said.iter().find(|line| line.contains("\"ready\"")).expect("the program is ready");
        let ready: Value = serde_json::from_str(ready).unwrap();
        Self::new(&format!("http://{}", ready["listen"].as_str().unwrap()))
    }

    pub fn with(&self, bearer: &str) -> Self {
        Self { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    /// Status and body of a POST; `Err` when nobody answered, as amid a crash.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let mut response = request.send_json(body)?;
        Ok((response.status().as_u16(), response.body_mut().read_json()?))
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.try_post(path, body).unwrap()
    }

    pub fn get_text(&self, path: &str) -> (u16, String) {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let mut response = request.call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// The data of a GraphQL answer without errors.
    pub fn ask(&self, query: &str, variables: Value) -> Value {
        let (status, answer) = self.post("/graphql", &json!({ "query": query, "variables": variables }));
        assert!(status == 200 && answer["errors"].is_null(), "{status} {answer:#} to {query}");
        answer["data"].clone()
    }

    /// The payload of a mutation that was not refused.
    pub fn mutate(&self, field: &str, input_type: &str, selection: &str, input: Value) -> Value {
        let query =
            format!("mutation($input: {input_type}!) {{ {field}(input: $input) {{ userErrors {{ field code message }} {selection} }} }}");
        let payload = self.ask(&query, json!({ "input": input }))[field].clone();
        assert_eq!(payload["userErrors"], json!([]), "{field} was refused");
        payload
    }
}
