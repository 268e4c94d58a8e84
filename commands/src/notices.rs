//! Lethemail's own mail to account holders. It goes the way of all mail, sent by the platform organisation (row M2.6).

use crate::send_email::{SendEmail, SendEmails};
use crate::sign_up::SignUpWithPassword;
use crate::{Commands, Failure, Fault, Request};
use domain::{Actor, EmailAddress, Interface, Mailbox, OrganizationId, Personal, SystemActor, UserId};

impl Commands {
    pub(crate) async fn send_confirmation(
        &self,
        cause: &Request,
        address: &Personal<EmailAddress>,
        name: &Personal<String>,
        token: &str,
    ) -> Result<(), Fault> {
        let text = format!(
            "Hello {},\n\nplease confirm your address within 24 hours by opening this link:\n\n{}/confirm?token={token}\n\n\
             If you did not sign up, ignore this message: nothing happens without the link.\n",
            name.expose(),
            self.settings.public_url,
        );
        self.send_notice(cause, address, "Confirm your address", text).await
    }

    /// The owner of the address learns that somebody tried; the one who tried learns nothing.
    pub(crate) async fn notify_of_second_sign_up(&self, user: UserId, request: &SignUpWithPassword) -> Result<(), Fault> {
        let cause = Request {
            actor: Actor::Member(user),
            organization: OrganizationId::PLATFORM,
            origin: request.origin.clone(),
            correlation: request.correlation,
            causation: None,
        };
        let text = "Somebody tried to sign up with your address. You have an account already: sign in with your password.\n".to_owned();
        self.send_notice(&cause, &request.address, "You already have an account", text).await
    }

    pub(crate) async fn announce_by_mail(&self, cause: &Request, address: &Personal<String>) -> Result<(), Fault> {
        let address = address.expose().parse().map_err(|_| Fault::Invariant("an account has a mail address"))?;
        let text =
            "The use of your data was restricted. This restriction is about to be lifted. Answer this message if you do not agree.\n";
        self.send_notice(cause, &Personal::new(address), "A restriction is about to end", text.to_owned()).await
    }

    async fn send_notice(&self, cause: &Request, address: &Personal<EmailAddress>, subject_line: &str, text: String) -> Result<(), Fault> {
        let by = Request { actor: Actor::System(SystemActor::Platform), organization: OrganizationId::PLATFORM, ..cause.clone() };
        let message = SendEmail {
            from: self.settings.notice_from.clone(),
            to: vec![Mailbox { name: None, address: address.expose().clone() }],
            subject_line: subject_line.to_owned(),
            text: Some(text),
            ..SendEmail::default_from(self.settings.notice_from.clone())
        };
        let request = SendEmails { messages: vec![message], idempotency_key: None, interface: Interface::Platform };
        match self.send_emails(&by, request).await {
            Ok(_) => Ok(()),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Refused(_)) => Err(Fault::Invariant("a notice is a valid message")),
        }
    }
}
