//! How long days are kept, and what is held, as members ask for it.

use super::installation::{Account, Installation};
use commands::{BucketSweep, RetentionDecisions};
use domain::Clock;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const SET: &str = "mutation($d: Int!, $o: ID) { setRetention(input: { days: $d, organization: $o }) {
    organization { retention { days effectiveAt ground upcoming { days effectiveAt ground } } } position userErrors { field code } } }";
const RETENTION: &str =
    "query($t: DateTime) { organization(asOf: $t) { retention { days ground upcoming { days } } buckets { class firstDay lastDay endsAt
    endGround destroyedAt } holds { id stage firstDay lastDay approvals { userId } } } }";
const REQUEST: &str = "mutation($input: RequestHoldInput!) { requestHold(input: $input) { hold { id stage ground firstDay lastDay } userErrors { field code } } }";
const APPROVE: &str =
    "mutation($h: ID!) { approveHold(input: { hold: $h }) { hold { stage approvals { userId } } userErrors { field code } } }";
const RELEASE: &str =
    "mutation($h: ID!) { releaseHold(input: { hold: $h }) { hold { stage releasedAt } position userErrors { field code } } }";

async fn set(installation: &Installation, account: &Account, days: i32) -> Value {
    installation.graphql(&account.session, SET, json!({ "d": days })).await["setRetention"].take()
}

/// Lets days pass, with a look at the end of each.
async fn pass(installation: &Installation, decisions: &mut RetentionDecisions, days: u32) {
    for _ in 0..days {
        installation.clock.advance(DAY);
        let sweep = installation.commands.expire_buckets(decisions).await.unwrap();
        assert!(matches!(sweep, BucketSweep::Swept { .. }), "{sweep:?}");
    }
}

/// Whether the recipient of a message is shown.
async fn shown(installation: &Installation, account: &Account, email: &str) -> (Value, Value) {
    let query = "query($id: ID!) { email(id: $id) { recipients { address personalData } } }";
    let mut found = installation.graphql(&account.key, query, json!({ "id": email })).await;
    let recipient = found["email"]["recipients"][0].take();
    (recipient["address"].clone(), recipient["personalData"].clone())
}

#[actix_web::test]
async fn m4_4_on_day_ninety_one_the_first_days_mail_is_dark_and_the_third_days_is_not() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let mut decisions = RetentionDecisions::default();
    let (first, _) = installation.send(&ada.key, &["bob@example.com"]).await;
    pass(&installation, &mut decisions, 2).await;
    let (third, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let fresh = "query($p: Position) { emails(atLeast: $p) { nodes { id } } }";
    installation.graphql(&ada.key, fresh, json!({ "p": position })).await;
    pass(&installation, &mut decisions, 88).await;
    assert_eq!(shown(&installation, &ada, &first).await, (json!("bob@example.com"), json!("READABLE")), "day 90");
    pass(&installation, &mut decisions, 1).await;
    assert_eq!(shown(&installation, &ada, &first).await, (Value::Null, json!("EXPIRED")));
    assert_eq!(shown(&installation, &ada, &third).await, (json!("bob@example.com"), json!("READABLE")));
}

#[actix_web::test]
async fn m4_5_a_retention_is_extended_at_once_and_shortened_with_notice_and_every_bucket_tells_its_end() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    installation.send(&ada.key, &["bob@example.com"]).await;
    let before = installation.clock.now().to_string();
    installation.clock.advance(Duration::from_secs(60));
    let extended = set(&installation, &ada, 365).await;
    let retention = &extended["organization"]["retention"];
    assert_eq!((&retention["days"], &retention["ground"], &retention["upcoming"]), (&json!(365), &json!("OWN_CHOICE"), &Value::Null));
    let shortened = set(&installation, &ada, 30).await["organization"]["retention"].take();
    assert_eq!((&shortened["days"], &shortened["upcoming"]["days"]), (&json!(365), &json!(30)));
    let told = installation.graphql(&ada.session, RETENTION, json!({})).await["organization"].take();
    let today = installation.clock.now().day();
    let bucket = told["buckets"].as_array().unwrap().iter().find(|bucket| bucket["class"] == "OPS").unwrap();
    assert_eq!((&bucket["firstDay"], &bucket["lastDay"]), (&json!(today.to_string()), &json!(today.to_string())));
    let end = domain::Day(today.0 + 31).start().to_datetime();
    assert_eq!(
        (bucket["endsAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), &bucket["endGround"]),
        (end, &json!("SHORTENING"))
    );
    let past = installation.graphql(&ada.session, RETENTION, json!({ "t": before })).await["organization"].take();
    assert_eq!((&past["retention"]["days"], &past["retention"]["upcoming"], &past["buckets"]), (&json!(90), &Value::Null, &Value::Null));
    for days in [0, 3651, 70_000] {
        let refused = set(&installation, &ada, days).await;
        assert_eq!(refused["userErrors"], json!([{ "field": ["input", "days"], "code": "RETENTION_OUT_OF_RANGE" }]));
    }
    let reply = installation.graphql_reply(&ada.key, SET, json!({ "d": 365 })).await;
    assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "FORBIDDEN", "a key does not decide about keys");
}

