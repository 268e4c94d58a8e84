use ::mail::{Attachment, ComposeCode, ComposeError, ComposeField, Mailbox, OutgoingMessage, compose, parse_message};
use domain::Timestamp;
use proptest::prelude::*;

const TO: &[Mailbox<'static>] = &[Mailbox { name: Some("Jürgen \"J\" Groß, Chef"), address: "j@bücher.test" }];

fn plain() -> OutgoingMessage<'static> {
    OutgoingMessage {
        message_id: "0199.abc@client.test",
        date: Timestamp::from_micros(1_750_000_000_123_456),
        from: Mailbox { name: Some("Zoë 🦀"), address: "sender@client.test" },
        to: TO,
        cc: &[],
        reply_to: &[],
        subject: "Grüße aus Köln",
        text: Some("Hello\nwörld\r\nold\rmac\n"),
        html: None,
        headers: &[],
        attachments: &[],
    }
}

fn refused(message: &OutgoingMessage<'_>) -> ComposeError {
    compose(message).unwrap_err()
}

fn text_of(message: &OutgoingMessage<'_>) -> String {
    String::from_utf8(compose(message).unwrap().into_bytes()).unwrap()
}

#[test]
fn names_subject_and_text_outside_ascii_come_back_as_they_were() {
    let message = compose(&plain()).unwrap();
    assert!(message.is_ascii());
    let raw = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
    let to = raw.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Jürgen \"J\" Groß, Chef"), Some("j@xn--bcher-kva.test")));
    assert_eq!(raw.from().unwrap().first().unwrap().name(), Some("Zoë 🦀"));
    assert_eq!(raw.message_id(), Some("0199.abc@client.test"));
    assert_eq!(raw.date().unwrap().to_timestamp(), 1_750_000_000);
    let parsed = parse_message(message.as_bytes()).unwrap();
    assert_eq!(parsed.subject.unwrap(), "Grüße aus Köln");
    assert_eq!(parsed.text.unwrap().replace("\r\n", "\n").trim_end(), "Hello\nwörld\nold\nmac");
    assert_eq!(parsed.html, None);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let message = OutgoingMessage { html: Some("<p>x</p>"), ..plain() };
    assert_eq!(compose(&message).unwrap(), compose(&message).unwrap());
}

#[test]
fn text_html_inline_parts_and_attachments_form_one_tree() {
    let logo = Attachment { file_name: "logo.png", content_type: None, content_id: Some("logo@client.test"), content: b"\x89PNG\n\r\n\0" };
    let bill =
        Attachment { file_name: "Rechnung für März.pdf", content_type: Some("application/pdf"), content_id: None, content: b"a\nb\rc" };
    let mail = Attachment { file_name: "old.eml", content_type: Some("message/rfc822"), content_id: None, content: b"Subject: x\n\ny" };
    let attachments = [logo, bill, mail];
    let message = OutgoingMessage { html: Some("<img src=\"cid:logo@client.test\">"), attachments: &attachments, ..plain() };
    let parsed = parse_message(compose(&message).unwrap().as_bytes()).unwrap();
    assert!(parsed.text.is_some() && parsed.html.unwrap().contains("cid:logo@client.test"));
    let names: Vec<_> = parsed.attachments.iter().map(|part| part.file_name.clone().unwrap()).collect();
    assert_eq!(names, ["logo.png", "Rechnung für März.pdf", "old.eml"]);
    for (sent, read) in attachments.iter().zip(&parsed.attachments) {
        assert_eq!(sent.content, read.content);
    }
    assert_eq!(parsed.attachments[0].content_id.as_deref(), Some("logo@client.test"));
    let text = text_of(&message);
    for (outer, inner) in [("multipart/mixed", "multipart/related"), ("multipart/related", "multipart/alternative")] {
        assert!(text.find(outer).unwrap() < text.find(inner).unwrap());
    }
}

