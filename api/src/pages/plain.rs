//! Pages without anything behind them.

use super::html::{escape, page};
use crate::cookies::REGISTRY;
use crate::{accept, state::State};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

pub(super) async fn index(state: Data<State>) -> HttpResponse {
    let cookies: String = REGISTRY.iter().map(|cookie| format!("<li><code>{}</code> {}</li>", cookie.name, cookie.purpose)).collect();
    let body = format!(
        "<p>Lethemail sends mail, writes down what happened to it, and forgets people when they ask.</p>\n<ul>\n\
         <li><a href=\"/graphiql\">GraphiQL</a>: the GraphQL API at <code>{url}/graphql</code>, with its documentation</li>\n\
         <li><a href=\"/sandbox\">Sandbox</a>: mail that was captured instead of being sent</li>\n\
         <li><code>POST {url}/emails</code>: the Email API, for Resend's SDKs</li>\n\
         <li><a href=\"/signin\">Sign in</a></li>\n<li><a href=\"/policy\">Privacy policy</a></li>\n</ul>\n<h2>Cookies</h2>\n<ul>{cookies}</ul>",
        url = escape(&state.settings.public_url)
    );
    page(HttpResponse::Ok(), "Lethemail", &body)
}

/// In the form that the client reads.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    if accept::names(&request, "text/html") {
        return page(HttpResponse::NotFound(), "Not found", "<p>There is nothing here. <a href=\"/\">Go to the start.</a></p>");
    }
    HttpResponse::NotFound().json(json!({ "statusCode": 404, "name": "not_found", "message": "There is nothing here." }))
}
