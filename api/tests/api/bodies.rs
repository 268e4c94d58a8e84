//! What a body may hold while it comes: what was sent, not what was announced, and not for ever.

use super::installation::Installation;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request whose body stops behind `sent` bytes.
async fn unfinished(installation: &Installation, bearer: &str, announced: usize, sent: usize) -> TcpStream {
    let mut socket = TcpStream::connect(installation.url.trim_start_matches("http://")).await.unwrap();
    let authorization = if bearer.is_empty() { String::new() } else { format!("authorization: Bearer {bearer}\r\n") };
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\n{authorization}content-type: application/json\r\ncontent-length: {announced}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![b' '; sent]).await.unwrap();
    socket
}

async fn status_of_a_strangers(installation: &Installation, bytes: usize) -> u16 {
    installation.request("POST", "/graphql", &[("content-type", "application/json")], vec![b' '; bytes]).await.status
}

#[actix_web::test]
async fn announced_bodies_take_nothing_from_others() {
    let installation = Installation::with(|settings| settings.bodies_in_flight_bytes = 64 << 10).await;
    let account = installation.account("ada@example.org").await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(unfinished(&installation, &account.key, 60_000, 0).await);
        held.push(unfinished(&installation, "", 8_000, 0).await);
    }
    installation.send(&account.key, &["bob@example.com"]).await;
    assert_eq!(status_of_a_strangers(&installation, 8_000).await, 400);
}

#[actix_web::test]
async fn bodies_of_strangers_keep_nobody_known_from_sending_and_end_after_30_seconds() {
    let installation = Installation::with(|settings| settings.bodies_in_flight_bytes = 64 << 10).await;
    let account = installation.account("ada@example.org").await;
    let mut held = unfinished(&installation, "", 8_000, 7_000).await;
    // Nothing says when the bytes have arrived but that they are charged for.
    while status_of_a_strangers(&installation, 6_000).await != 503 {}
    installation.send(&account.key, &["bob@example.com"]).await;
    installation.clock.advance(Duration::from_secs(31));
    let mut answer = [0; 12];
    held.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    assert_eq!(status_of_a_strangers(&installation, 6_000).await, 400);
}
