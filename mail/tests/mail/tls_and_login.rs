use super::peer::{Peer, loopback};
use ::mail::{Credentials, LoginVerdict, SmtpServer, SmtpSession, TlsFailure, TlsMode, TlsTrust, TlsVersion, check_login};
use egress::{Egress, EgressPolicy};

fn with_login(server: SmtpServer, password: &str) -> SmtpServer {
    SmtpServer { credentials: Some(Credentials::new("user".into(), password.into())), ..server }
}

#[tokio::test]
async fn m6_1_mail_is_sent_under_tls_and_the_version_is_known() {
    for (options, mode, version) in [
        (["--tls", "starttls"].as_slice(), TlsMode::StartTls, TlsVersion::Tls13),
        (&["--tls", "implicit"], TlsMode::Implicit, TlsVersion::Tls13),
        (&["--tls", "starttls", "--require-tls", "--tls-version", "1.2"], TlsMode::StartTls, TlsVersion::Tls12),
    ] {
        let mut peer = Peer::start(options);
        let mut session = SmtpSession::connect(&loopback(), &peer.server(mode), &peer.trust()).await.unwrap();
        assert_eq!(session.tls_version(), Some(version));
        let message = ::mail::MessageText::new(b"Subject: x\r\n\r\nhidden\r\n".to_vec()).unwrap();
        session.envelope("a@client.test", &["ok@sink.test"], &message).await.unwrap();
        session.transmit(&message).await.unwrap();
        assert_eq!(peer.next()["tls"], if version == TlsVersion::Tls13 { "TLSv1.3" } else { "TLSv1.2" });
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_or_another_host_is_refused() {
    let peer = Peer::start(&["--tls", "starttls"]);
    let stranger = TlsTrust::system(None).unwrap();
    let server = peer.server(TlsMode::StartTls);
    assert_eq!(check_login(&loopback(), &server, &stranger).await, LoginVerdict::CertificateNotTrusted);
    let elsewhere = SmtpServer { host: "127.0.0.2".into(), ..server };
    let error = SmtpSession::connect(&loopback(), &elsewhere, &peer.trust()).await.err().unwrap();
    // Nobody listens on 127.0.0.2; the name is checked on a socket of our own.
    assert!(error.is_transient());
    let stream = loopback().connect("127.0.0.1", peer.port).await.unwrap();
    let error = SmtpSession::on_stream(stream, &elsewhere, &peer.trust()).await.err().unwrap();
    assert!(matches!(error, ::mail::SmtpError::Tls(TlsFailure::Certificate)), "{error:?}");
}

#[tokio::test]
async fn required_tls_that_is_not_offered_sends_nothing_in_clear() {
    let peer = Peer::start(&["--login", "user:right"]);
    let server = with_login(peer.server(TlsMode::StartTls), "right");
    assert_eq!(check_login(&loopback(), &server, &peer.trust()).await, LoginVerdict::TlsNotOffered);
}

#[tokio::test]
async fn c4_5_a_login_is_checked_by_both_mechanisms() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let peer = Peer::start(&["--login", "user:rïght", "--login-only-by", mechanism, "--tls", "starttls"]);
        let good = with_login(peer.server(TlsMode::StartTls), "rïght");
        let accepted = LoginVerdict::Accepted { tls: Some(TlsVersion::Tls13) };
        assert_eq!(check_login(&loopback(), &good, &peer.trust()).await, accepted);
        let bad = with_login(peer.server(TlsMode::StartTls), "wrong");
        assert_eq!(check_login(&loopback(), &bad, &peer.trust()).await, LoginVerdict::CredentialsRefused);
    }
}

#[tokio::test]
async fn each_way_of_failing_has_its_verdict() {
    let plain = Peer::start(&[]);
    let server = plain.server(TlsMode::None);
    let trust = plain.trust();
    assert_eq!(check_login(&loopback(), &server, &trust).await, LoginVerdict::Accepted { tls: None });
    assert_eq!(check_login(&loopback(), &with_login(server.clone(), "x"), &trust).await, LoginVerdict::LoginNotOffered);
    let guarded = Egress::new(EgressPolicy::default());
    assert_eq!(check_login(&guarded, &server, &trust).await, LoginVerdict::AddressNotAllowed);
    let nowhere = SmtpServer { host: "nowhere.invalid".into(), ..server.clone() };
    assert_eq!(check_login(&loopback(), &nowhere, &trust).await, LoginVerdict::HostUnknown);
    let evil = SmtpServer { client_name: "a\r\nMAIL".into(), ..server.clone() };
    assert_eq!(check_login(&loopback(), &evil, &trust).await, LoginVerdict::Unspeakable);
    let refusing = Peer::start(&["--greeting", "554"]);
    assert_eq!(check_login(&loopback(), &refusing.server(TlsMode::None), &trust).await, LoginVerdict::ServerRefused { code: 554 });
    // TLS spoken to a server that answers in clear.
    assert_eq!(check_login(&loopback(), &SmtpServer { tls: TlsMode::Implicit, ..server }, &trust).await, LoginVerdict::TlsFailed);
    assert!(!format!("{:?}", with_login(plain.server(TlsMode::None), "s3cret")).contains("s3cret"));
}
