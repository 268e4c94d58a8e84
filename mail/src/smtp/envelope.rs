//! MAIL, RCPT and DATA: who sends to whom, with an answer for each recipient.

use super::{Missing, SmtpError, SmtpSession, State, Step};
use crate::{MessageText, Reply, address};

/// Recipients named before their replies are read. Naming more could block both sides: we write, the server writes, and nobody reads
/// (RFC 2920, section 3.1).
const PIPELINED_MAX: usize = 50;

/// The server is closing the connection, whatever it was asked.
const CLOSING: u16 = 421;

/// What the server said, recipient by recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvelopeOutcome {
    /// In the order of the recipients.
    pub replies: Vec<EnvelopeReply>,
}

/// The reply that decides about one recipient: a refusal of the sender or of DATA is the reply to everybody.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvelopeReply {
    pub step: Step,
    pub reply: Reply,
}

impl EnvelopeReply {
    /// Whether the text will be for this recipient too.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.reply.code())
    }
}

impl EnvelopeOutcome {
    /// Whether the server waits for the text. Otherwise there is nothing to transmit.
    pub fn awaits_text(&self) -> bool {
        self.replies.iter().any(EnvelopeReply::is_accepted)
    }

    /// Numbers of the recipients that the text will be for.
    pub fn accepted(&self) -> impl Iterator<Item = usize> + '_ {
        self.replies.iter().enumerate().filter(|(_, reply)| reply.is_accepted()).map(|(number, _)| number)
    }
}

impl SmtpSession {
    /// Begins a transaction for `message`. An empty `from` is the null sender. Where somebody was accepted the server then waits for the
    /// text, and the next call must be [`SmtpSession::transmit`]; or the session is dropped, and nothing was sent.
    pub async fn envelope(&mut self, from: &str, recipients: &[&str], message: &MessageText) -> Result<EnvelopeOutcome, SmtpError> {
        if !self.is_reusable() || recipients.is_empty() {
            return Err(SmtpError::OutOfOrder);
        }
        let commands = self.commands(from, recipients, message)?;
        let reset = std::mem::replace(&mut self.state, State::Broken) == State::Begun;
        let (mail, replies) =
            if self.extensions.pipelining { self.pipelined(&commands, reset).await? } else { self.step_by_step(&commands, reset).await? };
        Ok(self.conclude(mail, replies, recipients.len()))
    }

    fn commands(&self, from: &str, recipients: &[&str], message: &MessageText) -> Result<Commands, SmtpError> {
        let sender = if from.is_empty() { String::new() } else { path(from)? };
        let recipients = recipients.iter().map(|recipient| path(recipient)).collect::<Result<Vec<_>, _>>()?;
        let size = message.as_bytes().len();
        if let Some(limit) = self.extensions.size_max.filter(|limit| *limit < size as u64) {
            return Err(SmtpError::MessageTooLarge { limit });
        }
        let mut mail = format!("MAIL FROM:<{sender}>");
        if self.extensions.size {
            mail.push_str(&format!(" SIZE={size}"));
        }
        if !message.is_ascii() {
            self.offered(self.extensions.eight_bit, Missing::EightBit)?;
            mail.push_str(" BODY=8BITMIME");
        }
        // A composed text is ASCII unless an address in its header is not, and that takes SMTPUTF8 as much as one in the envelope.
        if !message.is_ascii() || !sender.is_ascii() || recipients.iter().any(|recipient| !recipient.is_ascii()) {
            self.offered(self.extensions.international_addresses, Missing::InternationalAddresses)?;
            mail.push_str(" SMTPUTF8");
        }
        mail.push_str("\r\n");
        let recipients = recipients.into_iter().map(|recipient| format!("RCPT TO:<{recipient}>\r\n")).collect();
        Ok(Commands { mail, recipients })
    }

    fn offered(&self, offered: bool, missing: Missing) -> Result<(), SmtpError> {
        if offered { Ok(()) } else { Err(SmtpError::NotOffered(missing)) }
    }
}

struct Commands {
    mail: String,
    recipients: Vec<String>,
}

/// The reply to MAIL, and the replies to RCPT and DATA as far as they came.
type Replies = (Reply, Vec<EnvelopeReply>);

