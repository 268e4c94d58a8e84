use super::peer::{Peer, loopback};
use ::mail::{Mailbox, MessageText, OutgoingMessage, ReplyClass, SmtpError, SmtpSession, Step, TlsMode, classify, compose, parse_message};
use domain::{FailureReason, Timestamp};

fn composed(subject: &str, text: &str) -> MessageText {
    let message = OutgoingMessage {
        message_id: "0199.abc@client.test",
        date: Timestamp::from_micros(1_750_000_000_000_000),
        from: Mailbox { name: Some("Zoë Sender"), address: "sender@client.test" },
        to: &[Mailbox { name: None, address: "ok@sink.test" }],
        cc: &[],
        reply_to: &[],
        subject,
        text: Some(text),
        html: None,
        headers: &[],
        attachments: &[],
    };
    compose(&message).unwrap()
}

async fn session(peer: &Peer) -> SmtpSession {
    SmtpSession::connect(&loopback(), &peer.server(TlsMode::None), &peer.trust()).await.unwrap()
}

/// With and without pipelining the caller sees the same.
const BOTH: [&[&str]; 2] = [&[], &["--pipelining"]];

#[tokio::test]
async fn a_message_arrives_as_it_was_composed() {
    for options in BOTH {
        let mut peer = Peer::start(options);
        let mut session = session(&peer).await;
        let message = composed("Grüße", "Hello,\n.\n..dots\n.hidden\n\nbye");
        let outcome = session.envelope("bounce@client.test", &["ok@sink.test"], &message).await.unwrap();
        assert!(outcome.awaits_text());
        assert_eq!(session.transmit(&message).await.unwrap().code(), 250);
        let seen = peer.next();
        assert_eq!(seen["from"], "bounce@client.test");
        assert_eq!(seen["data"].as_str().unwrap().as_bytes(), message.as_bytes());
        assert_eq!(parse_message(message.as_bytes()).unwrap().subject.unwrap(), "Grüße");
        session.quit().await.unwrap();
    }
}

#[tokio::test]
async fn every_recipient_has_its_own_reply() {
    for options in BOTH {
        let mut peer = Peer::start(options);
        let mut session = session(&peer).await;
        let message = composed("Hi", "Hello");
        let recipients = ["ok-1@sink.test", "defer-1@sink.test", "refuse-1@sink.test", "multiline-1@sink.test", "ok-2@sink.test"];
        let outcome = session.envelope("a@client.test", &recipients, &message).await.unwrap();
        let codes: Vec<u16> = outcome.replies.iter().map(|reply| reply.reply.code()).collect();
        assert_eq!(codes, [250, 451, 550, 550, 250]);
        assert_eq!(outcome.accepted().collect::<Vec<_>>(), [0, 4]);
        assert!(outcome.replies.iter().all(|reply| reply.step == Step::Recipient));
        let multiline = &outcome.replies[3].reply;
        assert_eq!(multiline.lines().count(), 3);
        assert!(multiline.raw().contains(&0xfc), "the raw reply is kept byte by byte");
        assert_eq!(classify(&outcome.replies[2].reply), ReplyClass::Bounced { reason: FailureReason::UserUnknown });
        session.transmit(&message).await.unwrap();
        let taken = std::iter::from_fn(|| Some(peer.next())).find(|line| line["event"] == "message").unwrap();
        assert_eq!(taken["to"], serde_json::json!(["ok-1@sink.test", "ok-2@sink.test"]));
    }
}

#[tokio::test]
async fn when_nobody_is_accepted_there_is_no_text_and_the_session_goes_on() {
    for options in BOTH {
        let mut peer = Peer::start(options);
        let mut session = session(&peer).await;
        let message = composed("Hi", "Hello");
        let outcome = session.envelope("a@client.test", &["refuse-1@sink.test", "defer-1@sink.test"], &message).await.unwrap();
        assert!(!outcome.awaits_text());
        assert!(matches!(session.transmit(&message).await, Err(SmtpError::OutOfOrder)));
        assert!(session.is_reusable());
        assert!(session.envelope("a@client.test", &["ok@sink.test"], &message).await.unwrap().awaits_text());
        session.transmit(&message).await.unwrap();
        assert_eq!(session.transmitted(), 1);
        let taken = std::iter::from_fn(|| Some(peer.next())).find(|line| line["event"] == "message").unwrap();
        assert_eq!(taken["to"], serde_json::json!(["ok@sink.test"]));
    }
}

#[tokio::test]
async fn many_recipients_go_out_in_groups() {
    for options in BOTH {
        let mut peer = Peer::start(options);
        let mut session = session(&peer).await;
        let message = composed("Hi", "Hello");
        let recipients: Vec<String> = (0..120).map(|number| format!("ok-{number}@sink.test")).collect();
        let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
        assert_eq!(session.envelope("a@client.test", &recipients, &message).await.unwrap().accepted().count(), 120);
        session.transmit(&message).await.unwrap();
        assert_eq!(peer.next()["to"].as_array().unwrap().len(), 120);
    }
}

