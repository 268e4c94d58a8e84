//! Handing a message to the organisation's own mail server.

use super::{Attempted, Deliverer};
use commands::{SpooledMail, SpooledRecipient};
use domain::{Acceptance, Attempt, EnhancedStatus, FailureReason, Personal, RecipientReply, ReplyDetails, SmtpServerId};
use mail::{EnvelopeOutcome, Pooled, Reply, ReplyClass, SmtpError, classify};

/// What came of each recipient, until it is recorded.
struct Replies<'a> {
    /// Everybody whom the message is for.
    everybody: &'a [SpooledRecipient],
    accepted: Vec<RecipientReply>,
    bounced: Vec<RecipientReply>,
    deferred: Vec<RecipientReply>,
}

impl Deliverer {
    pub(super) async fn send(
        &self,
        message: &mut Attempted,
        server: SmtpServerId,
        mail: &SpooledMail,
        recipients: &[SpooledRecipient],
    ) -> anyhow::Result<()> {
        let mut replies = Replies { everybody: &mail.recipients, accepted: vec![], bounced: vec![], deferred: vec![] };
        match self.begin(message, server, mail, recipients).await? {
            Err(error) => replies.fail(recipients, &error),
            Ok((session, outcome)) => self.conclude(message, session, outcome, mail, recipients, &mut replies).await?,
        }
        let attempt = Attempt {
            accepted: replies.accepted,
            acceptance: Acceptance::Relayed,
            bounced: replies.bounced,
            deferred: replies.deferred,
            next_attempt_at: self.next_attempt_at(message),
            rules_version: mail::RULES_VERSION.into(),
        };
        let drafts = message.folded.state.record_attempt(attempt);
        self.record(message, drafts).await
    }

    /// A session in which the recipients were named.
    async fn begin(
        &self,
        message: &Attempted,
        server: SmtpServerId,
        mail: &SpooledMail,
        recipients: &[SpooledRecipient],
    ) -> anyhow::Result<Result<(Pooled, EnvelopeOutcome), SmtpError>> {
        let Some(access) = self.commands.smtp_server(message.by.organization, server).await? else {
            return Ok(Err(SmtpError::NotConnected(egress::EgressError::NotResolved)));
        };
        let connected = self.connections.acquire(&server, || self.commands.open_smtp_session(&access)).await;
        let mut session = match connected {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        let addresses: Vec<&str> = recipients.iter().map(|recipient| recipient.address.as_str()).collect();
        Ok(session.envelope(&mail.from, &addresses, &mail.text).await.map(|outcome| (session, outcome)))
    }

    /// From the replies to the recipients to the reply to the text.
    async fn conclude(
        &self,
        message: &mut Attempted,
        mut session: Pooled,
        outcome: EnvelopeOutcome,
        mail: &SpooledMail,
        recipients: &[SpooledRecipient],
        replies: &mut Replies<'_>,
    ) -> anyhow::Result<()> {
        let (taken, refused): (Vec<_>, Vec<_>) = recipients.iter().zip(&outcome.replies).partition(|(_, reply)| reply.is_accepted());
        for (recipient, reply) in refused {
            replies.sort(recipient, &reply.reply);
        }
        if taken.is_empty() {
            return Ok(());
        }
        let numbers: Vec<u16> = taken.iter().map(|(recipient, _)| recipient.number).collect();
        let started = message.folded.state.start_transmission(&numbers);
        // Durable before a byte of the text leaves: from here on, a crash leaves doubt and never a silent repetition. When somebody else
        // changed the stream this fails, and the session is dropped with nothing sent.
        self.record(message, started).await?;
        match session.transmit(&mail.text).await {
            Ok(reply) => taken.iter().for_each(|(recipient, _)| replies.sort(recipient, &reply)),
            Err(error) if error.outcome_unknown() => {
                let doubt = message.folded.state.doubt();
                self.record(message, doubt).await?;
            }
            Err(error) => taken.iter().for_each(|(recipient, _)| replies.fail(std::slice::from_ref(*recipient), &error)),
        }
        Ok(())
    }
}

impl Replies<'_> {
    /// A server's word about one recipient.
    fn sort(&mut self, recipient: &SpooledRecipient, reply: &Reply) {
        let (list, reason) = match classify(reply) {
            ReplyClass::Accepted => (&mut self.accepted, None),
            ReplyClass::Deferred { reason } => (&mut self.deferred, Some(reason)),
            ReplyClass::Bounced { reason } => (&mut self.bounced, Some(reason)),
        };
        let text = said_about(recipient, self.everybody, reply);
        list.push(RecipientReply {
            recipient: recipient.number,
            code: Some(reply.code()),
            enhanced_status: reply.enhanced().map(|status| EnhancedStatus(u16::from(status.class), status.subject, status.detail)),
            reason,
            text: Some(text),
        });
    }

    /// A session that failed, for all who depended on it.
    fn fail(&mut self, recipients: &[SpooledRecipient], error: &SmtpError) {
        for recipient in recipients {
            match error {
                SmtpError::Refused { reply, .. } if error.is_transient() => self.defer(recipient, Some(reply), error.reason()),
                _ if error.is_transient() => self.defer(recipient, None, error.reason()),
                _ => self.bounced.push(unsaid(recipient, error.reason())),
            }
        }
    }

    fn defer(&mut self, recipient: &SpooledRecipient, reply: Option<&Reply>, reason: FailureReason) {
        let mut deferred = unsaid(recipient, reason);
        if let Some(reply) = reply {
            deferred.code = Some(reply.code());
            deferred.text = Some(said_about(recipient, self.everybody, reply));
        }
        self.deferred.push(deferred);
    }
}

/// The server's words as this recipient's data. The reply to the text is one for all, and may quote anybody's address: in each copy the others stand as
/// numbers, so that forgetting one person leaves no trace with the rest.
fn said_about(recipient: &SpooledRecipient, everybody: &[SpooledRecipient], reply: &Reply) -> Personal<ReplyDetails> {
    let mut text = String::from_utf8_lossy(reply.raw()).trim_end().to_owned();
    for other in everybody.iter().filter(|other| !other.address.eq_ignore_ascii_case(&recipient.address)) {
        text = without(&text, &other.address, &format!("[recipient {}]", other.number));
    }
    Personal::new(ReplyDetails { text })
}

/// `text` with every occurrence of `address`, in any case, replaced.
fn without(text: &str, address: &str, replacement: &str) -> String {
    let (lower, address) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = lower[from..].find(&address) {
        replaced.push_str(&text[from..from + at]);
        replaced.push_str(replacement);
        from += at + address.len();
    }
    replaced.push_str(&text[from..]);
    replaced
}

/// An outcome without a server's word.
fn unsaid(recipient: &SpooledRecipient, reason: FailureReason) -> RecipientReply {
    RecipientReply { recipient: recipient.number, code: None, enhanced_status: None, reason: Some(reason), text: None }
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn an_address_is_replaced_wherever_and_however_it_stands() {
        assert_eq!(without("554 <Bob@Example.com> and bob@example.com: no", "bob@example.com", "[1]"), "554 <[1]> and [1]: no");
        assert_eq!(without("550 ä bob@example.com", "BOB@example.com", "[1]"), "550 ä [1]");
        assert_eq!(without("250 ok", "bob@example.com", "[1]"), "250 ok");
    }
}
