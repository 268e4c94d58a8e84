use ::egress::{Egress, EgressError, EgressPolicy};
use std::time::Duration;
use tokio::net::TcpListener;

fn egress(allowed: &[&str]) -> Egress {
    let allowed_networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
    Egress::new(EgressPolicy { allowed_networks, connect_timeout: Duration::from_secs(5) })
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["localhost", "127.0.0.1", "0.0.0.0", "::1", "[::1]", "::ffff:127.0.0.1", "0x7f.1", "2130706433"] {
        let error = egress(&[]).connect(host, port).await.unwrap_err();
        assert!(matches!(error, EgressError::NotAllowed | EgressError::NotResolved), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn an_allowed_network_is_reached_without_delay_of_small_writes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stream = egress(&["127.0.0.0/8"]).connect("127.0.0.1", port).await.unwrap();
    assert!(stream.nodelay().unwrap());
    assert!(egress(&["127.0.0.0/8"]).connect("::ffff:127.0.0.1", port).await.is_ok());
}

#[tokio::test]
async fn nobody_listening_is_told_from_not_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(egress(&["127.0.0.1"]).connect("127.0.0.1", port).await.unwrap_err(), EgressError::Refused);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_not_resolved_and_not_named() {
    let error = egress(&[]).connect("nowhere.invalid", 25).await.unwrap_err();
    assert_eq!(error, EgressError::NotResolved);
    assert!(!error.to_string().contains("nowhere"));
}