#[tokio::test]
async fn a_refusal_after_the_text_is_the_outcome() {
    let peer = Peer::start(&["--pipelining"]);
    let mut session = session(&peer).await;
    let message = composed("Hi", "Hello");
    for (recipient, code) in [("late-defer-1@sink.test", 451), ("late-refuse-1@sink.test", 554)] {
        session.envelope("a@client.test", &[recipient], &message).await.unwrap();
        assert_eq!(session.transmit(&message).await.unwrap().code(), code);
    }
}

#[tokio::test]
async fn a_connection_cut_before_the_text_leaves_no_doubt_and_one_cut_after_it_does() {
    for options in BOTH {
        let peer = Peer::start(options);
        let message = composed("Hi", "Hello");
        let mut first = session(&peer).await;
        let error = first.envelope("a@client.test", &["drop-rcpt-1@sink.test"], &message).await.unwrap_err();
        assert!(error.happened_before_text() && !error.outcome_unknown() && error.is_transient(), "{error:?}");
        assert!(!first.is_reusable());
        for recipient in ["drop-text-1@sink.test", "lost-text-1@sink.test"] {
            let mut second = session(&peer).await;
            assert!(second.envelope("a@client.test", &[recipient], &message).await.unwrap().awaits_text());
            let error = second.transmit(&message).await.unwrap_err();
            assert!(error.outcome_unknown() && !error.happened_before_text(), "{error:?}");
            assert!(!second.is_reusable());
        }
    }
}

#[tokio::test]
async fn a_large_text_goes_out_in_pieces_and_arrives_whole() {
    let mut peer = Peer::start(&["--pipelining"]);
    let mut session = session(&peer).await;
    let text: String = (0..40_000).map(|number| format!(".line {number} of a long text\n..\n")).collect();
    let message = composed("Long", &text);
    assert!(message.as_bytes().len() > 1_000_000);
    session.envelope("a@client.test", &["ok@sink.test"], &message).await.unwrap();
    session.transmit(&message).await.unwrap();
    assert_eq!(peer.next()["data"].as_str().unwrap().as_bytes(), message.as_bytes());
}

#[tokio::test]
async fn what_the_server_cannot_take_is_said_before_anything_is_sent() {
    let peer = Peer::start(&["--no-8bit", "--size", "1000"]);
    let mut session = session(&peer).await;
    let long = composed("Long", &"text ".repeat(1000));
    let error = session.envelope("a@client.test", &["ok@sink.test"], &long).await.unwrap_err();
    assert!(matches!(error, SmtpError::MessageTooLarge { limit: 1000 }) && !error.is_transient());
    let short = composed("Short", "text");
    let error = session.envelope("a@client.test", &["jürgen@sink.test"], &short).await.unwrap_err();
    assert!(matches!(error, SmtpError::NotOffered(_)) && !error.is_transient());
    assert!(session.is_reusable());
    assert!(
        session.envelope("", &["ok@bücher.test"], &short).await.unwrap().awaits_text(),
        "an international domain has an ASCII spelling"
    );
}

#[tokio::test]
async fn international_addresses_are_sent_where_they_are_offered() {
    let mut peer = Peer::start(&[]);
    let mut session = session(&peer).await;
    let message = composed("Hi", "Hello");
    session.envelope("a@client.test", &["jürgen@sink.test"], &message).await.unwrap();
    session.transmit(&message).await.unwrap();
    let seen = peer.next();
    assert_eq!(seen["to"][0], "jürgen@sink.test");
    assert!(seen["options"].as_array().unwrap().iter().any(|option| option == "SMTPUTF8"));
}

#[tokio::test]
async fn an_address_cannot_smuggle_a_command() {
    let peer = Peer::start(&[]);
    let mut session = session(&peer).await;
    let message = composed("Hi", "Hello");
    for evil in ["a@b.test>\r\nRCPT TO:<c@d.test", "a@b.test\nDATA", "\"a\r\nQUIT\"@b.test", "a b@c.test", "", "nobody", "\"><x\"@b.test"] {
        assert!(matches!(session.envelope("a@client.test", &[evil], &message).await, Err(SmtpError::Unspeakable)), "{evil:?}");
    }
    assert!(session.is_reusable());
}

#[tokio::test]
async fn a_session_can_be_reset_between_transactions_but_not_amid_the_text() {
    let peer = Peer::start(&[]);
    let mut session = session(&peer).await;
    session.reset().await.unwrap();
    session.noop().await.unwrap();
    let message = composed("Hi", "Hello");
    session.envelope("a@client.test", &["ok@sink.test"], &message).await.unwrap();
    assert!(matches!(session.reset().await, Err(SmtpError::OutOfOrder)));
    assert!(!session.is_reusable());
}

#[tokio::test]
async fn a_server_that_closes_says_so_for_every_recipient() {
    for options in [["--messages-max", "1"].as_slice(), &["--messages-max", "1", "--pipelining"]] {
        let peer = Peer::start(options);
        let mut session = session(&peer).await;
        let message = composed("Hi", "Hello");
        session.envelope("a@client.test", &["ok@sink.test"], &message).await.unwrap();
        session.transmit(&message).await.unwrap();
        let outcome = session.envelope("a@client.test", &["ok@sink.test", "ok-2@sink.test"], &message).await.unwrap();
        assert_eq!(outcome.replies.iter().map(|reply| (reply.step, reply.reply.code())).collect::<Vec<_>>(), [(Step::Mail, 421); 2]);
        assert!(!session.is_reusable());
    }
}