#[test]
fn a_body_that_imitates_a_boundary_stays_one_body() {
    let first = text_of(&OutgoingMessage { html: Some("<p>x</p>"), ..plain() });
    let boundary = first.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let evil = format!("before\n--{boundary}--\nafter");
    let parsed =
        parse_message(compose(&OutgoingMessage { text: Some(&evil), html: Some("<p>x</p>"), ..plain() }).unwrap().as_bytes()).unwrap();
    assert!(parsed.text.unwrap().contains("after"));
}

#[test]
fn line_breaks_in_header_fields_are_refused_by_field() {
    for evil in ["a\r\nBcc: x@y.test", "a\nb", "a\rb", "a\0b", "a\u{85}b", "\r\n"] {
        let code = ComposeCode::ControlCharacter;
        assert_eq!(refused(&OutgoingMessage { subject: evil, ..plain() }), ComposeError { field: ComposeField::Subject, code });
        let name = [Mailbox { name: Some(evil), address: "a@b.test" }];
        // White space around a name does not count, so a name of line breaks alone is no name.
        if !evil.trim().is_empty() {
            assert_eq!(refused(&OutgoingMessage { cc: &name, ..plain() }), ComposeError { field: ComposeField::Cc(0), code });
        }
        let headers = [("X-Fine", "fine"), ("X-Evil", evil)];
        assert_eq!(refused(&OutgoingMessage { headers: &headers, ..plain() }), ComposeError { field: ComposeField::Header(1), code });
        let file = [Attachment { file_name: evil, content_type: None, content_id: None, content: b"" }];
        assert_eq!(refused(&OutgoingMessage { attachments: &file, ..plain() }), ComposeError { field: ComposeField::Attachment(0), code });
        let address = [Mailbox { name: None, address: evil }];
        assert_eq!(refused(&OutgoingMessage { reply_to: &address, ..plain() }).code, ComposeCode::InvalidAddress);
        let headers = [(evil, "value")];
        assert_eq!(refused(&OutgoingMessage { headers: &headers, ..plain() }).code, ComposeCode::InvalidHeaderName);
        assert_eq!(refused(&OutgoingMessage { message_id: evil, ..plain() }).code, ComposeCode::Malformed);
    }
}

#[test]
fn fields_that_the_structure_owns_cannot_be_overridden() {
    for name in [
        "From",
        "to",
        "CC",
        "Bcc",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "content-transfer-encoding",
        "Return-Path",
        "DKIM-Signature",
        "Received",
        "Sender",
        "Reply-To",
        "Resent-From",
        "ARC-Seal",
        "Authentication-Results",
    ] {
        let headers = [(name, "x")];
        assert_eq!(refused(&OutgoingMessage { headers: &headers, ..plain() }).code, ComposeCode::ReservedHeader, "{name}");
    }
    let twice = [("X-A", "1"), ("x-a", "2")];
    let expected = ComposeError { field: ComposeField::Header(1), code: ComposeCode::RepeatedHeader };
    assert_eq!(refused(&OutgoingMessage { headers: &twice, ..plain() }), expected);
}

#[test]
fn a_long_link_in_a_header_field_is_left_whole() {
    let link = format!("<https://client.test/u/{}>", "a1".repeat(200));
    let headers = [("List-Unsubscribe", link.as_str()), ("In-Reply-To", "<x@y.test>"), ("X-Note", "übrigens")];
    let parsed = parse_message(compose(&OutgoingMessage { headers: &headers, ..plain() }).unwrap().as_bytes()).unwrap();
    assert!(parsed.headers.contains(&("List-Unsubscribe".to_owned(), link.clone())));
}

