//! Accounts, organisations, API keys and servers.

use super::given::{Given, NOON, id, key, origin, types};
use domain::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn sign_up(age_attested: bool, policy_version: u32) -> SignUp {
    SignUp {
        details: Personal::new(UserDetails { name: "Ada".into(), address: "ada@example.com".into() }),
        password: Personal::new(PasswordHash { phc: "$argon2id$".into() }),
        age_attested,
        policy_version,
        policy_version_in_force: 3,
        confirmation: TokenHash([1; 32]),
        origin: origin(),
        now: NOON,
        id_key: key(1),
        ops_key: key(2),
    }
}

fn confirmed() -> Given<User> {
    let user = Given::<User>::nothing();
    let drafts = user.state.sign_up(&sign_up(true, 3)).unwrap();
    let user = user.then(drafts);
    let origin = origin();
    let drafts = user.state.confirm_address(TokenHash([1; 32]), user.now, Traced { key: Some(key(2)), origin: &origin }).unwrap();
    user.then(drafts)
}

#[test]
fn c1_3_signing_up_records_the_policy_that_was_accepted_and_how() {
    let drafts = User::default().sign_up(&sign_up(true, 3)).unwrap();
    assert_eq!(types(&drafts), ["UserSignedUp", "PrivacyPolicyAccepted", "AddressConfirmationRequested"]);
    let UserEvent::PrivacyPolicyAccepted(accepted) = &drafts[1].event else { panic!("the second event is the acceptance") };
    assert_eq!((accepted.policy_version, accepted.manner), (3, AcceptanceManner::SignUp));
}

#[test]
fn m9_1_nobody_signs_up_without_attesting_to_be_sixteen() {
    assert_eq!(User::default().sign_up(&sign_up(false, 3)).err(), Some(UserRefusal::AgeNotAttested));
    assert_eq!(AGE_MIN_YEARS, 16);
}

#[test]
fn nobody_signs_up_under_a_policy_that_is_not_in_force() {
    assert_eq!(User::default().sign_up(&sign_up(true, 2)).err(), Some(UserRefusal::PolicyNotAccepted));
}

#[test]
fn a_confirmation_link_works_once_and_for_a_day() {
    let origin = origin();
    let traced = Traced { key: Some(key(2)), origin: &origin };
    let user = Given::<User>::nothing();
    let drafts = user.state.sign_up(&sign_up(true, 3)).unwrap();
    let user = user.then(drafts);
    let refused = Some(UserRefusal::ConfirmationInvalid);
    assert_eq!(user.state.confirm_address(TokenHash([2; 32]), NOON, traced).err(), refused);
    assert_eq!(user.state.confirm_address(TokenHash([1; 32]), NOON + CONFIRMATION_LIFETIME, traced).err(), refused);
    let drafts = user.state.confirm_address(TokenHash([1; 32]), NOON, traced).unwrap();
    let user = user.then(drafts);
    assert!(user.state.confirmed);
    assert_eq!(user.state.confirm_address(TokenHash([1; 32]), NOON, traced).err(), refused);
}

#[test]
fn signing_up_changes_nothing_once_the_address_is_confirmed() {
    assert!(confirmed().state.sign_up(&sign_up(true, 3)).unwrap().is_empty());
}

#[test]
fn a_session_ends_by_time_by_signing_out_and_with_the_account() {
    let origin = origin();
    let traced = Traced { key: Some(key(2)), origin: &origin };
    let (session, token) = (SessionId(id(5)), TokenHash([5; 32]));
    let user = confirmed();
    let drafts = user.state.sign_in(session, token, user.now, traced).unwrap();
    let since = user.now;
    let user = user.then(drafts);
    assert!(user.state.has_session(session, token, since));
    assert!(!user.state.has_session(session, TokenHash([6; 32]), since));
    assert!(!user.state.has_session(session, token, since + SESSION_LIFETIME));

    let out = user.state.sign_out(session, traced);
    let signed_out = Given { state: user.state.clone(), ..Given::nothing() }.then(out);
    assert!(!signed_out.state.has_session(session, token, since));
    assert!(signed_out.state.sign_out(session, traced).is_empty());

    let closed = user.state.close(ErasureId(id(6)), traced);
    let user = user.then(closed);
    assert!(!user.state.has_session(session, token, since));
    assert_eq!(user.state.sign_in(session, token, since, traced).err(), Some(UserRefusal::Closed));
}

