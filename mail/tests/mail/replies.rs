use ::mail::{EnhancedStatus, Reply};
use proptest::prelude::*;

#[test]
fn a_reply_of_several_lines_is_one_reply() {
    let raw = b"550-5.1.1 <a@b.test>\r\n550-5.1.1 gr\xfc\xdfe\r\n550 5.1.1 unknown\r\n";
    let reply = Reply::from_raw(raw).unwrap();
    assert_eq!((reply.code(), reply.raw()), (550, &raw[..]));
    assert_eq!(reply.enhanced(), Some(EnhancedStatus { class: 5, subject: 1, detail: 1 }));
    assert_eq!(reply.lines().last().unwrap(), "5.1.1 unknown");
    assert!(!format!("{reply:?}").contains("a@b.test"));
}

#[test]
fn what_is_not_a_reply_is_refused() {
    for raw in [
        "",
        "250",
        "250 ok",
        "250-a\r\n",
        "250-a\r\n251 b\r\n",
        "25 ok\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "650 x\r\n",
        "250_x\r\n",
        "250 a\r\n250 b\r\n",
    ] {
        assert!(Reply::from_raw(raw.as_bytes()).is_none(), "{raw:?}");
    }
    assert!(Reply::from_raw(b"250\r\n").is_some());
    assert!(Reply::from_raw(b"250 bare line feed\n").is_some());
}

#[test]
fn numbers_that_only_look_like_a_status_are_none() {
    for raw in ["550 5.1 x\r\n", "550 1.1.1.1 blocked\r\n", "550 3.1.1 x\r\n", "550 no\r\n", "550 5.1.99999999 x\r\n"] {
        assert_eq!(Reply::from_raw(raw.as_bytes()).unwrap().enhanced(), None, "{raw}");
    }
}

proptest! {
    #[test]
    fn reading_a_reply_never_panics(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Reply::from_raw(&raw).map(|reply| (reply.text(), reply.enhanced(), ::mail::classify(&reply)));
    }
}
