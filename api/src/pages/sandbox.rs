//! Mail that the built-in sandbox captured: an organisation's own, for its members; and once the platform's newest, for whoever started it.

use super::html::{escape, failed, page};
use crate::call::{Call, Denied, Need};
use crate::node_id::NodeId;
use crate::state::State;
use actix_web::http::header;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use commands::{CapturedMail, Fault, ParsedMessage, parse_message};
use domain::{Actor, EmailId, OrganizationId, SystemActor};
use serde::Deserialize;

/// So many are listed on a page.
const LISTED: i64 = 20;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// A one-time token.
    once: Option<String>,
    /// The message to show.
    email: Option<EmailId>,
    /// Lists what is older than this message.
    before: Option<EmailId>,
    /// Whose mail, by a person with several organisations.
    organization: Option<String>,
}

pub(super) async fn sandbox(request: HttpRequest, state: Data<State>, asked: Query<Asked>) -> HttpResponse {
    let shown = match &asked.once {
        Some(token) => first_mail(&state, token).await,
        None => own_mail(&request, &state, &asked).await,
    };
    shown.unwrap_or_else(|error| failed(&error))
}

/// The link is used up only when there is something to show.
async fn first_mail(state: &State, token: &str) -> Result<HttpResponse, Fault> {
    let unknown =
        || page(HttpResponse::NotFound(), "This link does not work", "<p>It was used already, or the program was started again.</p>");
    if !state.first_mail.is(token) {
        return Ok(unknown());
    }
    let (spool, now) = (state.commands.spool(), state.clock.now());
    let newest = match spool.captured_ids(OrganizationId::PLATFORM, now, None, 1).await?.first() {
        Some(id) => state.commands.open_captured(Actor::System(SystemActor::Platform), OrganizationId::PLATFORM, *id, now).await?,
        None => None,
    };
    let Some(mail) = newest else {
        return Ok(page(HttpResponse::Ok(), "No mail yet", "<p>Sign up first, then load this page again. The link keeps until then.</p>"));
    };
    if !state.first_mail.take(token) {
        return Ok(unknown());
    }
    Ok(message(state, &mail))
}

async fn own_mail(request: &HttpRequest, state: &Data<State>, asked: &Asked) -> Result<HttpResponse, Fault> {
    let call = match Call::of(state, request).await {
        Ok(call) => call,
        Err(fault) => return Ok(failed(&fault)),
    };
    let Ok(session) = call.person() else {
        return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, "/signin")).finish());
    };
    let organization = match call.organization(asked.organization.as_deref(), Need::Read).await {
        Ok(organization) => organization,
        Err(Denied::OrganizationRequired) => return Ok(choice(session.organizations.iter().copied())),
        Err(Denied::Fault(fault)) => return Ok(failed(&fault)),
        Err(_) => return Ok(super::not_found(request.clone()).await),
    };
    match asked.email {
        None => list(&call, organization, asked.before).await,
        Some(id) => match state.commands.open_captured(call.actor(), organization, id, state.clock.now()).await? {
            Some(mail) => Ok(message(state, &mail)),
            None => Ok(super::not_found(request.clone()).await),
        },
    }
}

fn choice(organizations: impl Iterator<Item = OrganizationId>) -> HttpResponse {
    let links: String = organizations
        .map(NodeId::organization)
        .map(|id| format!("<li><a href=\"/sandbox?organization={id}\"><code>{id}</code></a></li>"))
        .collect();
    let body = match links.as_str() {
        "" => {
            "<p>You belong to no organization yet. <a href=\"/graphiql\">Found one</a> by <code>createOrganization</code>.</p>".to_owned()
        }
        links => format!("<p>Whose mail?</p><ul>{links}</ul>"),
    };
    page(HttpResponse::Ok(), "Sandbox", &body)
}

