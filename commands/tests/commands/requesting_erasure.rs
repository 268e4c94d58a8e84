//! From request to decision, organisations as a whole, certificates and the end of a case.

use super::installation::{Installation, member, message};
use commands::*;
use domain::*;
use std::time::Duration;
use vault::Opened;

const DAY: Duration = Duration::from_secs(86_400);

fn ada() -> Personal<EmailAddress> {
    Personal::new("ada@example.com".parse().unwrap())
}

fn asked(child: bool) -> RequestRecipientErasure {
    RequestRecipientErasure { address: ada(), note: Some(Personal::new("by letter".into())), keep_suppressed: true, child }
}

fn system(installation: &Installation, organization: OrganizationId) -> Request {
    Request { actor: Actor::System(SystemActor::Erasure), ..installation.commands.as_delivery(organization) }
}

async fn recipient(installation: &Installation, by: &Request, email: EmailId) -> Opened<RecipientDetails> {
    let folded = installation.email(by, email).await;
    installation.vault.open(Purpose::Service, &folded.state.queued.unwrap().recipients[0].details).await.unwrap()
}

fn password(text: &str) -> IdentityProof {
    IdentityProof::Password(Personal::new(text.into()))
}

#[tokio::test]
async fn m8_3_a_request_waits_until_it_is_approved_and_one_that_is_refused_destroys_nothing() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let commands = &installation.commands;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let refused = commands.request_erasure(&by, asked(false)).await.unwrap();
    commands.refuse_erasure(&by, refused.erasure, RefusalGround::LegalClaim).await.unwrap();
    assert!(matches!(recipient(&installation, &by, email).await, Opened::Readable(_)));
    let late = commands.approve_erasure(&by, refused.erasure).await;
    assert!(matches!(late, Err(Failure::Refused(ErasureDecisionRefusal::Refused))));

    let opened = commands.request_erasure(&by, asked(false)).await.unwrap();
    assert!(matches!(recipient(&installation, &by, email).await, Opened::Readable(_)), "nobody has decided");
    commands.approve_erasure(&by, opened.erasure).await.unwrap();
    assert_eq!(recipient(&installation, &by, email).await, Opened::Erased);
    let late = commands.refuse_erasure(&by, opened.erasure, RefusalGround::LegalHold).await;
    assert!(matches!(late, Err(Failure::Refused(ErasureDecisionRefusal::Started))));
    let unknown = commands.approve_erasure(&by, ErasureId(email.0)).await;
    assert!(matches!(unknown, Err(Failure::Refused(ErasureDecisionRefusal::Unknown))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m8_3_an_erasure_that_several_carry_out_at_once_succeeds_for_each_and_happens_once() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let opened = installation.commands.request_erasure(&by, asked(false)).await.unwrap();
    let carried_out = (0..6).map(|_| {
        let (commands, by, erasure) = (installation.commands.clone(), by.clone(), opened.erasure);
        tokio::spawn(async move { commands.approve_erasure(&by, erasure).await })
    });
    for outcome in carried_out.collect::<Vec<_>>() {
        outcome.await.unwrap().unwrap();
    }
    assert_eq!(recipient(&installation, &by, email).await, Opened::Erased);
    let stream = StreamName::new(Category::Erasure, by.organization, opened.erasure.0);
    let events = installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let started = events.iter().filter(|event| event.header.event_type == "ErasureStarted").count();
    assert_eq!(started, 1);
}

#[tokio::test]
async fn m9_3_a_childs_data_goes_at_once_and_nobody_has_to_approve() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let opened = installation.commands.request_erasure(&by, asked(true)).await.unwrap();
    assert_eq!(recipient(&installation, &by, email).await, Opened::Erased);
    installation.clock.advance(LEASES_WAIT);
    assert!(installation.commands.conclude_erasure(&by, opened.erasure).await.unwrap());
    let state = installation.commands.load_erasure(by.organization, opened.erasure).await.unwrap().state;
    let live = state.live_at.unwrap().since(state.requested_at.unwrap());
    assert!(live < Duration::from_secs(72 * 3600) && state.due_at.unwrap().since(state.requested_at.unwrap()) == CHILD_ERASURE_DUE);
}

#[tokio::test]
async fn m8_8_a_date_that_passes_unanswered_is_recorded_once() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let opened = installation.commands.request_erasure(&by, asked(false)).await.unwrap();
    installation.clock.advance(29 * DAY);
    assert!(!installation.commands.record_missed_deadline(&by, opened.erasure).await.unwrap());
    installation.clock.advance(DAY);
    assert!(installation.commands.record_missed_deadline(&by, opened.erasure).await.unwrap());
    assert!(!installation.commands.record_missed_deadline(&by, opened.erasure).await.unwrap());
}

/// Two people approve that this is kept for a month.
async fn hold(installation: &Installation, by: &Request, target: HoldTarget) -> HoldId {
    let expires_at = installation.clock.now() + 30 * DAY;
    let request = RequestHold { target, ground: HoldGround::LegalClaim, expires_at };
    let (hold, _) = installation.commands.request_hold(by, request).await.unwrap();
    for approver in [1, 2] {
        installation.commands.approve_hold(by, hold, UserId(uuid::Uuid::from_u128(approver))).await.unwrap();
    }
    hold
}

