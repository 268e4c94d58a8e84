//! Scripts and styles, GraphiQL among them: they are part of the program, so that no page needs anything from elsewhere.

use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const ASSETS: &[(&str, &str, &[u8])] = &[
    ("style.css", STYLE, include_bytes!("../../assets/style.css")),
    ("graphiql.css", STYLE, include_bytes!("../../assets/graphiql/graphiql.min.css")),
    ("graphiql-page.css", STYLE, include_bytes!("../../assets/graphiql/page.css")),
    ("graphiql.js", SCRIPT, include_bytes!("../../assets/graphiql/graphiql.min.js")),
    ("graphiql-start.js", SCRIPT, include_bytes!("../../assets/graphiql/start.js")),
    ("react.js", SCRIPT, include_bytes!("../../assets/graphiql/react.production.min.js")),
    ("react-dom.js", SCRIPT, include_bytes!("../../assets/graphiql/react-dom.production.min.js")),
];

/// Its editor styles itself inline, and its fonts are in its style sheet.
const GRAPHIQL_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const GRAPHIQL: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>GraphiQL · Lethemail</title>
<link rel=\"stylesheet\" href=\"/assets/graphiql.css\">
<link rel=\"stylesheet\" href=\"/assets/graphiql-page.css\">
</head>
<body>
<div id=\"graphiql\">Loading…</div>
<script src=\"/assets/react.js\"></script>
<script src=\"/assets/react-dom.js\"></script>
<script src=\"/assets/graphiql.js\"></script>
<script src=\"/assets/graphiql-start.js\"></script>
</body>
</html>
";

pub(super) async fn graphiql() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, GRAPHIQL_POLICY))
        .body(GRAPHIQL)
}

pub(super) async fn asset(request: HttpRequest, name: Path<String>) -> HttpResponse {
    match ASSETS.iter().find(|(known, ..)| *known == name.as_str()) {
        Some((_, kind, bytes)) => {
            HttpResponse::Ok().content_type(*kind).insert_header((header::CACHE_CONTROL, "public, max-age=3600")).body(*bytes)
        }
        None => super::not_found(request).await,
    }
}
