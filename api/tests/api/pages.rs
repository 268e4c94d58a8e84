//! The pages, as a browser without scripts meets them.

use super::installation::{Installation, PASSWORD};
use domain::EmailId;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const HTML: (&str, &str) = ("accept", "text/html");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// What the delivery worker does with mail of an organisation without a server.
async fn capture_everything(installation: &Installation) {
    use domain::Clock;
    let rows = installation.database.client().await.query("SELECT email FROM spool.entry", &[]).await.unwrap();
    for row in rows {
        let until = installation.clock.now() + Duration::from_secs(24 * 3600);
        installation.commands.spool().capture(EmailId(row.get(0)), until).await.unwrap();
    }
}

#[actix_web::test]
async fn the_first_account_is_made_without_a_mail_server() {
    let installation = Installation::new().await;
    let link = installation.api.offer_first_mail_link();
    let path = link.strip_prefix(&installation.url).unwrap();
    assert!(installation.get(path).await.body.contains("No mail yet"));
    installation.sign_up("ada@example.org").await;
    capture_everything(&installation).await;
    let mail = installation.get(path).await;
    let confirm = mail.body.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(confirm.starts_with(&format!("{}/confirm?token=", installation.url)), "{confirm}");
    let again = installation.get(path).await;
    assert_eq!(again.status, 404);
    assert!(!again.body.contains("/confirm?token"));
    let token = confirm.split("token=").nth(1).unwrap().to_owned();
    let asked = installation.get(confirm.strip_prefix(&installation.url).unwrap()).await;
    assert!(asked.body.contains("<button>Confirm</button>"));
    let foreign = [FORM, ("origin", "https://evil.example")];
    assert_eq!(installation.request("POST", "/confirm", &foreign, format!("token={}", encode(&token))).await.status, 403);
    let confirmed = installation.request("POST", "/confirm", &[FORM], format!("token={}", encode(&token))).await;
    assert!(confirmed.body.contains("Address confirmed"), "{}", confirmed.body);
}

#[actix_web::test]
async fn a_member_reads_the_organizations_captured_mail_and_nobody_else_does() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let eve = installation.account("eve@example.org").await;
    let send = "mutation { sendEmail(input: { from: \"a@b.cc\", to: [\"bob@example.com\"], subject: \"<b>Hi</b>\", text: \"<i>x</i>\",
        html: \"<script>alert(1)</script>\" }) { email { uuid } } }";
    let sent = installation.graphql(&account.key, send, json!({})).await;
    let uuid: Uuid = sent["sendEmail"]["email"]["uuid"].as_str().unwrap().parse().unwrap();
    capture_everything(&installation).await;
    let form = format!("address={}&password={}", encode("ada@example.org"), encode(PASSWORD));
    let signed_in = installation.request("POST", "/signin", &[FORM], form).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/sandbox")));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let list = installation.request("GET", "/sandbox", &[("cookie", &cookie), HTML], "").await;
    assert!(list.body.contains("&lt;b&gt;Hi&lt;/b&gt;") && list.body.contains("bob@example.com"), "{}", list.body);
    let one = installation.request("GET", &format!("/sandbox?email={uuid}"), &[("cookie", &cookie), HTML], "").await;
    assert!(one.body.contains("<iframe sandbox srcdoc=\"&lt;script&gt;"), "{}", one.body);
    assert!(!one.body.contains("<script"));
    assert!(one.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let stranger = installation.request("GET", &format!("/sandbox?email={uuid}"), &[("cookie", &eve.cookie), HTML], "").await;
    assert_eq!(stranger.status, 404);
    assert_eq!(installation.request("GET", "/sandbox", &[HTML], "").await.header("location"), Some("/signin"));
}

#[actix_web::test]
async fn captured_mail_is_listed_page_by_page_and_the_oldest_can_be_read() {
    let installation = Installation::new().await;
    let account = installation.account("ada@example.org").await;
    let message = |number: usize| json!({ "from": "a@b.cc", "to": ["bob@example.com"], "subject": format!("No. {number}!"), "text": "x" });
    let send = "mutation($m: [MessageInput!]!) { sendEmails(input: { messages: $m }) { emails { uuid } } }";
    let mut uuids = Vec::new();
    for messages in [0..2, 2..52] {
        // Ids of one millisecond are in no order.
        installation.clock.advance(Duration::from_secs(1));
        let sent = installation.graphql(&account.key, send, json!({ "m": messages.map(message).collect::<Vec<_>>() })).await;
        uuids.extend(sent["sendEmails"]["emails"].as_array().unwrap().iter().map(|email| email["uuid"].as_str().unwrap().to_owned()));
    }
    capture_everything(&installation).await;
    let get = async |path: String| installation.request("GET", &path, &[("cookie", &account.cookie), HTML], "").await;
    let (mut path, mut seen) = ("/sandbox".to_owned(), Vec::new());
    for listed in [20, 20, 12] {
        let list = get(path.clone()).await.body;
        let subjects: Vec<_> = list.split("No. ").skip(1).map(|rest| rest.split('!').next().unwrap().to_owned()).collect();
        assert_eq!(subjects.len(), listed, "{list}");
        seen.extend(subjects);
        let links: Vec<_> = list.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect();
        path = links.into_iter().find(|link| link.contains("before=")).unwrap_or_default();
    }
    assert_eq!(path, "");
    let mut numbers: Vec<usize> = seen.iter().map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..52).collect::<Vec<_>>());
    let oldest = get(format!("/sandbox?email={}", uuids[0])).await;
    assert!(oldest.status == 200 && oldest.body.contains("No. 0!"), "{oldest:?}");
}

#[actix_web::test]
async fn m5_2_no_page_names_another_origin() {
    let installation = Installation::new().await;
    for path in ["/", "/graphiql", "/signin", "/confirm?token=x", "/nowhere"] {
        let page = installation.request("GET", path, &[HTML], "").await;
        let policy = page.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
        assert!(!policy.contains("http") && !policy.contains('*'), "{path}: {policy}");
        let body = page.body.replace(&installation.url, "");
        assert!(!body.contains("http://") && !body.contains("https://") && !body.contains("src=\"//"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    }
    for asset in ["graphiql.js", "graphiql.css", "react.js", "react-dom.js", "graphiql-start.js", "graphiql-page.css", "style.css"] {
        assert_eq!(installation.get(&format!("/assets/{asset}")).await.status, 200, "{asset}");
    }
}

#[actix_web::test]
async fn health_and_readiness_are_told_apart() {
    let installation = Installation::new().await;
    assert_eq!(installation.get("/healthz").await.status, 200);
    assert_eq!(installation.get("/readyz").await.status, 503);
    installation.readiness.set_serving(true);
    assert_eq!(installation.get("/readyz").await.status, 200);
    assert_eq!(installation.get("/nowhere").await.json()["name"], "not_found");
}

#[actix_web::test]
async fn m0_2_the_privacy_policy_is_a_page_that_names_every_purpose() {
    let installation = Installation::new().await;
    let page = installation.get("/policy").await;
    assert_eq!(page.status, 200);
    for purpose in domain::Purpose::ALL {
        assert!(page.body.contains(&format!("<strong>{}</strong>", domain::word_of(purpose))), "{purpose:?}");
    }
    assert!(page.body.contains("<h2>On what ground</h2>") && page.body.contains("<td>legitimate interest</td>"), "{}", page.body);
    assert!(!page.body.contains("**") && !page.body.contains("|---|") && !page.body.contains("## "), "no Markdown is left");
    assert!(installation.get("/").await.body.contains("href=\"/policy\""));
}