#[actix_web::test]
async fn c5_7a_a_hold_waits_for_two_people_of_the_organization_and_is_nobody_elses() {
    let installation = Installation::new().await;
    let (ada, eve) = (installation.account("ada@example.org").await, installation.account("eve@example.org").await);
    let today = installation.clock.now().day();
    let expires_at = (installation.clock.now() + DAY * 100).to_string();
    let input =
        json!({ "firstDay": today.previous().to_string(), "lastDay": today.to_string(), "ground": "LEGAL_CLAIM", "expiresAt": expires_at });
    let asked = installation.graphql(&ada.session, REQUEST, json!({ "input": input })).await["requestHold"].take();
    assert_eq!((&asked["userErrors"], &asked["hold"]["stage"]), (&json!([]), &json!("REQUESTED")));
    let hold = asked["hold"]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let approved = installation.graphql(&ada.session, APPROVE, json!({ "h": hold })).await["approveHold"].take();
        assert_eq!((&approved["hold"]["stage"], approved["hold"]["approvals"].as_array().unwrap().len()), (&json!("REQUESTED"), 1));
    }
    for mutation in [APPROVE, RELEASE] {
        let stranger = installation.graphql(&eve.session, mutation, json!({ "h": hold })).await;
        assert!(stranger.to_string().contains(r#"{"code":"NOT_FOUND","field":["input","hold"]}"#), "{stranger}");
        let reply = installation.graphql_reply(&ada.key, mutation, json!({ "h": hold })).await;
        assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    let told = installation.graphql(&ada.session, RETENTION, json!({})).await["organization"]["holds"].take();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["id"], &told[0]["stage"]), (1, &json!(hold), &json!("REQUESTED")));
    let released = installation.graphql(&ada.session, RELEASE, json!({ "h": hold })).await["releaseHold"].take();
    assert_eq!(released["hold"]["stage"], "RELEASED");
    let position = installation.graphql(&ada.session, RELEASE, json!({ "h": hold })).await["releaseHold"]["position"].take();
    let actions = "query($p: Position) { accountHistory(first: 5, atLeast: $p) { nodes { type targetId ip } } }";
    let actions = installation.graphql(&ada.session, actions, json!({ "p": position })).await["accountHistory"]["nodes"].take();
    let of_hold = actions.as_array().unwrap().iter().filter(|action| action["targetId"] == json!(hold));
    let types: Vec<&str> = of_hold.filter_map(|action| action["type"].as_str()).collect();
    assert_eq!(types, ["HoldReleased", "HoldApproved", "HoldRequested"], "each asking is an action of somebody");
    let late = installation.graphql(&ada.session, APPROVE, json!({ "h": hold })).await["approveHold"].take();
    assert_eq!(late["userErrors"], json!([{ "field": ["input", "hold"], "code": "HOLD_ENDED" }]));
    for (field, value, refused) in [
        ("firstDay", json!("2030-01-01"), json!({ "field": ["input", "lastDay"], "code": "DAYS_INVALID" })),
        ("expiresAt", json!("2020-01-01T00:00:00Z"), json!({ "field": ["input", "expiresAt"], "code": "EXPIRY_INVALID" })),
    ] {
        let mut input = input.clone();
        input[field] = value;
        let answer = installation.graphql(&ada.session, REQUEST, json!({ "input": input })).await["requestHold"].take();
        assert_eq!(answer["userErrors"], json!([refused]));
    }
}

#[actix_web::test]
async fn m4_3_the_fiscal_year_begins_where_the_organization_says() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let choose = "mutation($m: Int!) { chooseFiscalYear(input: { firstMonth: $m }) { organization { retention { fiscalYearFirstMonth } } userErrors { field code } } }";
    let chosen = installation.graphql(&ada.session, choose, json!({ "m": 4 })).await["chooseFiscalYear"].take();
    assert_eq!(chosen["organization"]["retention"]["fiscalYearFirstMonth"], 4);
    let refused = installation.graphql(&ada.session, choose, json!({ "m": 13 })).await["chooseFiscalYear"].take();
    assert_eq!(refused["userErrors"], json!([{ "field": ["input", "firstMonth"], "code": "MONTH_INVALID" }]));
}
