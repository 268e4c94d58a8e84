//! Every cookie that can ever be set (row M5.1). There is no other way to make one.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};

/// A necessary cookie: its name and what it is for.
pub(crate) struct RegisteredCookie {
    pub name: &'static str,
    pub purpose: &'static str,
}

/// Who is signed in. The prefix makes browsers insist on Secure, Path=/ and no Domain.
pub(crate) const SESSION: RegisteredCookie =
    RegisteredCookie { name: "__Host-lethemail-session", purpose: "keeps you signed in; it is removed when you sign out" };

pub(crate) const REGISTRY: &[RegisteredCookie] = &[SESSION];

pub(crate) fn session_token(request: &HttpRequest) -> Option<String> {
    request.cookie(SESSION.name).map(|cookie| cookie.value().to_owned())
}

/// Kept for as long as the session lives.
pub(crate) fn session_cookie(token: &str, lifetime_s: i64) -> String {
    protected(token).max_age(Duration::seconds(lifetime_s)).finish().to_string()
}

pub(crate) fn ended_session_cookie() -> String {
    protected("").max_age(Duration::ZERO).finish().to_string()
}

fn protected(value: &str) -> actix_web::cookie::CookieBuilder<'_> {
    Cookie::build(SESSION.name, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax)
}
