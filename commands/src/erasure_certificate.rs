//! What a person is told about an erasure: a text to read and a JSON to keep, both made from the log and from nothing else.

use crate::credentials::parse_certificate_token;
use crate::{Commands, Fault};
use domain::{
    Erasure, ErasureId, ErasureTarget, EventId, Folded, KeyLife, KeyProvider, OrganizationId, Retained, RetentionGround, StreamName,
    Timestamp, fold,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use vault::token_matches;

const STATEMENT: &str =
    "This is the signed statement of this installation about the keys that it manages. It is no proof that nobody holds a copy elsewhere.";
const REMAINS: &str =
    "What remains are random ids, types of events, times and counts. Whoever kept the id of a message can still find its status and times.";

/// A case as its certificate tells it. Holds no name and no address.
#[derive(Clone, Debug)]
pub struct ErasureCertificate {
    pub organization: OrganizationId,
    pub erasure: ErasureId,
    state: Erasure,
    /// Who kept the keys of the epochs that wrapped the destroyed keys last.
    providers: BTreeSet<KeyProvider>,
}

impl Commands {
    /// For members of the organisation, and for the holder of the account. `None`: there is no such case.
    pub async fn erasure_certificate(&self, organization: OrganizationId, erasure: ErasureId) -> Result<Option<ErasureCertificate>, Fault> {
        let folded: Folded<Erasure> = self.fold(erasure.0, organization).await?;
        if folded.state.target.is_none() {
            return Ok(None);
        }
        let providers = self.providers_of(&folded.state).await?;
        Ok(Some(ErasureCertificate { organization, erasure, state: folded.state, providers }))
    }

    async fn providers_of(&self, erasure: &Erasure) -> Result<BTreeSet<KeyProvider>, Fault> {
        let doomed = erasure.started.iter().flat_map(|started| &started.keys);
        let epochs: BTreeSet<u32> = doomed.map(|key| key.newest_epoch).collect();
        let streams: Vec<StreamName> = epochs.into_iter().map(KeyLife::stream_of_epoch).collect();
        let histories = self.store.read_streams(&streams).await?;
        streams.iter().zip(histories).map(|(stream, events)| Ok(fold::<KeyLife>(*stream, &events)?.state.provider())).collect()
    }

    /// For whoever holds the link. `None`: it is malformed, unknown, or the case is closed; nobody is told which.
    pub async fn erasure_certificate_by_link(&self, link: &str) -> Result<Option<ErasureCertificate>, Fault> {
        let Some((organization, erasure, secret)) = parse_certificate_token(link) else { return Ok(None) };
        let certificate = self.erasure_certificate(organization, erasure).await?;
        let opens = |state: &Erasure| !state.case_closed && state.link.is_some_and(|link| token_matches(secret, &link.0));
        Ok(certificate.filter(|certificate| opens(&certificate.state)))
    }
}

impl ErasureCertificate {
    /// Whether it certifies anything yet.
    pub fn is_issued(&self) -> bool {
        self.state.certified.is_some()
    }

    /// The event that certifies it.
    pub fn event(&self) -> Option<EventId> {
        self.state.certificate
    }

    pub fn json(&self) -> Value {
        let state = &self.state;
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let started = state.started.iter();
        let destroyed: Vec<Value> = started
            .clone()
            .flat_map(|started| &started.keys)
            .map(|key| json!({ "key": key.key, "class": key.class, "organization": key.organization }))
            .collect();
        let retained: Vec<Value> = started
            .flat_map(|started| &started.retained)
            .map(|retained| json!({ "class": retained.class, "ground": retained.ground, "key": retained.key, "until": until(retained) }))
            .collect();
        let providers = self.providers.iter().map(|provider| {
            json!({ "provider": provider, "name": provider.describe(), "destruction": provider.destruction(), "limits": provider.limits() })
        });
        json!({
            "erasure": self.erasure,
            "organization": self.organization,
            "target": state.target,
            "requestedAt": time(state.requested_at),
            "dueAt": time(state.due_at),
            "identity": state.identity,
            "approvedAt": time(state.approved_at.filter(|_| state.refused.is_none())),
            "refused": state.refused,
            "refusedAt": time(state.refused_at),
            "startedAt": time(state.started_at),
            "destroyed": destroyed,
            "destroyedInLivingSystemsAt": time(state.live_at),
            "destroyedEverywhereAt": time(state.everywhere_at),
            "retained": retained,
            "caseEndsAt": time(state.case_ends_at()),
            "providers": providers.collect::<Vec<Value>>(),
            "remains": REMAINS,
            "statement": STATEMENT,
        })
    }

    pub fn text(&self) -> String {
        let state = &self.state;
        let whom = match state.target {
            Some(ErasureTarget::Account) => "a person's account",
            Some(ErasureTarget::Organization) => "an organisation",
            _ => "a recipient of mail",
        };
        let mut text = format!("ERASURE {}\n\nThe request concerns {whom}.\n", self.erasure);
        line(&mut text, "Requested", state.requested_at);
        line(&mut text, "To be answered by", state.due_at);
        match (state.refused, state.approved_at) {
            (Some(ground), _) => {
                line(&mut text, "Refused", state.refused_at);
                let _ = writeln!(text, "Ground: {}", said(&ground));
                return text;
            }
            (None, Some(_)) => line(&mut text, "Approved", state.approved_at),
            (None, None) => text.push_str("Nobody has decided yet.\n"),
        }
        self.tell_destruction(&mut text);
        self.tell_retained(&mut text);
        if self.is_issued() {
            self.tell_providers(&mut text);
            let _ = write!(text, "\n{REMAINS}\n\n{STATEMENT}\n");
        }
        text
    }

    fn tell_destruction(&self, text: &mut String) {
        let state = &self.state;
        let keys = state.started.iter().flat_map(|started| &started.keys);
        let count = keys.clone().count();
        if let Some(live_at) = state.live_at {
            let _ = write!(text, "\nDESTROYED\n\nIn every living system, {count} keys were destroyed by {live_at}.\n");
            match state.everywhere_at {
                Some(at) => {
                    let _ =
                        writeln!(text, "Every copy of these keys that this installation manages, backups included, was destroyed on {at}.");
                }
                None => text.push_str(
                    "Copies in backups end when the epochs do whose keys wrapped them; a second stage of this certificate says when.\n",
                ),
            }
            for key in keys {
                let _ = writeln!(text, "  {} ({})", key.key, said(&key.class));
            }
        } else if state.started.is_some() {
            text.push_str("\nThe keys are being destroyed.\n");
        }
    }

    fn tell_providers(&self, text: &mut String) {
        for provider in &self.providers {
            let (name, how, limits) = (provider.describe(), provider.destruction(), provider.limits());
            let _ = write!(
                text,
                "\nThe key of the epoch that wrapped them was itself under {name}. Destroyed, that means: {how}. Its limits: {limits}.\n"
            );
        }
    }

    fn tell_retained(&self, text: &mut String) {
        let retained: Vec<&Retained> = self.state.started.iter().flat_map(|started| &started.retained).collect();
        if retained.is_empty() {
            return;
        }
        text.push_str("\nKEPT, AND WHY\n\n");
        for kept in retained {
            let key = kept.key.map(|key| format!(", key {key}")).unwrap_or_default();
            let _ = writeln!(text, "  {}{key}: {}", said(&kept.ground), until(kept));
        }
    }
}

/// How long something is kept.
fn until(retained: &Retained) -> &'static str {
    match retained.ground {
        RetentionGround::Suppression => "so that the address is not mailed again, until the person wishes otherwise",
        RetentionGround::FinancialRecords => "for seven years after the fiscal year, as tax and accounting law demand; it may be none",
        RetentionGround::RequestEvidence => "the record of this request, until 30 days after the last certificate",
    }
}

fn line(text: &mut String, what: &str, time: Option<Timestamp>) {
    if let Some(time) = time {
        let _ = writeln!(text, "{what}: {time}");
    }
}

/// A word of a vocabulary, for people.
fn said(word: &impl serde::Serialize) -> String {
    serde_json::to_value(word).ok().and_then(|word| word.as_str().map(|word| word.replace('_', " "))).unwrap_or_default()
}
