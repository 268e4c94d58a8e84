//! Words that stand nowhere else are put wherever somebody may say something, and are then looked for in every byte that was kept or printed.

mod caller;
mod inputs;
mod markers;
mod requests;
mod scan;

use super::sink::Sink;
use crate::program::{Place, Program, eventually_mut, lethemail};
use caller::Caller;
use inputs::{INTROSPECTION, Schema};
use markers::Markers;
use nix::sys::signal::Signal;
use scan::{Looked, Scan};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// These end what the others need.
const ENDINGS: [&str; 6] = ["revokeApiKey", "restrictAccount", "signOut", "eraseAccount", "eraseOrganization", "eraseRecipient"];

struct Story<'a> {
    markers: &'a Markers,
    schema: Schema,
    /// Mutations that did what they are for.
    done: BTreeSet<String>,
    stranger: Caller,
    sink: Sink,
    username: String,
    secret: String,
}

#[test]
fn m1_1_m1_3_m1_5_m1_6_c4_5_m6_2_nothing_that_anybody_said_stands_in_clear_on_disk_or_in_the_log() {
    let markers = Markers::new();
    let place = Place::new();
    let mut program = start(&place);
    let mut story = Story::new(&markers, &mut program);

    let (person, address, password) = story.somebody_signs_up(&mut program);
    let (application, api_key) = story.founds_an_organization(&person);
    let sent = story.sends(&person, &application);
    story.strangers_say_what_they_like();
    story.everything_is_tried_as(&person);
    story.everything_is_tried_as(&application);
    story.speaks_the_email_api(&application);
    story.looks_around(&application);
    let elsewhere = story.comes_from_somewhere(&address, &password);
    story.delivery_is_told(&application, &sent);
    metrics_are_said(&mut program);
    nothing_is_found("while it runs", &markers, &place, program.so_far());

    program.signal(Signal::SIGKILL);
    let (_, said) = program.ended();
    nothing_is_found("after a crash", &markers, &place, &said);
    let mut program = start(&place);
    story.moved_to(&program);
    let (person, elsewhere, application) = (story.again(&person), story.again(&elsewhere), story.again(&application));
    story.delivery_is_told(&application, &sent);
    metrics_are_said(&mut program);
    nothing_is_found("after the crash was repaired", &markers, &place, program.so_far());

    story.forgets(&application, &sent);
    story.does(&elsewhere, "signOut", &[], "position");
    story.limits_and_decides(&application);
    let organization = application.ask("{ organization { id } }", &json!({}))["organization"]["id"].clone();
    story.keeps_and_holds(&person, &organization);
    story.does(&person, "restrictAccount", &[], "position");
    story.does(&person, "revokeApiKey", &[("/input/apiKey", api_key)], "apiKey { id }");
    let proven = [("/input/organization", organization), ("/input/password", password.clone())];
    story.does(&person, "eraseOrganization", &proven, "erasureId");
    story.does(&person, "eraseAccount", &[("/input/password", password)], "erasureId");
    metrics_are_said(&mut program);
    let (status, said) = program.terminate();
    assert!(status.success(), "{said:?}");
    nothing_is_found("after erasure", &markers, &place, &said);
    the_search_finds_what_is_there(&markers, &place, &said);

    let all: BTreeSet<String> = story.schema.mutations().into_iter().collect();
    assert_eq!(story.done, all, "every mutation of the schema has its place in this story: give the new one its own");
    assert!(markers.count() > 1000, "{}", markers.count());
}

fn start(place: &Place) -> Program {
    let mut command = lethemail(place);
    command
        .env("LETHEMAIL_EGRESS__ALLOWED_NETWORKS", "127.0.0.0/8")
        .env("LETHEMAIL_LOG__LEVEL", "trace")
        .env("LETHEMAIL_METRICS__LISTEN", "127.0.0.1:0");
    let mut program = Program::spawn(&mut command);
    program.until("\"ready\"");
    program
}

