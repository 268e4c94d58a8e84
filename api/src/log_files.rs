//! The history's checkpoints and tiles as files, where C2SP tlog-tiles looks for them. Hashes and counts are for anybody who knows the organisation's
//! id: that is what witnesses read. Entries, one for each event, are for those who may read the organisation.

use crate::call::{Call, Need};
use crate::state::State;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use transparency::{Cosigning, Log, LogsError, TileId, Witnesses};

const TEXT: &str = "text/plain; charset=utf-8";
/// A checkpoint is a few lines, and no log has a hundred witnesses.
const NOTE_BYTES_MAX: usize = 64 << 10;
/// What is full never changes; everything else may be newer at any time.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/transparency/cosignature", web::post().to(cosignature))
        .route("/transparency/platform/cosigned", web::get().to(cosigned))
        .route("/transparency/{log}/checkpoint", web::get().to(checkpoint))
        .route("/transparency/{log}/tile/{path:.*}", web::get().to(tile));
}

async fn checkpoint(state: Data<State>, log: Path<String>) -> HttpResponse {
    let Some(log) = Log::parse(&log) else { return absent() };
    match state.logs.shown(log).await {
        Ok(Some(note)) => HttpResponse::Ok().content_type(TEXT).insert_header((CACHE_CONTROL, "no-cache")).body(note),
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

/// The newest platform checkpoint that a witness has signed. There are newer ones which none has signed yet.
async fn cosigned(state: Data<State>) -> HttpResponse {
    match state.logs.cosigned().await {
        Ok(Some((_, note))) => HttpResponse::Ok().content_type(TEXT).insert_header((CACHE_CONTROL, "no-cache")).body(note),
        Ok(None) => absent(),
        Err(error) => failed(&error),
    }
}

/// From a witness: the platform log's checkpoint as it was shown, with a line of its own (C2SP tlog-cosignature). The signature is all that it must show.
async fn cosignature(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let said = |mut response: HttpResponseBuilder, text: &str| response.content_type(TEXT).body(format!("{text}\n"));
    let Ok(body) = state.bodies.read_from_stranger(&request, payload, NOTE_BYTES_MAX).await else {
        return said(HttpResponse::PayloadTooLarge(), "a note has 64 KiB at most");
    };
    let Ok(note) = std::str::from_utf8(&body.bytes) else { return said(HttpResponse::BadRequest(), "this is no signed note") };
    let public = match state.vault.signer().await {
        Ok(signer) => signer.public_key(),
        Err(error) => {
            tracing::error!(%error, "the signing key cannot be read");
            return said(HttpResponse::InternalServerError(), "it cannot be taken in now");
        }
    };
    let witnesses = Witnesses { public, keys: &state.settings.witnesses, verify: vault::signature_holds };
    match state.logs.cosign(note, &witnesses).await {
        Ok(Cosigning::Kept(names)) => said(HttpResponse::Ok(), &names.join("\n")),
        Ok(Cosigning::NoCheckpoint) => said(HttpResponse::BadRequest(), "this is no signed checkpoint of the platform log"),
        Ok(Cosigning::NotOurs) => said(HttpResponse::Forbidden(), "this installation has not signed it"),
        Ok(Cosigning::NoWitness) => {
            said(HttpResponse::Forbidden(), "no line is one of a witness that this installation knows, or it does not hold")
        }
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