#[test]
fn missing_overlong_and_malformed_parts_are_named() {
    assert_eq!(refused(&OutgoingMessage { text: None, ..plain() }).code, ComposeCode::Missing);
    assert_eq!(refused(&OutgoingMessage { text: Some("a\0"), ..plain() }).code, ComposeCode::ControlCharacter);
    assert_eq!(refused(&OutgoingMessage { subject: &"x".repeat(1000), ..plain() }).code, ComposeCode::TooLong);
    assert_eq!(refused(&OutgoingMessage { date: Timestamp::from_micros(-1), ..plain() }).code, ComposeCode::OutOfRange);
    assert_eq!(refused(&OutgoingMessage { date: Timestamp::from_micros(i64::MAX), ..plain() }).code, ComposeCode::OutOfRange);
    for kind in ["multipart/mixed", "nonsense", "text/*", "text/plain\r\nX: y", "text/plain; name=\"ü\""] {
        let file = [Attachment { file_name: "a", content_type: Some(kind), content_id: None, content: b"" }];
        assert_eq!(refused(&OutgoingMessage { attachments: &file, ..plain() }).code, ComposeCode::InvalidContentType, "{kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_composed_has_short_lines_and_no_lone_line_break(
        subject in "\\PC{0,300}", name in "\\PC{1,80}", text in "(?s).{0,2000}", html in proptest::option::of("[a-z\r\n. é<>]{0,3000}"),
        header in "[ -~é\t]{0,400}", file_name in "\\PC{1,100}", content in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        let to = [Mailbox { name: Some(&name), address: "a@b.test" }];
        let headers = [("X-Any", header.as_str())];
        let attachments = [Attachment { file_name: &file_name, content_type: None, content_id: None, content: &content }];
        let message = OutgoingMessage {
            subject: &subject, to: &to, text: Some(&text), html: html.as_deref(), headers: &headers, attachments: &attachments, ..plain()
        };
        let Ok(composed) = compose(&message) else { return Ok(()) };
        let bytes = composed.as_bytes();
        prop_assert!(bytes.is_ascii() && bytes.ends_with(b"\r\n"));
        let text = std::str::from_utf8(bytes).unwrap();
        for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
            prop_assert!(!line.contains(['\r', '\n', '\0']) && line.len() <= 998);
        }
        let header = text.split("\r\n\r\n").next().unwrap();
        prop_assert!(header.split("\r\n").all(|line| !line.trim().is_empty()), "a folded line of spaces alone");
        prop_assert!(!header.contains("\r\nBcc:"));
        let parsed = parse_message(bytes).unwrap();
        prop_assert_eq!(&parsed.attachments.last().unwrap().content, &content);
    }

    /// Without `=?`: what looks like an encoded word is one to every reader.
    #[test]
    fn subjects_come_back_with_their_spaces_squeezed(subject in " {0,3}[a-z]([a-zé🦀?_ ]|=[a-zé🦀_ ]){0,150}") {
        let squeezed = subject.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let composed = compose(&OutgoingMessage { subject: &subject, ..plain() }).unwrap();
        prop_assert_eq!(parse_message(composed.as_bytes()).unwrap().subject.unwrap(), squeezed);
    }
}

#[test]
fn fifty_addresses_without_names_are_folded_into_lines_that_every_server_takes() {
    let addresses: Vec<String> = (0..50).map(|number| format!("somebody-with-a-name-{number}@department.example.test")).collect();
    let list: Vec<Mailbox<'_>> = addresses.iter().map(|address| Mailbox { name: None, address }).collect();
    let named = [Mailbox { name: Some("Smith, John, of the department for long names, second floor"), address: "smith@example.test" }; 3];
    let message = compose(&OutgoingMessage { to: &list, cc: &list, reply_to: &named, ..plain() }).unwrap();
    let text = std::str::from_utf8(message.as_bytes()).unwrap();
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(header.lines().all(|line| line.len() <= 78), "{header}");
    let parsed = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
    for field in [parsed.to(), parsed.cc()] {
        let read: Vec<&str> = field.unwrap().iter().filter_map(|one| one.address()).collect();
        assert_eq!(read, addresses);
    }
    assert!(parsed.reply_to().unwrap().iter().all(|one| one.name() == named[0].name), "{header}");
}
