use ::mail::{Reply, ReplyClass, classify};
use domain::FailureReason as Reason;

fn class(text: &str) -> ReplyClass {
    classify(&Reply::from_raw(format!("{text}\r\n").as_bytes()).unwrap())
}

#[test]
fn replies_of_servers_in_use_are_understood() {
    for (text, reason) in [
        ("550 5.1.1 <a@b.test>: Recipient address rejected: User unknown in local recipient table", Reason::UserUnknown),
        ("550-5.1.1 The email account that you tried to reach does not exist.\r\n550 5.1.1 Please try", Reason::UserUnknown),
        ("550 5.5.0 Requested action not taken: mailbox unavailable", Reason::UserUnknown),
        ("550 5.4.1 Recipient address rejected: Access denied", Reason::UserUnknown),
        ("552 5.2.2 Over quota", Reason::MailboxFull),
        ("552-5.2.2 The email account that you tried to reach is over quota\r\n552 5.2.2 x", Reason::MailboxFull),
        ("552 5.3.4 Message size exceeds fixed limit", Reason::MessageTooBig),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", Reason::Blocked),
        ("554 5.7.1 <a@b.test>: Relay access denied", Reason::NoRelaying),
        ("550 5.7.1 Message rejected as spam by Content Filtering.", Reason::SpamDetected),
        ("550 5.7.26 Unauthenticated email from b.test is not accepted due to domain's DMARC policy", Reason::AuthFailure),
        ("550 5.7.25 The IP address sending this message does not have a PTR record setup", Reason::RequirePtr),
        ("550 5.2.1 The email account that you tried to reach is disabled", Reason::Suspend),
        ("556 5.1.10 Recipient address has null MX", Reason::NotAccept),
        ("553 5.1.8 <x@y.test>: Sender address rejected: Domain not found", Reason::Rejected),
        ("554 5.6.0 message contains a virus", Reason::VirusDetected),
        ("550 no", Reason::UserUnknown),
        ("599 what", Reason::Undefined),
    ] {
        assert_eq!(class(text), ReplyClass::Bounced { reason }, "{text}");
    }
}

#[test]
fn what_passes_is_deferred_whatever_the_first_digit_says() {
    for (text, reason) in [
        ("552 Too many recipients", Reason::TooManyConn),
        ("552 5.5.3 too many recipients this session", Reason::TooManyConn),
        ("452 4.5.3 Too many recipients", Reason::TooManyConn),
        ("550 5.5.3 no more", Reason::TooManyConn),
        ("554 Too many connections from your host", Reason::TooManyConn),
        ("550 5.7.1 Greylisted, come back", Reason::RateLimited),
        ("421 4.7.0 Try again later, closing connection", Reason::SystemError),
        ("450 4.2.0 <a@b.test>: Recipient address rejected: Greylisted", Reason::RateLimited),
        ("452 4.2.2 mailbox full", Reason::MailboxFull),
        ("451 4.3.0 x", Reason::SystemError),
        ("354 go on", Reason::Undefined),
    ] {
        assert_eq!(class(text), ReplyClass::Deferred { reason }, "{text}");
    }
}

#[test]
fn a_positive_reply_is_accepted_whatever_it_says() {
    assert_eq!(class("250 2.0.0 queued, user unknown to nobody"), ReplyClass::Accepted);
    assert_eq!(class("251 User not local; will forward"), ReplyClass::Accepted);
}

#[test]
fn an_address_in_the_reply_does_not_decide() {
    for text in ["550 5.1.1 <spam-report@marble.test> user unknown", "550 5.1.1 <virus@spf.test> unknown"] {
        assert_eq!(class(text), ReplyClass::Bounced { reason: Reason::UserUnknown }, "{text}");
    }
}
