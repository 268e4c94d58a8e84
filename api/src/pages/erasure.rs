//! The certificate of an erasure, for whoever holds its secret link: the person has no account any more.

use super::html::{escape, failed, page};
use crate::accept;
use crate::state::State;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

const FORMS: [&str; 3] = ["text/html", "application/json", "text/plain"];

pub(super) async fn certificate(request: HttpRequest, state: Data<State>, link: Path<String>) -> HttpResponse {
    let certificate = match state.commands.erasure_certificate_by_link(&link).await {
        Ok(Some(certificate)) => certificate,
        Ok(None) => {
            let body =
                "<p>This link is unknown, or the record of its case has ended: it is kept for 30 days after the last certificate.</p>";
            return page(HttpResponse::NotFound(), "No certificate here", body);
        }
        Err(fault) => return failed(&fault),
    };
    match accept::choose(&request, &FORMS) {
        Some("application/json") => HttpResponse::Ok().json(certificate.json()),
        Some("text/plain") => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(certificate.text()),
        _ => page(HttpResponse::Ok(), "Certificate of erasure", &format!("<pre>{}</pre>", escape(&certificate.text()))),
    }
}
