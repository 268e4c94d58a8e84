//! Pages without anything behind them.

use crate::accept;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

pub(super) fn routes(_: &mut ServiceConfig) {}

/// In the form that the client reads.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    if accept::names(&request, "text/html") {
        return HttpResponse::NotFound().content_type("text/html; charset=utf-8").body("<!doctype html><title>Not found</title><h1>Not found</h1>\n");
    }
    HttpResponse::NotFound().json(json!({ "statusCode": 404, "name": "not_found", "message": "There is nothing here." }))
}
