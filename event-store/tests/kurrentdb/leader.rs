//! Finding the server, and the leader, again.

use crate::fixture::hasty;
use event_store::{AppendError, EventStore, ExpectedVersion, Fault, Filter, KurrentdbStore};
use event_store_contract::sample::{append, events, ids, put, read, stream, take};
use futures::future::join_all;
use kurrentdb_double::Double;
use std::time::Duration;

async fn open(url: &str) -> EventStore {
    EventStore::Kurrentdb(KurrentdbStore::start(hasty(url)).await.expect("it answers in time"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_connection_that_is_refused_is_not_the_last() {
    let mut double = Double::absent(1).await;
    let opening = tokio::spawn({
        let url = double.url();
        async move { open(&url).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    double.appear(0).await;
    let store = opening.await.unwrap();
    put(&store, stream(), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_comes_is_given_up_in_time() {
    let double = Double::absent(1).await;
    let mut config = hasty(&double.url());
    config.patience = Duration::from_secs(1);
    let opened = tokio::time::timeout(Duration::from_secs(20), KurrentdbStore::start(config)).await.expect("patience ends");
    assert_eq!(opened.err(), Some(Fault::Connection));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_found_again() {
    let mut double = Double::start().await;
    let store = open(&double.url()).await;
    let stream = stream();
    let mut subscription = store.subscribe(store.head().await.unwrap(), Filter::default());
    for number in 0..3 {
        double.die(0);
        let appending = tokio::spawn({
            let store = store.clone();
            async move { put(&store, stream, 1).await }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        double.appear(0).await;
        assert_eq!(appending.await.unwrap().first_version, number);
        take(&mut subscription, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sends_on_to_the_leader() {
    let double = Double::cluster(3).await;
    double.lead(2);
    // This address knows one node only, and it is not the leader.
    let store = open(&double.url_of(0)).await;
    let stream = stream();
    put(&store, stream, 2).await;
    double.lead(1);
    put(&store, stream, 1).await;
    assert_eq!(read(&store, stream).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_dies_the_new_one_is_found_and_nothing_is_lost_or_doubled() {
    let mut double = Double::cluster(3).await;
    let store = open(&double.url()).await;
    let streams: Vec<_> = (0..8).map(|_| stream()).collect();
    let start = store.head().await.unwrap();
    let mut subscription = store.subscribe(start, Filter::default());
    let writers = streams.iter().map(|stream| {
        let (store, stream) = (store.clone(), *stream);
        tokio::spawn(async move {
            let mut written = Vec::new();
            for number in 0..40_u64 {
                let expected = if number == 0 { ExpectedVersion::NoStream } else { ExpectedVersion::Exact(number - 1) };
                let new = events(1);
                store.append(append(stream, expected, new.clone())).await.expect("there is a leader before patience ends");
                written.push(new[0].id);
            }
            written
        })
    });
    let writers: Vec<_> = writers.collect();
    let following = tokio::spawn(async move { take(&mut subscription, 320).await });
    for leader in 1..3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        double.die(leader - 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        double.lead(leader);
    }
    for (stream, written) in streams.iter().zip(join_all(writers).await) {
        assert_eq!(ids(&read(&store, *stream).await), written.unwrap());
    }
    let followed = following.await.unwrap();
    assert_eq!(ids(&followed), ids(&store.read_matching(start, usize::MAX, &Filter::default()).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_refused_without_repeating_it() {
    for address in ["postgres://localhost", "esdb://", "esdb://admin:secret@host:port", "nonsense"] {
        let refusal = event_store::KurrentdbConfig::new(address).err().expect("it is no address").to_string();
        assert!(!refusal.contains("secret"), "{refusal}");
    }
    for address in
        ["esdb://a:1,b:2,c:3?tls=false", "esdb+discover://cluster.example", "kurrentdb://localhost", "kurrentdb+discover://x:2113"]
    {
        assert!(event_store::KurrentdbConfig::new(address).is_ok(), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_a_leader_is_given_up_in_time() {
    let mut double = Double::cluster(3).await;
    let mut config = hasty(&double.url());
    config.patience = Duration::from_secs(1);
    let store = EventStore::Kurrentdb(KurrentdbStore::start(config).await.unwrap());
    double.die(0);
    let refusal = store.append(append(stream(), ExpectedVersion::NoStream, events(1)));
    let refusal = tokio::time::timeout(Duration::from_secs(20), refusal).await.expect("patience ends");
    assert_eq!(refusal, Err(AppendError::Unavailable(Fault::Connection)));
}
