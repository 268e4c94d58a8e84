//! A session by a form.

use super::html::{failed, page, refused};
use crate::call::Call;
use crate::state::State;
use crate::{cookies, origin_check};
use actix_web::http::header;
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use commands::{Failure, SignInRefusal, SignInWithPassword};
use domain::Personal;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    address: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn ask() -> HttpResponse {
    form(HttpResponse::Ok(), "")
}

pub(super) async fn sign_in(request: HttpRequest, state: Data<State>, form_data: Form<Credentials>) -> HttpResponse {
    if origin_check::is_foreign(&state, &request) {
        return refused();
    }
    let Credentials { address, password } = form_data.into_inner();
    let Ok(address) = address.parse() else { return form(HttpResponse::BadRequest(), "That is not an address.") };
    let call = match Call::of(&state, &request).await {
        Ok(call) => call,
        Err(fault) => return failed(&fault),
    };
    let request = SignInWithPassword {
        address: Personal::new(address),
        password: Personal::new(password),
        origin: call.origin.clone(),
        correlation: call.correlation,
    };
    match state.commands.sign_in(request).await {
        Ok(session) => {
            let lifetime = session.expires_at.since(state.clock.now()).as_secs();
            let cookie = cookies::session_cookie(session.token.expose(), i64::try_from(lifetime).unwrap_or(i64::MAX));
            HttpResponse::SeeOther().insert_header((header::LOCATION, "/sandbox")).insert_header((header::SET_COOKIE, cookie)).finish()
        }
        Err(Failure::Refused(SignInRefusal::CredentialsInvalid)) => form(HttpResponse::BadRequest(), "Address or password is wrong."),
        Err(Failure::Refused(SignInRefusal::AddressNotConfirmed)) => form(HttpResponse::BadRequest(), "The address is not confirmed yet."),
        Err(Failure::Fault(fault)) => failed(&fault),
    }
}

fn form(response: HttpResponseBuilder, problem: &str) -> HttpResponse {
    let body = format!(
        "<p class=\"problem\">{problem}</p>\n<form method=\"post\" action=\"/signin\">\n\
         <label>Address <input name=\"address\" type=\"email\" autocomplete=\"username\" required></label>\n\
         <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n\
         <button>Sign in</button>\n</form>"
    );
    page(response, "Sign in", &body)
}