#[tokio::test]
async fn m8_3_m8_6_whoever_is_on_hold_is_restricted_instead_of_forgotten_until_the_hold_ends() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let commands = &installation.commands;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let key = installation.email(&by, email).await.state.queued.unwrap().recipients[0].key.unwrap();
    let held = hold(&installation, &by, HoldTarget::Person { keys: vec![key] }).await;
    let erase = || EraseRecipient { address: ada(), note: None, keep_suppressed: true };
    let begun = commands.erase_recipient(&by, erase()).await.unwrap();
    assert!(begun.held);
    let state = commands.load_erasure(by.organization, begun.erasure).await.unwrap().state;
    assert_eq!((state.refused, state.started), (Some(RefusalGround::LegalHold), None));
    assert_eq!(recipient(&installation, &by, email).await, Opened::Restricted);
    let opened = commands.request_erasure(&by, asked(false)).await.unwrap();
    let approved = commands.approve_erasure(&by, opened.erasure).await;
    assert!(matches!(approved, Err(Failure::Refused(ErasureDecisionRefusal::OnHold))));
    commands.release_hold(&by, held).await.unwrap();
    assert!(!commands.erase_recipient(&by, erase()).await.unwrap().held);
    assert_eq!(recipient(&installation, &by, email).await, Opened::Erased);
}

#[tokio::test]
async fn an_organisation_with_days_on_hold_is_not_erased_and_goes_on_as_it_was() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let today = installation.clock.now().day();
    hold(&installation, &by, HoldTarget::Days { from: today, until: today }).await;
    let Actor::Member(owner) = by.actor else { panic!() };
    let request = EraseOrganization { owner, note: None, proof: password("correct horse") };
    assert!(installation.commands.erase_organization(&by, request).await.unwrap().held);
    assert_eq!(installation.commands.role_of(owner, by.organization).await.unwrap(), Some(Role::Owner));
    installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
}

