//! Servers that behave as no real one should: a few lines said by rote.

use super::peer::loopback;
use ::mail::{LoginVerdict, MessageText, SmtpError, SmtpServer, SmtpSession, Step, TimeOuts, TlsMode, TlsTrust, check_login};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Says each line of `script` after having heard something, the first at once; then listens to the end. Returns what it heard.
async fn scripted(script: &'static [&'static str]) -> (SmtpServer, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        for (number, line) in script.iter().enumerate() {
            if number > 0 {
                stream.read_buf(&mut heard).await.unwrap();
            }
            stream.write_all(line.as_bytes()).await.unwrap();
        }
        let _ = stream.read_to_end(&mut heard).await;
        String::from_utf8_lossy(&heard).into_owned()
    });
    let short = Duration::from_millis(300);
    let server = SmtpServer {
        host: "127.0.0.1".into(),
        port,
        tls: TlsMode::None,
        credentials: None,
        client_name: "client.test".into(),
        time_outs: TimeOuts { greeting: short, command: short, text: short, outcome: short },
    };
    (server, heard)
}

fn trust() -> TlsTrust {
    TlsTrust::system(None).unwrap()
}

fn message() -> MessageText {
    MessageText::new(b"Subject: x\r\n\r\n.\r\n".to_vec()).unwrap()
}

#[tokio::test]
async fn words_slipped_in_before_tls_are_not_taken_for_the_servers() {
    let (server, _) = scripted(&["220 hi\r\n", "250-sink\r\n250 STARTTLS\r\n", "220 go\r\n250 AUTH PLAIN\r\n"]).await;
    let server = SmtpServer { tls: TlsMode::StartTls, ..server };
    let error = SmtpSession::connect(&loopback(), &server, &trust()).await.err().unwrap();
    assert!(matches!(error, SmtpError::NotSmtp { step: Step::StartTls }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_asks_for_the_text_though_it_took_nobody_gets_none() {
    let script = &["220 hi\r\n", "250-sink\r\n250 PIPELINING\r\n", "250 ok\r\n550 5.1.1 no\r\n354 go\r\n", "554 nobody\r\n"];
    let (server, heard) = scripted(script).await;
    let mut session = SmtpSession::connect(&loopback(), &server, &trust()).await.unwrap();
    let outcome = session.envelope("a@b.test", &["c@d.test"], &message()).await.unwrap();
    assert!(!outcome.awaits_text() && session.is_reusable());
    drop(session);
    assert!(heard.await.unwrap().ends_with("DATA\r\n.\r\n"));
}

#[tokio::test]
async fn a_refused_data_command_is_the_reply_to_everybody_who_was_accepted() {
    let script = &["220 hi\r\n", "250-sink\r\n250 PIPELINING\r\n", "250 ok\r\n250 yes\r\n550 5.1.1 no\r\n451 4.3.0 busy\r\n"];
    let (server, _heard) = scripted(script).await;
    let mut session = SmtpSession::connect(&loopback(), &server, &trust()).await.unwrap();
    let outcome = session.envelope("a@b.test", &["c@d.test", "e@f.test"], &message()).await.unwrap();
    let codes: Vec<_> = outcome.replies.iter().map(|reply| (reply.step, reply.reply.code())).collect();
    assert_eq!(codes, [(Step::Data, 451), (Step::Recipient, 550)]);
    assert!(!outcome.awaits_text());
}

#[tokio::test]
async fn everything_up_to_data_goes_out_at_once_and_the_text_with_its_end() {
    let script = &["220 hi\r\n", "250-sink\r\n250-SIZE\r\n250 PIPELINING\r\n", "250 ok\r\n250 yes\r\n354 go\r\n", "250 done\r\n"];
    let (server, heard) = scripted(script).await;
    let mut session = SmtpSession::connect(&loopback(), &server, &trust()).await.unwrap();
    session.envelope("a@b.test", &["c@d.test"], &message()).await.unwrap();
    session.transmit(&message()).await.unwrap();
    drop(session);
    let expected = "EHLO client.test\r\nMAIL FROM:<a@b.test> SIZE=17\r\nRCPT TO:<c@d.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\n";
    assert_eq!(heard.await.unwrap(), expected);
}

#[tokio::test]
async fn silence_is_timed_out_and_after_the_text_it_is_doubt() {
    let (server, _heard) = scripted(&[]).await;
    assert_eq!(check_login(&loopback(), &server, &trust()).await, LoginVerdict::TimedOut);
    let (server, _heard) = scripted(&["220 hi\r\n", "250-sink\r\n250 PIPELINING\r\n", "250 ok\r\n250 yes\r\n354 go\r\n"]).await;
    let mut session = SmtpSession::connect(&loopback(), &server, &trust()).await.unwrap();
    session.envelope("a@b.test", &["c@d.test"], &message()).await.unwrap();
    let error = session.transmit(&message()).await.unwrap_err();
    assert!(matches!(error, SmtpError::TimedOut { step: Step::Outcome }) && error.outcome_unknown());
}

#[tokio::test]
async fn something_else_than_smtp_is_told_apart() {
    for script in [["HTTP/1.1 400 Bad Request\r\n"].as_slice(), &["220-a\r\n221 b\r\n"]] {
        // The scripts are constants, so that the server's task may outlive the test.
        let (server, _heard) = scripted(script).await;
        assert_eq!(check_login(&loopback(), &server, &trust()).await, LoginVerdict::NotSmtp);
    }
}

#[tokio::test]
async fn a_call_given_up_in_the_middle_leaves_the_session_unusable() {
    let (server, _heard) = scripted(&["220 hi\r\n", "250-sink\r\n250 PIPELINING\r\n"]).await;
    let mut session = SmtpSession::connect(&loopback(), &server, &trust()).await.unwrap();
    let text = message();
    let given_up = tokio::time::timeout(Duration::from_millis(50), session.envelope("a@b.test", &["c@d.test"], &text)).await;
    assert!(given_up.is_err() && !session.is_reusable());
}
