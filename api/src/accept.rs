//! Which form of answer a client asks for.

use actix_web::HttpRequest;
use actix_web::http::header;

/// Whether `Accept` names this type itself, not only by a wildcard.
pub(crate) fn names(request: &HttpRequest, wanted: &str) -> bool {
    ranges(request).iter().any(|(range, quality)| range == wanted && *quality > 0)
}

/// The types of `offered` that the client takes, by its own preference; the first one offered when it does not say.
pub(crate) fn choose(request: &HttpRequest, offered: &[&'static str]) -> Option<&'static str> {
    let ranges = ranges(request);
    if ranges.is_empty() {
        return offered.first().copied();
    }
    let best = offered.iter().enumerate().filter_map(|(rank, kind)| {
        let quality = ranges.iter().filter_map(|(range, quality)| specificity(range, kind).map(|specific| (specific, *quality)));
        let (_, quality) = quality.max()?;
        (quality > 0).then_some((quality, std::cmp::Reverse(rank), *kind))
    });
    best.max().map(|(_, _, kind)| kind)
}

/// How closely a range fits a type; `None` when it does not.
fn specificity(range: &str, kind: &str) -> Option<u8> {
    match range {
        "*/*" => Some(0),
        _ if range == kind => Some(2),
        _ => {
            let prefix = range.strip_suffix('*')?;
            kind.starts_with(prefix).then_some(1)
        }
    }
}

/// Media ranges with their quality in thousandths.
fn ranges(request: &HttpRequest) -> Vec<(String, u16)> {
    let values = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(range).collect()
}

fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().filter(|kind| !kind.is_empty())?.to_ascii_lowercase();
    let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000 before")]
    Some((kind, (quality.clamp(0.0, 1.0) * 1000.0) as u16))
}