fn url_of(program: &Program) -> String {
    super::client::Client::of(program).url
}

/// What the metrics say is looked through with everything else that the program says.
fn metrics_are_said(program: &mut Program) {
    let text = super::metrics::metrics_of(program).get_text("/metrics").1;
    program.said.push(text);
}

fn nothing_is_found(when: &str, markers: &Markers, place: &Place, said: &[String]) {
    let scan = Scan::for_markers(markers);
    let mut looked = scan.directory(place.path());
    assert!(looked.files > 500 && looked.bytes > 20_000_000, "{} files of {} bytes", looked.files, looked.bytes);
    scan.bytes("what the program said", said.join("\n").as_bytes(), &mut looked);
    let shown = looked.found.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(looked.found.is_empty(), "{when}, {} times:\n{shown}", looked.found.len());
}

/// Controls: a search that finds nothing proves something only if it would have found it.
fn the_search_finds_what_is_there(markers: &Markers, place: &Place, said: &[String]) {
    let known = Scan::for_word(markers, "EmailQueued").directory(&place.data());
    assert!(known.found.iter().any(|found| found.contains("/pg_wal/")), "the write-ahead log is looked through");
    assert!(known.found.iter().any(|found| found.contains("/base/")), "the tables are looked through");
    let mut log = Looked::default();
    Scan::for_word(markers, "\"message\":\"request\"").bytes("the log", said.join("\n").as_bytes(), &mut log);
    assert!(!log.found.is_empty(), "the log is looked through");
    let mut metrics = Looked::default();
    Scan::for_word(markers, "lethemail_http_requests_total{").bytes("the metrics", said.join("\n").as_bytes(), &mut metrics);
    assert!(!metrics.found.is_empty(), "the metrics are looked through");
    let marker = markers.at("a file that is left behind on purpose");
    let left = place.data().join("left-behind");
    std::fs::write(&left, format!("something {} something", inputs::text("content", &|| marker.clone()))).unwrap();
    assert!(!Scan::for_markers(markers).directory(place.path()).found.is_empty(), "a marker that is there is found");
    std::fs::remove_file(left).unwrap();
}

impl<'a> Story<'a> {
    fn new(markers: &'a Markers, program: &mut Program) -> Self {
        let stranger = Caller::new(&url_of(program), "a stranger", markers);
        let schema = Schema::of(&stranger.ask(INTROSPECTION, &json!({})));
        let (username, secret) = (markers.at("the SMTP user name"), markers.at("the SMTP secret"));
        let sink = Sink::start(&["--login", &format!("{username}:{secret}")]);
        Self { markers, schema, done: BTreeSet::new(), stranger, sink, username, secret }
    }

    /// A mutation with markers everywhere but in `changes`, which must not be refused: what it was asked, and its payload.
    fn does(&mut self, caller: &Caller, mutation: &str, changes: &[(&str, Value)], selection: &str) -> (Value, Value) {
        let (query, mut variables) = self.schema.filled(mutation, selection, self.markers);
        for (pointer, value) in changes {
            *variables.pointer_mut(pointer).unwrap_or_else(|| panic!("{mutation} has no {pointer}")) = value.clone();
        }
        let payload = caller.ask(&query, &variables)[mutation].clone();
        assert_eq!(payload["userErrors"], json!([]), "{mutation} was refused: {variables:#}");
        self.done.insert(mutation.to_owned());
        (variables["input"].clone(), payload)
    }

