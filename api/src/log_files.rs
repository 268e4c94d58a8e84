//! The history's checkpoints and tiles as files, where C2SP tlog-tiles looks for them. Hashes and counts are for anybody who knows the organisation's
//! id: that is what witnesses read. Entries, one for each event, are for those who may read the organisation.

use crate::call::{Call, Need};
use crate::state::State;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use transparency::{Log, LogsError, TileId};

const TEXT: &str = "text/plain; charset=utf-8";
/// What is full never changes; everything else may be newer at any time.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/transparency/{log}/checkpoint", web::get().to(checkpoint))
        .route("/transparency/{log}/tile/{path:.*}", web::get().to(tile));
}

async fn checkpoint(state: Data<State>, log: Path<String>) -> HttpResponse {
    let Some(log) = Log::parse(&log) else { return absent() };
    match state.logs.note(log).await {
        Ok(Some(note)) => HttpResponse::Ok().content_type(TEXT).insert_header((CACHE_CONTROL, "no-cache")).body(note),
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

async fn tile(request: HttpRequest, state: Data<State>, path: Path<(String, String)>) -> HttpResponse {
    let (log, path) = path.into_inner();
    let (Some(log), Ok(tile)) = (Log::parse(&log), format!("tile/{path}").parse::<TileId>()) else { return absent() };
    let content = if path.starts_with("entries/") {
        if !may_read(&state, &request, log).await {
            return absent();
        }
        state.logs.entries(log, tile).await
    } else {
        state.logs.tile(log, tile).await
    };
    match content {
        Ok(Some(content)) => {
            let lasting = if tile.is_full() && !path.starts_with("entries/") { FOR_EVER } else { "no-cache" };
            HttpResponse::Ok()
                .insert_header((CONTENT_TYPE, "application/octet-stream"))
                .insert_header((CACHE_CONTROL, lasting))
                .body(content)
        }
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

/// The platform log's entries name all organisations, so nobody outside reads them.
async fn may_read(state: &Data<State>, request: &HttpRequest, log: Log) -> bool {
    let Log::Organization(organization) = log else { return false };
    match Call::of(state, request).await {
        Ok(call) => call.allow(organization, Need::Read).await.is_ok(),
        Err(_) => false,
    }
}

fn absent() -> HttpResponse {
    HttpResponse::NotFound().content_type(TEXT).body("there is no such file\n")
}

fn failed(error: &LogsError) -> HttpResponse {
    tracing::error!(%error, "the transparency log cannot be read");
    HttpResponse::InternalServerError().content_type(TEXT).body("the log cannot be read\n")
}
