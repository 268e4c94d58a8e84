//! The Email API: Resend's paths, fields and errors over our commands.

mod answer;
mod fields;
mod read;
mod send;

use actix_web::web::{self, ServiceConfig};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/emails").route(web::post().to(send::one)).default_service(web::to(answer::not_implemented)))
        .service(web::resource("/emails/batch").route(web::post().to(send::batch)).default_service(web::to(answer::method_not_allowed)))
        .service(web::resource("/emails/{id}").route(web::get().to(read::one)).default_service(web::to(answer::not_implemented)))
        .service(
            web::resource("/emails/{id}/cancel").route(web::post().to(send::cancel)).default_service(web::to(answer::method_not_allowed)),
        );
    // What Resend has and we do not have yet is said so, in the form that its clients read.
    for path in [
        "/domains",
        "/webhooks",
        "/suppressions",
        "/api-keys",
        "/audiences",
        "/contacts",
        "/broadcasts",
        "/templates",
        "/topics",
        "/segments",
    ] {
        config.service(web::resource([path.to_owned(), format!("{path}/{{rest}}*")]).default_service(web::to(answer::not_implemented)));
    }
}