    /// The first account: its address is confirmed by the link that the program printed.
    fn somebody_signs_up(&mut self, program: &mut Program) -> (Caller, Value, Value) {
        let stranger = self.stranger.clone();
        let (input, _) = self.does(&stranger, "signUp", &[], "position");
        let (address, password) = (input["address"].clone(), input["password"].clone());
        let said = program.line_with("shown once at ");
        let link = said.split("shown once at ").nth(1).unwrap().trim_end_matches("):").to_owned();
        let path = link.strip_prefix(&url_of(program)).expect("the link leads here");
        let mut mail = String::new();
        eventually_mut("the first mail is shown", || {
            mail = stranger.get(path).1;
            mail.contains("token=")
        });
        let token = mail.split("token=").nth(1).unwrap();
        let token: String = token.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter)).collect();
        self.markers.also(&token);
        self.does(&stranger, "confirmAddress", &[("/input/token", json!(token))], "position");
        let session = [("/input/address", address.clone()), ("/input/password", password.clone())];
        let (_, session) = self.does(&stranger, "signIn", &session, "token");
        let token = session["token"].as_str().unwrap();
        self.markers.also(token);
        let person = Caller::new(&url_of(program), "a person", self.markers).with(token);
        // The address is told that somebody wanted it once more.
        self.does(&stranger, "signUp", &[("/input/address", address.clone())], "position");
        (person, address, password)
    }

    fn founds_an_organization(&mut self, person: &Caller) -> (Caller, Value) {
        self.does(person, "createOrganization", &[], "organization { id }");
        let (_, made) = self.does(person, "createApiKey", &[("/input/organization", Value::Null)], "token apiKey { id }");
        let token = made["token"].as_str().unwrap();
        self.markers.also(token);
        self.markers.also(&token[token.len() - 20..]);
        (Caller::new(&self.url(), "an application", self.markers).with(token), made["apiKey"]["id"].clone())
    }

    fn url(&self) -> String {
        self.stranger.url().to_owned()
    }

    /// Through the sandbox first, then through a server that talks: what was asked, and the ids of the messages.
    fn sends(&mut self, person: &Caller, application: &Caller) -> Vec<(Value, Value)> {
        let nobody = ("/input/organization", Value::Null);
        let (input, _) = self.does(application, "sendEmail", std::slice::from_ref(&nobody), "email { id }");
        let shown = |page: &str| page.contains(input["subject"].as_str().unwrap().split(' ').next().unwrap());
        eventually_mut("the sandbox shows the message", || shown(&person.get("/sandbox").1));
        let server = [
            nobody.clone(),
            ("/input/host", json!("127.0.0.1")),
            ("/input/port", json!(self.sink.port)),
            ("/input/tlsMode", json!("NONE")),
            ("/input/username", json!(self.username)),
            ("/input/secret", json!(self.secret)),
        ];
        self.does(person, "connectSmtpServer", &server, "smtpServer { id }");
        let mut sent = Vec::new();
        for _ in 0..3 {
            let (input, payload) = self.does(application, "sendEmail", std::slice::from_ref(&nobody), "email { id }");
            sent.push((input, payload["email"]["id"].clone()));
        }
        let (input, payload) = self.does(application, "sendEmails", &[nobody], "emails { id }");
        sent.push((input["messages"][0].clone(), payload["emails"][0]["id"].clone()));
        sent
    }

    /// Every mutation with a marker in everything, ids included, whatever comes of it.
    fn everything_is_tried_as(&self, caller: &Caller) {
        for mutation in self.schema.mutations() {
            let (query, variables) = self.schema.filled(&mutation, "__typename", self.markers);
            // A field that is not there, and a type that is wrong: the error quotes the query.
            let unknown = self.markers.at(&format!("an unknown field of {mutation}"));
            caller.graphql(&query.replace("__typename", &unknown), &variables);
            if !ENDINGS.contains(&mutation.as_str()) {
                caller.graphql(&query, &variables);
                caller.graphql(&query, &json!({ "input": self.markers.at(&format!("the wrong type for {mutation}")) }));
            }
        }
    }

    /// Each message reached one person, was refused to another, and waits for a third; and everything that was said can still be read.
    fn delivery_is_told(&self, application: &Caller, sent: &[(Value, Value)]) {
        let query =
            "query($id: ID!) { email(id: $id) { subject from recipients { address name state } tags { value } headers { name value }
            attachmentNames timeline { type outcomes { reply } } } }";
        for (input, id) in sent {
            let mut email = Value::Null;
            eventually_mut("all recipients had their turn", || {
                email = application.ask(query, &json!({ "id": id }))["email"].clone();
                let states: Vec<&str> = email["recipients"].as_array().unwrap().iter().map(|to| to["state"].as_str().unwrap()).collect();
                states == ["RELAYED", "BOUNCED", "DEFERRED"]
            });
            let told = email.to_string();
            assert_eq!(email["subject"], input["subject"]);
            assert_eq!(email["attachmentNames"][0], input["attachments"][0]["filename"]);
            let replies = email["timeline"].to_string();
            for field in ["cc", "bcc"] {
                let written = input[field][0].as_str().unwrap();
                let address = written.split('<').nth(1).unwrap().trim_end_matches('>').to_lowercase();
                assert!(told.to_lowercase().contains(&address), "{email:#}");
                assert!(replies.to_lowercase().contains(&address), "the server quoted {address}: {email:#}");
            }
        }
    }

    fn moved_to(&mut self, program: &Program) {
        self.stranger = self.stranger.moved_to(&url_of(program));
    }

    fn again(&self, caller: &Caller) -> Caller {
        caller.moved_to(self.stranger.url())
    }

    /// Somebody's data is restricted and freed again, somebody objects, and of two who ask to be forgotten one is refused.
    fn limits_and_decides(&mut self, application: &Caller) {
        let nobody = ("/input/organization", Value::Null);
        let (input, _) = self.does(application, "restrictRecipient", std::slice::from_ref(&nobody), "position");
        let person = [nobody.clone(), ("/input/address", input["address"].clone())];
        self.does(application, "announceRestrictionLift", &person, "position");
        self.does(application, "liftRestriction", &person, "position");
        self.does(application, "objectToProcessing", &person, "position");
        for decision in ["approveErasure", "refuseErasure"] {
            let asked = [nobody.clone(), ("/input/child", json!(false))];
            let (_, case) = self.does(application, "requestErasure", &asked, "erasureId");
            self.does(application, decision, &[("/input/erasure", case["erasureId"].clone())], "position");
        }
    }

    /// Days are kept for longer, and some are held until somebody lets them go.
    fn keeps_and_holds(&mut self, person: &Caller, organization: &Value) {
        let whose = ("/input/organization", organization.clone());
        self.does(person, "setRetention", &[whose.clone(), ("/input/days", json!(365))], "position");
        self.does(person, "chooseFiscalYear", std::slice::from_ref(&whose), "position");
        let history = person.ask("{ accountHistory(first: 1) { nodes { occurredAt } } }", &json!({}));
        let now = history["accountHistory"]["nodes"][0]["occurredAt"].as_str().unwrap().to_owned();
        let next_year = now[..4].parse::<u32>().unwrap() + 1;
        let expiry = ("/input/expiresAt", json!(format!("{next_year}-06-01T00:00:00Z")));
        let (_, held) = self.does(person, "requestHold", &[whose, expiry], "hold { id }");
        let hold = [("/input/hold", held["hold"]["id"].clone())];
        self.does(person, "approveHold", &hold, "position");
        self.does(person, "releaseHold", &hold, "position");
    }

    /// A message is stopped, and the people of two are forgotten.
    fn forgets(&mut self, application: &Caller, sent: &[(Value, Value)]) {
        self.does(application, "cancelEmail", &[("/input/email", sent[1].1.clone())], "email { id }");
        for (input, id) in &sent[..2] {
            for field in ["to", "cc"] {
                let address = input[field][0].as_str().unwrap().split('<').nth(1).unwrap().trim_end_matches('>');
                let changes = [("/input/organization", Value::Null), ("/input/address", json!(address))];
                self.does(application, "eraseRecipient", &changes, "erasureId");
            }
            let email = application.ask("query($id: ID!) { email(id: $id) { recipients { personalData } } }", &json!({ "id": id }));
            assert!(email.to_string().contains("ERASED"), "{email:#}");
        }
    }
}