#[tokio::test]
async fn m4_2_an_account_goes_only_for_its_holder() {
    let installation = Installation::new().await;
    let user = installation.confirmed_user("ada@example.org").await;
    let by = member(user, OrganizationId::PLATFORM);
    let commands = &installation.commands;
    let signed_in = commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.unwrap();
    let session = commands.authenticate_session(signed_in.token.expose()).await.unwrap().unwrap().session;
    installation.clock.advance(Duration::from_secs(16 * 60));
    for proof in [IdentityProof::Session(session), password("wrong horse")] {
        let outcome = commands.erase_account(&by, EraseAccount { user, note: None, proof }).await;
        assert!(matches!(outcome, Err(Failure::Refused(EraseAccountRefusal::IdentityNotShown))));
    }
    assert!(commands.authenticate_session(signed_in.token.expose()).await.unwrap().is_some(), "nothing was closed");
    commands.erase_account(&by, EraseAccount { user, note: None, proof: password("correct horse") }).await.unwrap();
    assert!(commands.authenticate_session(signed_in.token.expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn m4_2_an_organisation_is_forgotten_with_its_days_at_once_and_then_with_everybody_it_knew() {
    let installation = Installation::new().await;
    let (by, other) = (installation.organization().await, installation.organization().await);
    let commands = &installation.commands;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let elsewhere = installation.send(&other, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let Actor::Member(owner) = by.actor else { panic!() };
    let begun = commands.erase_organization(&by, EraseOrganization { owner, note: None, proof: password("correct horse") }).await.unwrap();
    assert_eq!(recipient(&installation, &by, email).await, Opened::Erased);
    assert!(matches!(recipient(&installation, &other, elsewhere).await, Opened::Readable(_)));
    assert_eq!(commands.role_of(owner, by.organization).await.unwrap(), None);
    let client = installation.database.client().await;
    let living = "SELECT (SELECT count(*) FROM keyring.key WHERE organization = $1 AND class <> 6)
        + (SELECT count(*) FROM keyring.bucket WHERE organization = $1 AND class <> 6 AND wrapped IS NOT NULL)
        + (SELECT count(*) FROM keyring.lookup WHERE organization = $1) + (SELECT count(*) FROM spool.entry WHERE organization = $1)";
    assert_eq!(client.query_one(living, &[&by.organization.0]).await.unwrap().get::<_, i64>(0), 0);
    let late = installation.send(&by, vec![message(&["ada@example.com"])], None).await;
    assert!(matches!(late, Err(Failure::Refused(SendRefusal::OrganizationNotOpen))));

    let carrying = system(&installation, by.organization);
    installation.clock.advance(LEASES_WAIT);
    assert!(commands.conclude_erasure(&carrying, begun.erasure).await.unwrap());
    let certificate = commands.erasure_certificate_by_link(begun.link.unwrap().expose()).await.unwrap().unwrap();
    assert!(certificate.is_issued() && certificate.text().contains("an organisation"), "{}", certificate.text());
}

#[tokio::test]
async fn m4_2_only_an_owner_erases_an_organisation() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let stranger = installation.confirmed_user("eve@example.org").await;
    let request = EraseOrganization { owner: stranger, note: None, proof: password("correct horse") };
    let outcome = installation.commands.erase_organization(&member(stranger, by.organization), request).await;
    assert!(matches!(outcome, Err(Failure::Refused(EraseOrganizationRefusal::NotOwner))));
}

#[tokio::test]
async fn m4_2_what_a_last_owner_leaves_is_closed_at_once_and_erased_when_the_owners_case_is_due() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let Actor::Member(owner) = by.actor else { panic!() };
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let commands = &installation.commands;
    let account = EraseAccount { user: owner, note: None, proof: password("correct horse") };
    let own = commands.erase_account(&by, account).await.unwrap();
    let own = commands.load_erasure(OrganizationId::PLATFORM, own.erasure).await.unwrap().state;
    let orphaned = ErasureId(by.organization.0);
    let left = commands.load_erasure(by.organization, orphaned).await.unwrap().state;
    assert_eq!((left.target, left.due_at, left.approved), (Some(ErasureTarget::Organization), own.due_at, false));
    assert!(matches!(recipient(&installation, &by, email).await, Opened::Readable(_)), "there is time for whoever has a claim to it");
    let carrying = system(&installation, by.organization);
    commands.approve_orphaned(&carrying, orphaned).await.unwrap();
    commands.carry_out_erasure(&carrying, orphaned).await.unwrap();
    assert_eq!(recipient(&installation, &by, email).await, Opened::Erased);
}

#[tokio::test]
async fn the_certificate_tells_what_was_destroyed_and_what_is_kept_until_the_case_ends() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let commands = &installation.commands;
    installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    let erase = EraseRecipient { address: ada(), note: Some(Personal::new("by letter".into())), keep_suppressed: true };
    let begun = commands.erase_recipient(&by, erase).await.unwrap();
    let link = begun.link.unwrap();
    assert!(!commands.erasure_certificate_by_link(link.expose()).await.unwrap().unwrap().is_issued());
    installation.clock.advance(LEASES_WAIT);
    assert!(commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    let live = commands.erasure_certificate_by_link(link.expose()).await.unwrap().unwrap();
    assert!(live.text().contains("In every living system, 1 keys") && live.text().contains("a second stage"), "{}", live.text());
    installation.rotate_elsewhere().await;
    installation.clock.advance(LEASES_WAIT);
    assert!(commands.conclude_erasure_everywhere(&by, begun.erasure).await.unwrap());
    let everywhere = commands.erasure_certificate(by.organization, begun.erasure).await.unwrap().unwrap();
    let (text, json) = (everywhere.text(), everywhere.json());
    assert!(text.contains("Every copy of these keys that this installation manages, backups included, was destroyed on 2026-"), "{text}");
    assert!(text.contains("Suppression") || text.contains("suppression"), "{text}");
    for forbidden in ["anonymised", "proof that no copy", "100 %", "ada@example.com", "by letter"] {
        assert!(!text.contains(forbidden) && !json.to_string().contains(forbidden), "{forbidden}");
    }
    assert_eq!(json["retained"].as_array().unwrap().len(), 2);
    assert_eq!(json["destroyed"].as_array().unwrap().len(), 1);

    installation.clock.advance(CASE_KEPT - DAY);
    assert!(!commands.close_erasure_case(&by, begun.erasure).await.unwrap());
    installation.clock.advance(DAY);
    assert!(commands.close_erasure_case(&by, begun.erasure).await.unwrap());
    assert!(commands.close_erasure_case(&by, begun.erasure).await.unwrap());
    let case = commands.load_erasure(by.organization, begun.erasure).await.unwrap().state.case.unwrap();
    assert_eq!(installation.vault.open(Purpose::SubjectRights, &case).await.unwrap(), Opened::Erased);
    assert!(commands.erasure_certificate_by_link(link.expose()).await.unwrap().is_none(), "the link ends with the case");
}

#[tokio::test]
async fn a_link_that_is_not_the_persons_shows_nothing() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let erase = || EraseRecipient { address: ada(), note: None, keep_suppressed: true };
    let first = installation.commands.erase_recipient(&by, erase()).await.unwrap();
    let second = installation.commands.erase_recipient(&by, erase()).await.unwrap();
    let (first, second) = (first.link.unwrap().into_exposed(), second.link.unwrap().into_exposed());
    let stolen = format!("{}.{}", first.rsplit_once('.').unwrap().0, second.rsplit_once('.').unwrap().1);
    for link in [stolen.as_str(), "", "..", "not a link", &first[..first.len() - 1]] {
        assert!(installation.commands.erasure_certificate_by_link(link).await.unwrap().is_none(), "{link}");
    }
    assert!(installation.commands.erasure_certificate_by_link(&first).await.unwrap().is_some());
}
