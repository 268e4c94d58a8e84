//! What costs too much is refused before it costs anything.

use super::installation::{Installation, Reply};
use serde_json::json;
use std::time::{Duration, Instant};

/// The answer, and how long it took at best in three tries: the machine may be busy with something else.
#[expect(clippy::disallowed_methods, reason = "a real duration is what is measured")]
async fn timed(installation: &Installation, query: &str) -> (Reply, Duration) {
    let mut best = Duration::MAX;
    let mut reply = None;
    for _ in 0..3 {
        let started = Instant::now();
        reply = Some(installation.graphql_reply("", query, json!({})).await);
        best = best.min(started.elapsed());
    }
    (reply.unwrap(), best)
}

fn doubling_fragments(levels: usize) -> String {
    let mut query = "{ viewer { ...f0 } }".to_owned();
    for level in 0..levels {
        query.push_str(&format!(" fragment f{level} on User {{ ...f{0} ...f{0} }}", level + 1));
    }
    query.push_str(&format!(" fragment f{levels} on User {{ id }}"));
    query
}

#[actix_web::test]
async fn expensive_documents_are_refused_in_under_50_ms() {
    let installation = Installation::new().await;
    let aliases: String = (0..1500).map(|number| format!("a{number}: __typename ")).collect();
    let many_aliases: String = (0..10_000).map(|number| format!("a{number}: __typename ")).collect();
    let directives = "@include(if: true) ".repeat(500);
    let deep = format!("{}id{}", "{ viewer ".repeat(40), " }".repeat(40));
    let far_too_deep = "{a".repeat(100_000);
    let wide = "{ emails(first: 100) { nodes { recipients { address } timeline { outcomes { reply } } } } ".to_owned()
        + &(0..20)
            .map(|n| {
                format!("e{n}: emails(first: 100) {{ nodes {{ recipients {{ address name }} timeline {{ outcomes {{ reply }} }} }} }} ")
            })
            .collect::<String>()
        + "}";
    let cycle = "{ viewer { ...a } } fragment a on User { ...b } fragment b on User { ...a }";
    let documents = [
        ("doubling fragments", doubling_fragments(60)),
        ("aliases", format!("{{ {aliases} }}")),
        ("many aliases", format!("{{ {many_aliases} }}")),
        ("directives", format!("{{ __typename {directives} }}")),
        ("depth", deep),
        ("far too deep", far_too_deep),
        ("complexity", wide),
        ("cycle", cycle.to_owned()),
    ];
    for (name, document) in documents {
        let (reply, took) = timed(&installation, &document).await;
        assert_eq!(reply.status, 400, "{name}: {}", &reply.body[..reply.body.len().min(300)]);
        assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED", "{name}");
        assert!(took < Duration::from_millis(50), "{name} took {took:?}");
    }
}

#[actix_web::test]
async fn one_document_makes_us_hash_one_password() {
    let installation = Installation::new().await;
    let sign_in = "signIn(input: { address: \"a@example.org\", password: \"correct horse\" }) { token }";
    let sign_up = "signUp(input: { name: \"A\", address: \"a@example.org\", password: \"correct horse\", ageAttested: true,
        privacyPolicyVersion: 1 }) { position }";
    let confirm = "confirmAddress(input: { token: \"x\" }) { position }";
    for field in [sign_in, sign_up, confirm] {
        let aliased = format!("mutation {{ a: {field} b: {field} }}");
        let spread = format!("mutation {{ ...m ... {{ b: {field} }} }} fragment m on Mutation {{ a: {field} }}");
        for document in [aliased, spread] {
            let reply = installation.graphql_reply("", &document, json!({})).await;
            assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED", "{document}");
        }
    }
    let greeting = format!("mutation {{ {confirm} {sign_in} }}");
    let answer = installation.graphql("", &greeting, json!({})).await;
    assert_eq!(answer["signIn"]["token"], serde_json::Value::Null);
}

#[actix_web::test]
async fn what_tools_ask_stays_within_the_limits() {
    let installation = Installation::new().await;
    let introspection = "query { __schema { queryType { name } types { kind name description fields(includeDeprecated: true) { name description
        args { ...InputValue } type { ...TypeRef } } inputFields { ...InputValue } interfaces { ...TypeRef } enumValues { name } possibleTypes { ...TypeRef } } } }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
        fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
    let answer = installation.graphql("", introspection, json!({})).await;
    assert_eq!(answer["__schema"]["queryType"]["name"], "Query");
}

#[actix_web::test]
async fn a_body_of_80_mb_is_too_large() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let authorization = format!("Bearer {}", account.key);
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    for path in ["/graphql", "/emails"] {
        let reply = installation.request("POST", path, &headers, vec![b' '; 80_000_000]).await;
        assert_eq!(reply.status, 413, "{path}");
    }
}

#[actix_web::test]
async fn bodies_beyond_the_budget_are_turned_away_for_a_moment() {
    let installation = Installation::with(|settings| settings.bodies_in_flight_bytes = 64 * 1024).await;
    let account = installation.account("ada@example.org").await;
    let authorization = format!("Bearer {}", account.key);
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    let reply = installation.request("POST", "/graphql", &headers, vec![b' '; 100_000]).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "OVERLOADED");
    let reply = installation.request("POST", "/emails", &headers, vec![b' '; 100_000]).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    // What was turned away holds nothing.
    installation.send(&account.key, &["bob@example.com"]).await;
}
