//! What can be said to the program besides mutations: other routes, headers, queries, the Email API, and what is no proper request at all.

use super::caller::Caller;
use super::inputs::text;
use super::{ENDINGS, Story};
use crate::program::eventually_mut;
use serde_json::{Value, json};

impl Story<'_> {
    pub fn strangers_say_what_they_like(&self) {
        let marker = |place: &str| self.markers.at(place);
        self.everything_is_tried_as(&self.stranger);
        for mutation in ENDINGS {
            let (query, variables) = self.schema.filled(mutation, "__typename", self.markers);
            self.stranger.graphql(&query, &variables);
        }
        let stranger = &self.stranger;
        stranger.get(&format!("/{}/{}?{}={}", marker("path"), marker("path"), marker("query name"), marker("query value")));
        stranger.get(&format!("/healthz?token={}", marker("query of a known route")));
        stranger.get(&format!("/sandbox?organization={}&email={}", marker("sandbox organization"), marker("sandbox email")));
        stranger.get(&format!("/emails/{}", marker("email id in a path")));
        stranger.post("/emails", &format!("{{\"from\": {}", marker("broken JSON")));
        stranger.post("/graphql", &format!("{{\"query\": {}", marker("broken JSON")));
        let form = stranger.with_header("content-type", "application/x-www-form-urlencoded");
        form.post("/signin", &format!("address={}%40example.org&password={}", marker("address in a form"), marker("password in a form")));
        stranger.post(&format!("/emails/{}/cancel", marker("email id in a path")), "");
        for bearer in [marker("session token"), format!("lm_{}", marker("API key")), format!("{0}.{0}", marker("token in parts"))] {
            stranger.with(&bearer).ask("{ __typename }", &json!({}));
            stranger.with(&bearer).post("/emails", "{}");
        }
        for (name, value) in [
            ("authorization", format!("Basic {}", text("content", &|| marker("basic login")))),
            ("authorization", marker("authorization without a scheme")),
            ("cookie", format!("__Host-lethemail-session={}; session={}", marker("session cookie"), marker("session cookie"))),
            ("origin", format!("https://{}.example", marker("origin"))),
            ("content-type", format!("text/{}", marker("content type"))),
            ("accept", format!("text/{}", marker("accept"))),
            ("idempotency-key", marker("idempotency key")),
        ] {
            let caller = stranger.without_credential().with_header(name, &value);
            caller.graphql("{ viewer { id } }", &json!({}));
            caller.post("/emails", "{}");
            caller.get("/");
        }
    }

    /// All fields of the Email API, well-formed, refused and malformed.
    pub fn speaks_the_email_api(&self, application: &Caller) {
        let good = || self.message();
        let application = application.with_header("idempotency-key", &self.markers.at("REST idempotency key"));
        let (status, answer) = application.post("/emails", &good().to_string());
        assert_eq!(status, 200, "{answer}");
        application.get(&format!("/emails/{}", answer["id"].as_str().unwrap()));
        application.post("/emails", &good().to_string());
        let application = application.with_header("idempotency-key", &self.markers.at("REST idempotency key"));
        let (status, answer) = application.post("/emails/batch", &json!([self.plain(), self.plain()]).to_string());
        assert_eq!(status, 200, "{answer}");
        let marker = || self.markers.at("a bad field of POST /emails");
        for (field, value) in [
            ("from", json!(marker())),
            ("to", json!([format!("{}@", marker())])),
            ("to", json!({ "address": marker() })),
            ("subject", json!(format!("{}\r\nBcc: {}@example.org", marker(), marker()))),
            ("scheduled_at", json!(marker())),
            ("template", json!({ "id": marker() })),
            ("headers", json!({ format!("X-{}\r\nX", marker()): marker() })),
            ("tags", json!([{ "name": format!("{} ", marker()), "value": marker() }])),
            ("attachments", json!([{ "filename": marker(), "path": format!("https://{}.example/a", marker()) }])),
            ("attachments", json!([{ "filename": marker(), "content": format!("{}!", marker()) }])),
        ] {
            let mut message = good();
            message[field] = value;
            let other = application.with_header("idempotency-key", &self.markers.at("REST idempotency key"));
            let (status, answer) = other.post("/emails", &message.to_string());
            assert!((400..500).contains(&status), "{status} {answer} to {field}");
        }
    }

    fn message(&self) -> Value {
        let mut message = self.plain();
        let field = |name: &str| text(name, &|| self.markers.at(&format!("POST /emails, {name}")));
        message["attachments"] = json!([
            { "filename": field("filename"), "content": field("content"), "content_type": field("content_type") },
            { "filename": field("filename"), "content": field("content"), "content_id": field("content_id") },
        ]);
        message
    }

    fn plain(&self) -> Value {
        let field = |name: &str| text(name, &|| self.markers.at(&format!("POST /emails, {name}")));
        json!({
            "from": field("from"), "to": [field("to")], "cc": [field("cc")], "bcc": field("bcc"), "reply_to": field("reply_to"),
            "subject": field("subject"), "html": field("html"), "text": field("text"),
            "headers": { format!("X-{}", field("header name")): field("header value") },
            "tags": [{ "name": field("tag name"), "value": field("tag value") }],
            field("unknown"): field("unknown"),
        })
    }

    /// Reading, by what is there and by what is not.
    pub fn looks_around(&self, application: &Caller) {
        let marker = |place: &str| self.markers.at(place);
        let query = "query($filter: EmailFilter) { emails(filter: $filter) { nodes { id } } }";
        application.ask(query, &json!({ "filter": { "recipient": text("address", &|| marker("filter.recipient")) } }));
        application.ask(query, &json!({ "filter": { "tag": { "name": marker("filter.tag"), "value": marker("filter.tag") } } }));
        for query in [
            format!("{{ email(id: \"{}\") {{ id }} }}", marker("email(id)")),
            format!("{{ node(id: \"{}\") {{ id }} }}", marker("node(id)")),
            format!("{{ organization(id: \"{}\") {{ id }} }}", marker("organization(id)")),
            format!("{{ emails(after: \"{0}\", atLeast: \"{0}\") {{ nodes {{ id }} }} }}", marker("cursor")),
            format!("{{ {}: __typename }}", marker("alias")),
            format!("query {} {{ __typename }}", marker("operation name")),
            format!("{{ __typename # {}\n }}", marker("comment")),
            format!("{{ {} }}", marker("unknown field")),
            format!("{{ {{ \"{}\" ", marker("broken query")),
        ] {
            application.graphql(&query, &json!({ "unused": marker("unused variable") }));
        }
    }

    /// Signs in from another network address, by hand; and says things that no HTTP library would. The session that came of it.
    pub fn comes_from_somewhere(&self, address: &Value, password: &Value) -> Caller {
        // Three random bytes of the loopback network.
        let random: Vec<u32> = self.markers.at("").bytes().take(3).map(|letter| u32::from(letter) + 100).collect();
        let from = format!("127.{}.{}.{}", random[0], random[1], random[2]);
        self.markers.also(&from);
        let query = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
        let body = json!({ "query": query, "variables": { "input": { "address": address, "password": password } } }).to_string();
        let wrong = json!({ "address": address, "password": self.markers.at("a wrong password") });
        self.stranger.graphql(query, &json!({ "input": wrong }));
        let agent = self.markers.at("the user agent of a sign-in");
        let length = body.len();
        let head = format!("host: {}.example\r\nuser-agent: {agent}\r\nconnection: close\r\n", self.markers.at("host header"));
        let request = format!("POST /graphql HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        let answer = self.stranger.raw(&from, &request);
        let token = answer.split("\"token\":\"").nth(1).unwrap_or_else(|| panic!("{answer}")).split('"').next().unwrap();
        self.markers.also(token);
        let person = self.stranger.with(token);
        let mut history = Value::Null;
        eventually_mut("the history tells from where somebody signed in", || {
            history = person.ask("{ accountHistory(first: 100) { nodes { type ip userAgent } } }", &json!({}));
            history.to_string().contains(&from) && history.to_string().contains(&agent)
        });
        for start in [
            format!("{} / HTTP/1.1", self.markers.at("method")),
            format!("GET /{} HTTP/1.1", self.markers.at("path by hand")),
            format!("GET http://{}.example/ HTTP/1.1", self.markers.at("absolute address")),
            format!("GET / HTTP/{}", self.markers.at("protocol version")),
            self.markers.at("no HTTP at all"),
        ] {
            self.stranger.raw(&from, &format!("{start}\r\n{head}\r\n"));
        }
        person
    }
}
