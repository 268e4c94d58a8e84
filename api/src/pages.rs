//! The few pages that people open: plain, rendered here, with nothing from anywhere else.

mod first_mail;
mod plain;

pub(crate) use first_mail::FirstMailLink;
pub(crate) use plain::not_found;

use actix_web::web::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    plain::routes(config);
}
