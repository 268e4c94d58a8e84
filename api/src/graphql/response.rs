//! Answers as JSON: `data` left out where nothing was executed, every error with its code and the request's id.

use crate::graphql::code::Code;
use crate::graphql::document::Refused;
use async_graphql::{Response, ServerError};
use domain::CorrelationId;
use serde_json::{Map, Value, json};

pub(crate) struct Answer {
    pub json: Value,
    /// Nothing was executed: the document or its variables were refused.
    pub is_request_error: bool,
    pub code: Option<Code>,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn refused(refused: &Refused, request: Option<CorrelationId>) -> Self {
        let error = json!({ "message": refused.message, "extensions": extensions(refused.code.as_str(), request) });
        Self { json: json!({ "errors": [error] }), is_request_error: true, code: Some(refused.code), headers: vec![] }
    }

    pub fn executed(mut response: Response, request: CorrelationId, cost: u64) -> Self {
        let is_request_error = response.data == async_graphql::Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty() && code_of(error).is_none());
        complete(&mut response, request);
        let mut json = Map::new();
        if !is_request_error {
            json.insert("data".into(), std::mem::take(&mut response.data).into_json().unwrap_or_default());
        }
        if !response.errors.is_empty() {
            json.insert("errors".into(), serde_json::to_value(&response.errors).unwrap_or_default());
        }
        json.insert("extensions".into(), json!({ "cost": cost }));
        let headers = response.http_headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Self { headers: headers.collect(), json: Value::Object(json), is_request_error, code: None }
    }
}

/// A refusal as a response, for answers that come in a stream.
pub(crate) fn refusal(refused: Refused, request: CorrelationId) -> Response {
    let mut error = ServerError::new(refused.message, None);
    error.extensions.get_or_insert_default().set("code", refused.code.as_str());
    let mut response = Response::from_errors(vec![error]);
    complete(&mut response, request);
    response
}

/// Gives every error its code and the request's id.
pub(crate) fn complete(response: &mut Response, request: CorrelationId) {
    for error in &mut response.errors {
        // Errors without a code come from async-graphql itself: validation has no path, a value of the wrong form has one.
        let usual = if error.path.is_empty() { Code::GraphqlValidationFailed } else { Code::BadUserInput };
        let has_code = code_of(error).is_some();
        if let (false, Some(_)) = (has_code, &error.source) {
            // An error of ours that nobody turned into words for clients; its text stays here.
            tracing::error!("a resolver failed with an error without a code");
            *error = ServerError { message: "something went wrong on our side".to_owned(), source: None, ..error.clone() };
            error.extensions.get_or_insert_default().set("code", Code::Internal.as_str());
        }
        let has_code = has_code || code_of(error).is_some();
        let extensions = error.extensions.get_or_insert_default();
        if !has_code {
            extensions.set("code", usual.as_str());
        }
        extensions.set("requestId", request.0.to_string());
    }
}

fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code),
        _ => None,
    }
}

fn extensions(code: &str, request: Option<CorrelationId>) -> Value {
    match request {
        Some(request) => json!({ "code": code, "requestId": request.0 }),
        None => json!({ "code": code }),
    }
}
