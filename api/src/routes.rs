//! Which address leads where.

use crate::state::State;
use crate::{graphql, health, log_files, pages, request_log, rest};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};

pub(crate) fn configure(state: &Data<State>, config: &mut ServiceConfig) {
    let scope = web::scope("")
        .wrap(from_fn(request_log::log_request))
        .route("/healthz", web::get().to(health::healthz))
        .route("/readyz", web::get().to(health::readyz))
        .configure(graphql::routes)
        .configure(rest::routes)
        .configure(log_files::routes)
        .configure(pages::routes)
        .default_service(web::to(pages::not_found));
    config.app_data(state.clone()).service(scope);
}
