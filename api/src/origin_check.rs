//! A page of another site must not act through a visitor's browser. We answer no CORS preflight, so whatever arrives with a foreign `Origin` is
//! a request that its own browser would not let it read; it is refused before anything is looked at. Programs send no `Origin`.

use crate::state::State;
use actix_web::HttpRequest;
use actix_web::http::header;

/// Whether the request says that it was made by a page of another site.
pub(crate) fn is_foreign(state: &State, request: &HttpRequest) -> bool {
    let said_by_browser =
        request.headers().get("sec-fetch-site").is_some_and(|site| matches!(site.as_bytes(), b"cross-site" | b"same-site"));
    if said_by_browser && !request.method().is_safe() {
        return true;
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else { return false };
    let Ok(origin) = origin.to_str() else { return true };
    if origin.eq_ignore_ascii_case(&state.settings.public_url) {
        return false;
    }
    // The same installation under another name (127.0.0.1 for localhost). Cookies are bound to the host, so nothing is lent to a stranger.
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    !matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}
