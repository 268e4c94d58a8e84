//! What a person reads at the start: where things are, and three steps to a first mail.

use crate::service::Service;
use api::Api;
use domain::{Category, Position, SANDBOX_DOMAIN};
use event_store::{Filter, ReadError};
use projections::delivery_queue::Pause;

/// Printed to standard output; log lines go to standard error.
pub(crate) async fn print(service: &Service, api: &Api, url: &str, pause: Option<&Pause>) -> Result<(), ReadError> {
    println!("Lethemail is ready.\n");
    println!("  GraphQL    {url}/graphql   (to try it: {url}/graphiql)");
    println!("  Email API  {url}/emails   (Resend's SDKs work with this base URL)");
    println!("  Sandbox    {url}/sandbox   (mail of organisations without an SMTP server is caught here)\n");
    if let Some(pause) = pause {
        println!("  NOTHING IS SENT since {}: {}", pause.since, pause.reason);
        println!("  `lethemail queue status` tells what waits, `lethemail queue resume --reason …` lets it go.\n");
    }
    if !somebody_is_confirmed(service).await? {
        println!("{}", first_steps(url, &api.offer_first_mail_link()));
    }
    Ok(())
}

async fn somebody_is_confirmed(service: &Service) -> Result<bool, ReadError> {
    let confirmations = Filter { event_types: vec!["AddressConfirmed".into()], ..Filter::categories(&[Category::User]) };
    Ok(!service.store.read_matching(Position::START, 1, &confirmations).await?.is_empty())
}

/// Three commands for a shell with curl. The confirmation mail of the first account is opened by a link that works once.
fn first_steps(url: &str, link: &str) -> String {
    format!(
        r#"Try it (the confirmation mail of the first account is shown once at {link}):

1. Sign up.
   ask() {{ curl -s {url}/graphql -H 'content-type: application/json' -H "authorization: Bearer $SESSION" -d "{{\"query\":\"$1\"}}"; }}
   curl -s {url}/graphql -H 'content-type: application/json' -d '{{"query":"mutation {{ signUp(input: {{name: \"Ada\", address: \"ada@example.com\", password: \"correct horse battery\", ageAttested: true, privacyPolicyVersion: 1}}) {{ userErrors {{ message }} }} }}"}}'

2. Open the mail, confirm, sign in, found an organisation and make an API key.
   until [ -n "$TOKEN" ]; do sleep 1; TOKEN=$(curl -s '{link}' | grep -o 'token=[A-Za-z0-9._-]*' | head -n 1 | cut -d= -f2); done
   SESSION=$(curl -s {url}/graphql -H 'content-type: application/json' -d "{{\"query\":\"mutation {{ confirmAddress(input: {{token: \\\"$TOKEN\\\"}}) {{ userErrors {{ message }} }} signIn(input: {{address: \\\"ada@example.com\\\", password: \\\"correct horse battery\\\"}}) {{ token }} }}\"}}" | grep -o '"token":"[^"]*' | cut -d'"' -f4)
   ask 'mutation {{ createOrganization(input: {{name: \"Analytical Engines\"}}) {{ userErrors {{ message }} }} }}'
   KEY=$(ask 'mutation {{ createApiKey(input: {{name: \"first\", scopes: [SEND_EMAILS, READ_EMAILS, ERASE_RECIPIENTS]}}) {{ token }} }}' | grep -o 'lm_[^"]*')

3. Send, and see what became of it.
   curl -s {url}/emails -H "authorization: Bearer $KEY" -H 'content-type: application/json' -d '{{"from":"Ada <ada@example.com>","to":["delivered@{SANDBOX_DOMAIN}"],"subject":"Hello","text":"It works."}}'
   curl -s {url}/graphql -H "authorization: Bearer $KEY" -H 'content-type: application/json' -d '{{"query":"{{ emails {{ nodes {{ status subject timeline {{ type occurredAt }} }} }} }}"}}'
"#
    )
}
