//! What is said about every request: its route's template, never its path, query or body. And the headers that every answer carries.

use crate::state::State;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not no-referrer: browsers would then send our own forms with `Origin: null`.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

pub(crate) async fn log_request(
    state: Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = state.clock.since_boot();
    let method = known_method(request.method());
    let mut response = next.call(request).await?;
    let elapsed = state.clock.since_boot().saturating_sub(started);
    let route = response.request().match_pattern().unwrap_or_default();
    let status = response.status().as_u16();
    tracing::info!(method, route, status, elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), "request");
    metrics::histogram!("lethemail_http_request_duration_seconds", "method" => method, "route" => route.clone()).record(elapsed);
    metrics::counter!("lethemail_http_requests_total", "method" => method, "route" => route, "status" => status.to_string()).increment(1);
    for (name, value) in HEADERS {
        // A page may have said something stricter or wider of its own.
        if !response.headers().contains_key(&name) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(response)
}

/// A method is a word of the caller's choice, so only those that HTTP knows are said.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("other")
}
