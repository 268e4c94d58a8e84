//! Pages as text. Whatever somebody wrote goes through [`escape`].

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};

/// No script, nothing from elsewhere. A framed message inherits this: it may style itself and show inline pictures, and can reach nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn page(mut response: HttpResponseBuilder, title: &str, body: &str) -> HttpResponse {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title} · Lethemail</title>\n<link rel=\"stylesheet\" href=\"/assets/style.css\">\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    );
    response.content_type("text/html; charset=utf-8").insert_header((header::CONTENT_SECURITY_POLICY, POLICY)).body(text)
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

pub(super) fn failed(fault: &dyn std::error::Error) -> HttpResponse {
    crate::graphql::report(fault);
    page(HttpResponse::InternalServerError(), "Something went wrong", "<p>It was on our side. Try again.</p>")
}

pub(super) fn refused() -> HttpResponse {
    page(HttpResponse::Forbidden(), "Refused", "<p>This form was sent by a page of another site.</p>")
}