#[test]
fn an_organisation_closes_when_its_last_owner_is_forgotten() {
    let origin = origin();
    let traced = Traced { key: Some(key(2)), origin: &origin };
    let organization = Given::<Organization>::nothing();
    let details = Personal::new(OrganizationDetails { name: "Analytical Engines".into() });
    let drafts = organization.state.create(UserId(id(7)), &details, key(3), traced);
    assert_eq!(types(&drafts), ["OrganizationCreated", "MemberJoined"]);
    let organization = organization.then(drafts);
    assert!(organization.state.is_open());
    let drafts = organization.state.remove_member(UserId(id(7)));
    assert_eq!(types(&drafts), ["MemberLeft", "OrganizationClosed"]);
    let organization = organization.then(drafts);
    assert!(!organization.state.is_open());
    assert!(organization.state.remove_member(UserId(id(7))).is_empty());
    assert_eq!(organization.state.select_smtp_server(SmtpServerId(id(8)), traced).err(), Some(OrganizationRefusal::NotOpen));
}

#[test]
fn an_api_key_needs_a_scope_and_stops_when_revoked() {
    let origin = origin();
    let traced = Traced { key: Some(key(2)), origin: &origin };
    let details = Personal::new(ApiKeyDetails { name: "production".into() });
    let api_key = Given::<ApiKey>::nothing();
    let none = api_key.state.create(&details, key(3), TokenHash([1; 32]), &BTreeSet::new(), traced);
    assert_eq!(none.err(), Some(ApiKeyRefusal::NoScope));
    assert_eq!(api_key.state.revoke(traced).err(), Some(ApiKeyRefusal::Unknown));
    let drafts = api_key.state.create(&details, key(3), TokenHash([1; 32]), &[Scope::SendEmails].into(), traced).unwrap();
    let api_key = api_key.then(drafts);
    assert!(api_key.state.is_valid(TokenHash([1; 32])) && !api_key.state.is_valid(TokenHash([2; 32])));
    let drafts = api_key.state.revoke(traced).unwrap();
    let api_key = api_key.then(drafts);
    assert!(!api_key.state.is_valid(TokenHash([1; 32])));
    assert!(api_key.state.revoke(traced).unwrap().is_empty());
}

#[test]
fn an_address_is_suppressed_once() {
    let details = Personal::new(SuppressionDetails { address: "ada@example.com".into() });
    let suppression = Given::<Suppression>::nothing();
    let drafts = suppression.state.suppress(SuppressionReason::Erased, &details, key(4), None);
    assert_eq!(types(&drafts), ["AddressSuppressed"]);
    let suppression = suppression.then(drafts);
    assert!(suppression.state.suppress(SuppressionReason::Manual, &details, key(4), None).is_empty());
}

#[test]
fn old_sessions_are_forgotten_when_a_new_one_begins() {
    let origin = origin();
    let traced = Traced { key: Some(key(2)), origin: &origin };
    let mut user = confirmed();
    let drafts = user.state.sign_in(SessionId(id(5)), TokenHash([5; 32]), user.now, traced).unwrap();
    user = user.then(drafts);
    user.now = user.now + SESSION_LIFETIME + Duration::from_secs(1);
    let drafts = user.state.sign_in(SessionId(id(6)), TokenHash([6; 32]), user.now, traced).unwrap();
    user = user.then(drafts);
    assert!(user.state.sign_out(SessionId(id(5)), traced).is_empty());
    assert_eq!(types(&user.state.sign_out(SessionId(id(6)), traced)), ["SignedOut"]);
}
