//! Signing up, confirming, signing in and out.

use super::installation::{Installation, member, origin};
use commands::{ConfirmAddress, CreateApiKey, Failure, RevokeApiKey, SignInRefusal, SignUpRefusal};
use domain::*;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_person_signs_up_confirms_signs_in_and_out() {
    let installation = Installation::new().await;
    let refused = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await;
    assert!(matches!(refused, Err(Failure::Refused(SignInRefusal::CredentialsInvalid))));

    let user = installation.confirmed_user("Ada@Example.org").await;
    let signed_in = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.unwrap();
    assert_eq!(signed_in.user, user);
    let session = installation.commands.authenticate_session(signed_in.token.expose()).await.unwrap().unwrap();
    assert_eq!(session.user, user);

    let by = member(user, OrganizationId::PLATFORM);
    installation.commands.sign_out(&by, user, session.session).await.unwrap();
    assert_eq!(installation.commands.authenticate_session(signed_in.token.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_expires() {
    let installation = Installation::new().await;
    installation.confirmed_user("ada@example.org").await;
    let signed_in = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.unwrap();
    installation.clock.advance(SESSION_LIFETIME - Duration::from_secs(1));
    assert!(installation.commands.authenticate_session(signed_in.token.expose()).await.unwrap().is_some());
    installation.clock.advance(Duration::from_secs(1));
    assert!(installation.commands.authenticate_session(signed_in.token.expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_knows_the_password_learns_that_the_address_is_not_confirmed() {
    let installation = Installation::new().await;
    installation.commands.sign_up(Installation::sign_up_request("ada@example.org")).await.unwrap();
    let wrong = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "wrong horse")).await;
    assert!(matches!(wrong, Err(Failure::Refused(SignInRefusal::CredentialsInvalid))));
    let right = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await;
    assert!(matches!(right, Err(Failure::Refused(SignInRefusal::AddressNotConfirmed))));
}

#[tokio::test]
async fn a_second_sign_up_is_answered_alike_and_told_to_the_mailbox_alone() {
    let installation = Installation::new().await;
    let user = installation.confirmed_user("ada@example.org").await;
    installation.commands.sign_up(Installation::sign_up_request("ADA@example.org")).await.unwrap();
    assert!(installation.newest_notice().await.contains("You have an account already"));
    let signed_in = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.unwrap();
    assert_eq!(signed_in.user, user);
}

#[tokio::test]
async fn signing_up_again_before_confirming_sends_another_link() {
    let installation = Installation::new().await;
    installation.commands.sign_up(Installation::sign_up_request("ada@example.org")).await.unwrap();
    let first = installation.newest_notice().await;
    let user = installation.confirmed_user("ada@example.org").await;
    let token = first.split("token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let stale = ConfirmAddress { token: Personal::new(token), origin: origin(), correlation: CorrelationId(Uuid::nil()) };
    let outcome = installation.commands.confirm_address(stale).await;
    assert!(matches!(outcome, Err(Failure::Refused(UserRefusal::ConfirmationInvalid))));
    assert!(
        installation
            .commands
            .sign_in(Installation::sign_in_request("ada@example.org", "correct horse"))
            .await
            .is_ok_and(|s| s.user == user)
    );
}

#[tokio::test]
async fn m9_1_without_the_attestation_nothing_is_stored() {
    let installation = Installation::new().await;
    let mut request = Installation::sign_up_request("ada@example.org");
    request.age_attested = false;
    let refused = installation.commands.sign_up(request).await;
    assert!(matches!(refused, Err(Failure::Refused(SignUpRefusal::Rule(UserRefusal::AgeNotAttested)))));
    let mut request = Installation::sign_up_request("ada@example.org");
    request.password = Personal::new("short".into());
    assert!(matches!(installation.commands.sign_up(request).await, Err(Failure::Refused(SignUpRefusal::PasswordLength))));
    for table in ["log.event", "keyring.lookup", "spool.entry"] {
        assert_eq!(installation.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn m1_1_a_password_is_kept_as_argon2id_and_sealed() {
    let installation = Installation::new().await;
    let user = installation.confirmed_user("ada@example.org").await;
    let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
    let events = installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let folded: Folded<User> = fold(stream, &events).unwrap();
    let opened = installation.vault.open(Purpose::Security, &folded.state.password.unwrap()).await.unwrap();
    let vault::Opened::Readable(hash) = opened else { panic!("the account lives") };
    assert!(hash.expose().phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn an_api_key_works_until_it_is_revoked_and_in_its_own_organisation() {
    let installation = Installation::new().await;
    let (by, other) = (installation.organization().await, installation.organization().await);
    let create = CreateApiKey { name: Personal::new("production".into()), scopes: [Scope::SendEmails].into() };
    let made = installation.commands.create_api_key(&by, create).await.unwrap();
    let client = installation.commands.authenticate_api_key(made.token.expose()).await.unwrap().unwrap();
    assert_eq!((client.organization, client.key), (by.organization, made.key));

    let foreign = installation.commands.revoke_api_key(&other, RevokeApiKey { key: made.key }).await;
    assert!(matches!(foreign, Err(Failure::Refused(ApiKeyRefusal::Unknown))));
    assert!(installation.commands.authenticate_api_key(made.token.expose()).await.unwrap().is_some());

    let tampered = format!("{}x", made.token.expose());
    assert_eq!(installation.commands.authenticate_api_key(&tampered).await.unwrap(), None);
    installation.commands.revoke_api_key(&by, RevokeApiKey { key: made.key }).await.unwrap();
    assert_eq!(installation.commands.authenticate_api_key(made.token.expose()).await.unwrap(), None);
}