async fn list(call: &Call, organization: OrganizationId, before: Option<EmailId>) -> Result<HttpResponse, Fault> {
    let (commands, now) = (&call.state.commands, call.state.clock.now());
    let ids = commands.spool().captured_ids(organization, now, before, LISTED).await?;
    let Some(last) = ids.last() else {
        return Ok(page(HttpResponse::Ok(), "Sandbox", "<p>No mail was captured in the last 24 hours.</p>"));
    };
    let id = NodeId::organization(organization);
    let mut rows = String::new();
    for email in &ids {
        // Gone since: expired between the two looks.
        let Some(mail) = commands.open_captured(call.actor(), organization, *email, now).await? else { continue };
        let subject = parsed(&mail).subject.unwrap_or_else(|| "(no subject)".to_owned());
        rows.push_str(&format!(
            "<tr><td><a href=\"/sandbox?organization={id}&amp;email={email}\">{}</a></td><td>{}</td></tr>",
            escape(&subject),
            escape(&recipients(&mail)),
        ));
    }
    let is_full = i64::try_from(ids.len()).is_ok_and(|listed| listed == LISTED);
    let older = if is_full { format!("<p><a href=\"/sandbox?organization={id}&amp;before={last}\">Older</a></p>") } else { String::new() };
    Ok(page(HttpResponse::Ok(), "Sandbox", &format!("<table><tr><th>Subject</th><th>To</th></tr>{rows}</table>{older}")))
}

fn message(state: &State, mail: &CapturedMail) -> HttpResponse {
    let parsed = parsed(mail);
    let header = |(name, value): &(String, String)| format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
    let headers: String = parsed.headers.iter().map(header).collect();
    let text = parsed.text.as_deref().map(|text| format!("<h2>Text</h2><pre>{}</pre>", with_links(text, &state.settings.public_url)));
    // No scripts, forms, pop-ups nor an origin: the frame can only be looked at.
    let html = parsed.html.as_deref().map(|html| format!("<h2>HTML</h2><iframe sandbox srcdoc=\"{}\"></iframe>", escape(html)));
    let files = parsed.attachments.iter().filter_map(|file| file.file_name.as_deref()).map(|name| format!("<li>{}</li>", escape(name)));
    let body = format!(
        "<p>To {}. It is kept until {}.</p>\n{}{}<h2>Files</h2><ul>{}</ul><h2>Headers</h2><table>{headers}</table>",
        escape(&recipients(mail)),
        mail.expires_at,
        text.unwrap_or_default(),
        html.unwrap_or_default(),
        files.collect::<String>(),
    );
    page(HttpResponse::Ok(), &escape(parsed.subject.as_deref().unwrap_or("(no subject)")), &body)
}

fn parsed(mail: &CapturedMail) -> ParsedMessage {
    parse_message(mail.mail.text.as_bytes()).unwrap_or_default()
}

fn recipients(mail: &CapturedMail) -> String {
    mail.mail.recipients.iter().map(|recipient| recipient.address.as_str()).collect::<Vec<_>>().join(", ")
}

/// Links to this installation can be followed; all others are text.
fn with_links(text: &str, public_url: &str) -> String {
    // The slash matters: the address may be how a longer host name begins.
    let is_ours = |word: &str| word.strip_prefix(public_url).is_some_and(|path| path.starts_with('/'));
    let link = |word: &str| match is_ours(word) {
        true => format!("<a href=\"{0}\">{0}</a>", escape(word)),
        false => escape(word),
    };
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            format!("{}{}", link(word), escape(&piece[word.len()..]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::with_links;

    #[test]
    fn only_links_to_this_installation_can_be_followed() {
        let ours = "http://mail.example";
        assert_eq!(with_links("see http://mail.example/x", ours), "see <a href=\"http://mail.example/x\">http://mail.example/x</a>");
        for foreign in ["http://mail.example.evil.test/x", "http://mail.example@evil.test/", "http://other.example/"] {
            assert_eq!(with_links(foreign, ours), foreign);
        }
    }
}
