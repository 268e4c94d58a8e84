//! The few pages that people open: plain, rendered here, with nothing from anywhere else.

mod assets;
mod confirm;
mod erasure;
mod first_mail;
mod html;
mod plain;
mod policy;
mod sandbox;
mod sign_in;

pub(crate) use first_mail::FirstMailLink;
pub(crate) use plain::not_found;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(plain::index))
        // There is no icon; a browser asks for one unasked, and no answer would look like a fault in its console.
        .route("/favicon.ico", web::get().to(HttpResponse::NoContent))
        .route("/graphiql", web::get().to(assets::graphiql))
        .route("/assets/{name}", web::get().to(assets::asset))
        .route("/confirm", web::get().to(confirm::ask))
        .route("/confirm", web::post().to(confirm::confirm))
        .route("/erasure/{link}", web::get().to(erasure::certificate))
        .route("/policy", web::get().to(policy::policy))
        .route("/signin", web::get().to(sign_in::ask))
        .route("/signin", web::post().to(sign_in::sign_in))
        .route("/sandbox", web::get().to(sandbox::sandbox));
}
