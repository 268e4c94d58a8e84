//! Errors in Resend's shape, by Resend's names.

use crate::body::BodyError;
use crate::caller::{Caller, Unknown};
use crate::graphql::{UserErrorCode, report};
use crate::message::Problem;
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde_json::json;

/// What is answered instead of a result.
#[derive(Clone, Debug)]
pub(crate) struct RestError {
    pub status: u16,
    pub name: &'static str,
    pub message: String,
}

impl RestError {
    pub fn new(status: u16, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into() }
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(422, "validation_error", message)
    }

    pub fn missing(field: &str) -> Self {
        Self::new(422, "missing_required_field", format!("Missing `{field}` field."))
    }

    pub fn not_found() -> Self {
        Self::new(404, "not_found", "Email not found")
    }

    pub fn internal(fault: &dyn std::error::Error) -> Self {
        report(fault);
        Self::new(500, "internal_server_error", "An unexpected error occurred.")
    }

    /// Why a caller without a good key is turned away.
    pub fn unauthenticated(caller: &Caller) -> Self {
        match caller {
            Caller::Nobody(Unknown::BadCredential) => Self::new(403, "invalid_api_key", "API key is invalid"),
            _ => Self::new(401, "missing_api_key", "Missing API key in the authorization header"),
        }
    }

    pub fn of_body(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(413, "validation_error", "The request body is too large."),
            BodyError::Overloaded => Self::new(503, "application_error", "Too many requests are being worked on; try again."),
            BodyError::Broken => Self::new(400, "validation_error", "The request body could not be read."),
        }
    }

    /// A problem with a message, told with the field's name in this interface.
    pub fn of_problem(problem: &Problem) -> Self {
        match problem.code {
            UserErrorCode::IdempotencyKeyLength => Self::new(400, "invalid_idempotency_key", "The key must be between 1-256 chars."),
            UserErrorCode::IdempotencyKeyReused => {
                Self::new(409, "invalid_idempotent_request", "Same idempotency key used with a different request payload.")
            }
            UserErrorCode::IdempotencyRequestInFlight => {
                Self::new(409, "concurrent_idempotent_requests", "Same idempotency key used while original request is still in progress.")
            }
            UserErrorCode::NotFound => Self::new(403, "invalid_api_key", "API key is invalid"),
            code => {
                let field = problem.path().join(".");
                let field = field.replace("replyTo", "reply_to").replace("scheduledAt", "scheduled_at");
                Self::validation(format!("Invalid `{field}` field: {}.", code.message()))
            }
        }
    }

    pub fn response(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        response.json(self.json())
    }

    pub fn json(&self) -> serde_json::Value {
        json!({ "statusCode": self.status, "name": self.name, "message": self.message })
    }
}

pub(crate) async fn not_implemented() -> HttpResponse {
    RestError::new(501, "application_error", "This operation is not available here yet.").response()
}

pub(crate) async fn method_not_allowed() -> HttpResponse {
    RestError::new(405, "method_not_allowed", "This endpoint does not support the specified HTTP method.").response()
}
