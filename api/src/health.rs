//! `/healthz`: the process answers. `/readyz`: it should be sent requests.

use crate::state::State;
use actix_web::web::Data;
use actix_web::{HttpResponse, http::header};

pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

pub(crate) async fn readyz(state: Data<State>) -> HttpResponse {
    match state.readiness.look().await {
        Ok(note) => {
            let body = note.map_or_else(|| "ready\n".to_owned(), |note| format!("ready; {note}\n"));
            HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body)
        }
        Err(reason) => HttpResponse::ServiceUnavailable()
            .insert_header((header::RETRY_AFTER, "1"))
            .content_type("text/plain; charset=utf-8")
            .body(format!("{reason}\n")),
    }
}
