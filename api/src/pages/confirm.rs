//! The link of the confirmation mail. Opening it asks; only the button confirms, since programs open links too.

use super::html::{escape, failed, page, refused};
use crate::call::Call;
use crate::origin_check;
use crate::state::State;
use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use commands::{ConfirmAddress, Failure};
use domain::Personal;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    token: String,
}

pub(super) async fn ask(query: Query<Token>) -> HttpResponse {
    let form = format!(
        "<p>Do you want to confirm this address as yours?</p>\n<form method=\"post\" action=\"/confirm\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\"><button>Confirm</button></form>",
        escape(&query.token)
    );
    page(HttpResponse::Ok(), "Confirm your address", &form)
}

pub(super) async fn confirm(request: HttpRequest, state: Data<State>, form: Form<Token>) -> HttpResponse {
    if origin_check::is_foreign(&state, &request) {
        return refused();
    }
    let call = match Call::of(&state, &request).await {
        Ok(call) => call,
        Err(fault) => return failed(&fault),
    };
    let confirm =
        ConfirmAddress { token: Personal::new(form.into_inner().token), origin: call.origin.clone(), correlation: call.correlation };
    match state.commands.confirm_address(confirm).await {
        Ok(_) => page(HttpResponse::Ok(), "Address confirmed", "<p>Now you can <a href=\"/signin\">sign in</a>.</p>"),
        Err(Failure::Refused(_)) => page(
            HttpResponse::BadRequest(),
            "This link does not work",
            "<p class=\"problem\">It is unknown, used or too old. Sign up again to get a new one.</p>",
        ),
        Err(Failure::Fault(fault)) => failed(&fault),
    }
}
