use ::mail::{MessageText, MessageTextError, parse_message};
use proptest::prelude::*;

#[test]
fn a_text_that_servers_may_read_differently_is_refused() {
    for (bytes, error) in [
        (&b"a\r\n.\nb\r\n"[..], MessageTextError::LoneLineBreak),
        (b"a\r.\r\n", MessageTextError::LoneLineBreak),
        (b"\n", MessageTextError::LoneLineBreak),
        (b"a\r\r\n", MessageTextError::LoneLineBreak),
        (b"a", MessageTextError::Unended),
        (b"a\r", MessageTextError::Unended),
        (b"", MessageTextError::Unended),
        (b"a\0\r\n", MessageTextError::Nul),
    ] {
        assert_eq!(MessageText::new(bytes.to_vec()).unwrap_err(), error, "{bytes:?}");
    }
    let line = |length| [vec![b'x'; length], b"\r\n".to_vec()].concat();
    assert!(MessageText::new(line(998)).is_ok());
    assert_eq!(MessageText::new(line(999)).unwrap_err(), MessageTextError::LineTooLong);
}

#[test]
fn a_text_shows_nothing_of_itself() {
    let text = MessageText::new(b"Subject: secret\r\n\r\nsecret\r\n".to_vec()).unwrap();
    assert!(!format!("{text:?}").contains("secret"));
}

#[test]
fn html_only_is_not_shown_as_text() {
    let parsed = parse_message(b"Subject: x\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>gr\xfc\xdfe</p>\r\n").unwrap();
    assert_eq!(parsed.text, None);
    assert_eq!(parsed.html.unwrap().trim_end(), "<p>grüße</p>");
}

proptest! {
    #[test]
    fn reading_never_panics(raw in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = parse_message(&raw);
    }
}
