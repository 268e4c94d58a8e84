//! Accounts and sessions.

use super::{Outcome, call, payload, token};
use crate::cookies;
use crate::graphql::code::internal;
use crate::graphql::objects::User;
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::message::address_code;
use crate::position_token::PositionToken;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use commands::{ConfirmAddress, SignInRefusal, SignInWithPassword, SignUpRefusal, SignUpWithPassword};
use domain::{EmailAddress, OrganizationId, Personal, UserRefusal};

/// What somebody says who wants an account.
#[derive(InputObject)]
struct SignUpInput {
    /// What you are called.
    name: String,
    /// Your mail address. A confirmation link is sent there.
    address: String,
    /// 8 to 256 characters.
    password: String,
    /// "I am at least 16 years old."
    age_attested: bool,
    /// The version of the privacy policy that you accept.
    privacy_policy_version: u32,
}

/// The answer is the same whether or not the address had an account: what happened is told to its mailbox only.
#[derive(Default, SimpleObject)]
struct SignUpPayload {
    /// Where the log ends now.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// The link of a confirmation mail.
#[derive(InputObject)]
struct ConfirmAddressInput {
    /// The part of the link behind `token=`.
    token: String,
}

/// Whose address is confirmed.
#[derive(Default, SimpleObject)]
struct ConfirmAddressPayload {
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Address and password.
#[derive(InputObject)]
struct SignInInput {
    /// Your mail address.
    address: String,
    /// Your password.
    password: String,
}

/// A session. Browsers get it as a cookie as well.
#[derive(Default, SimpleObject)]
struct SignInPayload {
    /// For clients without cookies: send it as `Authorization: Bearer`. It is shown this once.
    token: Option<String>,
    /// When the session ends.
    expires_at: Option<DateTime<Utc>>,
    /// Who is signed in now.
    viewer: Option<User>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// The session is over.
#[derive(Default, SimpleObject)]
struct SignOutPayload {
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// Always empty.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(super) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Asks for an account. A confirmation link is mailed to the address.
    async fn sign_up(&self, context: &Context<'_>, input: SignUpInput) -> Result<SignUpPayload> {
        payload(sign_up(context, input).await, |user_errors| SignUpPayload { user_errors, ..Default::default() })
    }

    /// Confirms an address by the link that was mailed there.
    async fn confirm_address(&self, context: &Context<'_>, input: ConfirmAddressInput) -> Result<ConfirmAddressPayload> {
        payload(confirm_address(context, input).await, |user_errors| ConfirmAddressPayload { user_errors, ..Default::default() })
    }

    /// Starts a session.
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
        payload(sign_in(context, input).await, |user_errors| SignInPayload { user_errors, ..Default::default() })
    }

    /// Ends the session of this request.
    async fn sign_out(&self, context: &Context<'_>) -> Result<SignOutPayload> {
        let call = call(context);
        let session = call.person()?;
        let by = call.request(OrganizationId::PLATFORM)?;
        let position = call.state.commands.sign_out(&by, session.user, session.session).await.map_err(internal)?;
        context.append_http_header("set-cookie", cookies::ended_session_cookie());
        Ok(SignOutPayload { position: Some(token(call, position).await?), user_errors: vec![] })
    }
}

async fn sign_up(context: &Context<'_>, input: SignUpInput) -> Result<SignUpPayload, Outcome> {
    let call = call(context);
    let request = SignUpWithPassword {
        name: Personal::new(input.name),
        address: address(&input.address)?,
        password: Personal::new(input.password),
        age_attested: input.age_attested,
        privacy_policy_version: input.privacy_policy_version,
        origin: call.origin.clone(),
        correlation: call.correlation,
    };
    match call.state.commands.sign_up(request).await {
        // An address whose account is being closed must look like any other.
        Ok(_) | Err(commands::Failure::Refused(SignUpRefusal::Rule(UserRefusal::Closed))) => {}
        Err(failure) => return Err(Outcome::of(failure, |refusal| vec![sign_up_error(refusal)])),
    }
    // The end of the log, never the place of what was appended: the two cases append different things.
    let head = call.state.store.head().await.map_err(internal)?;
    Ok(SignUpPayload { position: Some(token(call, head).await?), user_errors: vec![] })
}

fn sign_up_error(refusal: SignUpRefusal) -> UserError {
    match refusal {
        SignUpRefusal::NameInvalid => UserError::at("name", Code::NameInvalid),
        SignUpRefusal::PasswordLength => UserError::at("password", Code::PasswordLength),
        SignUpRefusal::Rule(UserRefusal::AgeNotAttested) => UserError::at("ageAttested", Code::AgeNotAttested),
        SignUpRefusal::Rule(UserRefusal::PolicyNotAccepted) => UserError::at("privacyPolicyVersion", Code::PolicyNotAccepted),
        SignUpRefusal::Rule(UserRefusal::ConfirmationInvalid | UserRefusal::Closed) => UserError::general(Code::AccountClosed),
    }
}

async fn confirm_address(context: &Context<'_>, input: ConfirmAddressInput) -> Result<ConfirmAddressPayload, Outcome> {
    let call = call(context);
    let request = ConfirmAddress { token: Personal::new(input.token), origin: call.origin.clone(), correlation: call.correlation };
    let confirmed = call.state.commands.confirm_address(request).await;
    // Which of the reasons it was is nobody's business who has no good link.
    let (_, position) = confirmed.map_err(|failure| Outcome::of(failure, |_| vec![UserError::at("token", Code::ConfirmationInvalid)]))?;
    Ok(ConfirmAddressPayload { position: Some(token(call, position).await?), user_errors: vec![] })
}

async fn sign_in(context: &Context<'_>, input: SignInInput) -> Result<SignInPayload, Outcome> {
    let call = call(context);
    let request = SignInWithPassword {
        address: address(&input.address)?,
        password: Personal::new(input.password),
        origin: call.origin.clone(),
        correlation: call.correlation,
    };
    let signed_in = call.state.commands.sign_in(request).await;
    let session = signed_in.map_err(|failure| {
        Outcome::of(failure, |refusal| {
            vec![match refusal {
                SignInRefusal::CredentialsInvalid => UserError::general(Code::CredentialsInvalid),
                SignInRefusal::AddressNotConfirmed => UserError::at("address", Code::AddressNotConfirmed),
            }]
        })
    })?;
    let lifetime = session.expires_at.since(call.state.clock.now()).as_secs();
    let cookie = cookies::session_cookie(session.token.expose(), i64::try_from(lifetime).unwrap_or(i64::MAX));
    context.append_http_header("set-cookie", cookie);
    Ok(SignInPayload {
        token: Some(session.token.into_exposed()),
        expires_at: Some(session.expires_at.to_datetime()),
        viewer: Some(User::new(session.user)),
        position: Some(token(call, session.position).await?),
        user_errors: vec![],
    })
}

fn address(text: &str) -> Result<Personal<EmailAddress>, Outcome> {
    text.parse().map(Personal::new).map_err(|error| UserError::at("address", address_code(error)).into())
}