impl SmtpSession {
    async fn step_by_step(&mut self, commands: &Commands, reset: bool) -> Result<Replies, SmtpError> {
        if reset {
            self.exchange(b"RSET\r\n", Step::Reset).await?;
        }
        let mail = self.exchange(commands.mail.as_bytes(), Step::Mail).await?;
        let mut replies = Vec::new();
        if !mail.is_positive() {
            return Ok((mail, replies));
        }
        for recipient in &commands.recipients {
            let reply = self.exchange(recipient.as_bytes(), Step::Recipient).await?;
            let closing = reply.code() == CLOSING;
            replies.push(EnvelopeReply { step: Step::Recipient, reply });
            if closing {
                return Ok((mail, replies));
            }
        }
        if replies.iter().any(EnvelopeReply::is_accepted) {
            let reply = self.exchange(b"DATA\r\n", Step::Data).await?;
            replies.push(EnvelopeReply { step: Step::Data, reply });
        }
        Ok((mail, replies))
    }

    /// Everything up to DATA goes out at once, and the replies are read afterwards (RFC 2920).
    async fn pipelined(&mut self, commands: &Commands, reset: bool) -> Result<Replies, SmtpError> {
        let mut out = if reset { String::from("RSET\r\n") } else { String::new() };
        out.push_str(&commands.mail);
        let mut mail = None;
        let mut replies = Vec::new();
        let groups = commands.recipients.len().div_ceil(PIPELINED_MAX);
        for (number, group) in commands.recipients.chunks(PIPELINED_MAX).enumerate() {
            group.iter().for_each(|recipient| out.push_str(recipient));
            let is_last = number + 1 == groups;
            if is_last {
                out.push_str("DATA\r\n");
            }
            self.wire.send(out.as_bytes(), Step::Mail, self.time_outs.command).await?;
            out.clear();
            if mail.is_none() {
                if reset {
                    self.reply(Step::Reset, self.time_outs.command).await?;
                }
                mail = Some(self.reply(Step::Mail, self.time_outs.command).await?);
            }
            let steps = group.iter().map(|_| Step::Recipient).chain(is_last.then_some(Step::Data));
            for step in steps {
                if mail.as_ref().is_some_and(|mail| mail.code() == CLOSING) || replies.last().is_some_and(is_closing) {
                    break;
                }
                let reply = self.reply(step, self.time_outs.command).await?;
                replies.push(EnvelopeReply { step, reply });
            }
        }
        let mail = mail.ok_or(SmtpError::OutOfOrder)?;
        if replies.last().is_some_and(|last| last.step == Step::Data && last.reply.code() == 354) && !someone_accepted(&mail, &replies) {
            self.end_empty_text().await?;
        }
        Ok((mail, replies))
    }

    /// A server may ask for the text although it took nobody (RFC 2920, section 3.1): it gets an empty one, for no one.
    async fn end_empty_text(&mut self) -> Result<(), SmtpError> {
        self.exchange(b".\r\n", Step::Data).await.map(drop)
    }

    /// From what was said to what it means for each recipient, and for the connection.
    fn conclude(&mut self, mail: Reply, mut replies: Vec<EnvelopeReply>, recipients: usize) -> EnvelopeOutcome {
        let closing = mail.code() == CLOSING || replies.last().is_some_and(is_closing);
        if !mail.is_positive() {
            self.state = if closing { State::Broken } else { State::Begun };
            return EnvelopeOutcome { replies: vec![EnvelopeReply { step: Step::Mail, reply: mail }; recipients] };
        }
        let accepted = someone_accepted(&mail, &replies);
        let data = replies.pop_if(|last| last.step == Step::Data);
        // Whom a closing server did not get to hear about, it has answered all the same.
        let last = replies.last().cloned();
        while let Some(last) = last.clone().filter(|_| replies.len() < recipients) {
            replies.push(last);
        }
        let goes_ahead = accepted && data.as_ref().is_some_and(|data| data.reply.code() == 354);
        if !goes_ahead {
            let decisive = data.or(last);
            for reply in replies.iter_mut().filter(|reply| reply.is_accepted()) {
                reply.clone_from(decisive.as_ref().unwrap_or(&EnvelopeReply { step: Step::Mail, reply: mail.clone() }));
            }
        }
        self.state = match (closing, goes_ahead) {
            (true, _) => State::Broken,
            (false, true) => State::AwaitingText,
            (false, false) => State::Begun,
        };
        EnvelopeOutcome { replies }
    }
}

fn is_closing(reply: &EnvelopeReply) -> bool {
    reply.reply.code() == CLOSING
}

fn someone_accepted(mail: &Reply, replies: &[EnvelopeReply]) -> bool {
    mail.is_positive() && replies.iter().any(|reply| reply.step == Step::Recipient && reply.is_accepted())
}

fn path(given: &str) -> Result<String, SmtpError> {
    address::parse(given).map(|address| address.to_string()).map_err(|_| SmtpError::Unspeakable)
}
