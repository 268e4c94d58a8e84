//! GraphQL: our own HTTP layer, limits before execution, and a schema whose resolvers translate.

mod code;
mod connection;
mod document;
mod http;
mod lexical;
mod limits;
mod mutation;
mod objects;
mod past;
mod query;
mod response;
mod sse;
mod subscription;
mod user_error;
mod websocket;

pub(crate) use code::report;
pub(crate) use user_error::UserErrorCode;

use actix_web::web::{self, ServiceConfig};
use async_graphql::{SDLExportOptions, Schema};

pub(crate) type ApiSchema = Schema<query::Query, mutation::Mutation, subscription::Subscription>;

pub(crate) fn schema() -> ApiSchema {
    Schema::build(query::Query, mutation::Mutation::default(), subscription::Subscription).disable_suggestions().finish()
}

/// The schema in its definition language, sorted.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    schema().sdl_with_options(options)
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::resource("/graphql")
            .route(web::get().to(http::get))
            .route(web::post().to(http::post))
            .default_service(web::to(http::other_method)),
    );
}
