//! A GraphQL request as clients send it, checked against the limits before anything else looks at it.

use crate::graphql::code::Code;
use crate::graphql::lexical::{self, TextLimit};
use crate::graphql::limits;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Request, Variables};
use serde_json::{Map, Value};

/// The four parameters of GraphQL over HTTP.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Option<Map<String, Value>>,
}

/// Why a request is not executed.
#[derive(Debug)]
pub(crate) struct Refused {
    pub code: Code,
    pub message: String,
}

impl Refused {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Parameters {
    /// From a JSON body. Unknown members are left alone, as the specification asks.
    pub fn from_json(body: &[u8]) -> Result<Self, Refused> {
        let malformed = |what: &str| Refused::new(Code::BadRequest, what);
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
            return Err(malformed("the body must be a JSON object"));
        };
        let Some(Value::String(query)) = body.remove("query") else { return Err(malformed("`query` must be a string")) };
        let operation_name = match body.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(malformed("`operationName` must be a string")),
        };
        let variables = match body.remove("variables") {
            None | Some(Value::Null) => None,
            Some(Value::Object(variables)) => Some(variables),
            Some(_) => return Err(malformed("`variables` must be an object")),
        };
        if !matches!(body.remove("extensions"), None | Some(Value::Null | Value::Object(_))) {
            return Err(malformed("`extensions` must be an object"));
        }
        Ok(Self { query, operation_name, variables })
    }

    /// From the query string of a GET.
    pub fn from_query_string(text: &str) -> Result<Self, Refused> {
        let malformed = |what: &str| Refused::new(Code::BadRequest, what);
        let pairs =
            actix_web::web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| malformed("the query string is malformed"))?;
        let mut parameters = Self::default();
        let mut asked = false;
        for (name, value) in pairs.into_inner() {
            match name.as_str() {
                "query" => (parameters.query, asked) = (value, true),
                "operationName" if !value.is_empty() => parameters.operation_name = Some(value),
                "variables" if !value.is_empty() => {
                    parameters.variables = serde_json::from_str(&value).map_err(|_| malformed("`variables` must be a JSON object"))?;
                }
                _ => {}
            }
        }
        if asked { Ok(parameters) } else { Err(malformed("`query` is missing")) }
    }

    /// Parses and weighs.
    pub fn prepare(self) -> Result<Prepared, Refused> {
        match lexical::check(&self.query) {
            Ok(()) => {}
            Err(TextLimit::Nesting) => return Err(Refused::new(Code::LimitExceeded, "the query nests too deep")),
            Err(TextLimit::Aliases) => return Err(Refused::new(Code::LimitExceeded, limits::Limit::Aliases.to_string())),
            Err(TextLimit::Tokens) => return Err(Refused::new(Code::LimitExceeded, "the query has too many words")),
        }
        let document =
            async_graphql::parser::parse_query(&self.query).map_err(|error| Refused::new(Code::GraphqlParseFailed, error.to_string()))?;
        let variables = Variables::from_json(Value::Object(self.variables.unwrap_or_default()));
        let cost = limits::cost(&document, &variables).map_err(|limit| Refused::new(Code::LimitExceeded, limit.to_string()))?;
        let kind = kind_of(&document, self.operation_name.as_deref())?;
        let mut request = Request::new(self.query).variables(variables);
        request.operation_name = self.operation_name;
        request.set_parsed_query(document);
        Ok(Prepared { request, kind, cost })
    }
}

/// A document that may be executed.
pub(crate) struct Prepared {
    pub request: Request,
    pub kind: OperationType,
    pub cost: u64,
}

fn kind_of(document: &ExecutableDocument, name: Option<&str>) -> Result<OperationType, Refused> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(_), None) => None,
    };
    operation
        .map(|operation| operation.node.ty)
        .ok_or_else(|| Refused::new(Code::GraphqlValidationFailed, "no operation of the document is meant"))
}
