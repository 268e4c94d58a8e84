//! Checkpoints and tiles over HTTP.

use super::installation::{Account, Installation};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use transparency::{Checkpoint, Log, Note, Proof, TileId, leaf_hash, node_in_tile, parse_bundle, root_at, tiles_of};

/// The organisation's name in addresses: the second sixteen bytes of its id.
fn log_of(account: &Account) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(&account.organization).unwrap();
    bytes[1..17].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Installation {
    /// What the worker does.
    pub async fn publish_checkpoints(&self) {
        let signer = self.vault.signer().await.unwrap();
        let mut lease = self.logs.acquire().await.unwrap().unwrap();
        self.logs.record(&mut lease).await.unwrap();
        let unsigned = self.logs.unsigned().await.unwrap();
        let texts = unsigned.texts(&signer.public_key());
        let notes: Vec<String> = (unsigned.checkpoints.iter().zip(texts.iter().zip(signer.sign(&texts))))
            .map(|((log, _, _), (text, signature))| {
                let line = log.verifier_key(signer.public_key()).line(signature);
                Note { text: text.clone(), signatures: vec![line] }.to_string()
            })
            .collect();
        self.logs.publish(&lease, &unsigned, &notes).await.unwrap();
        self.logs.release(lease).await.unwrap();
    }

    async fn bytes(&self, path: &str, bearer: &str) -> (u16, Vec<u8>) {
        let mut request = awc::Client::new().get(format!("{}{path}", self.url));
        if !bearer.is_empty() {
            request = request.insert_header(("authorization", format!("Bearer {bearer}")));
        }
        let mut response = request.send().await.unwrap();
        (response.status().as_u16(), response.body().await.unwrap().to_vec())
    }
}

#[actix_web::test]
async fn c8_1c_a_log_is_read_over_http_and_its_tiles_lead_to_the_signed_root() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let address = format!("/transparency/{}", log_of(&ada));
    assert_eq!(installation.get(&format!("{address}/checkpoint")).await.status, 404, "nothing is signed yet");
    installation.send(&ada.key, &["bob@example.com"]).await;
    installation.publish_checkpoints().await;
    let reply = installation.get(&format!("{address}/checkpoint")).await;
    let note: Note = reply.body.parse().unwrap();
    let log = Log::parse(&log_of(&ada)).unwrap();
    let key = log.verifier_key(installation.vault.signer().await.unwrap().public_key());
    assert!(key.signed(&note, vault::signature_holds));
    let checkpoint: Checkpoint = note.text.parse().unwrap();
    assert_eq!((checkpoint.origin, tiles_of(checkpoint.size).count()), (key.name, 1));
    let tile = tiles_of(checkpoint.size).next().unwrap();
    let (status, leaves) = installation.bytes(&format!("{address}/{tile}"), "").await;
    assert_eq!((status, leaves.len()), (200, usize::try_from(checkpoint.size).unwrap() * 32));
    assert_eq!(root_at(checkpoint.size, &mut |node| node_in_tile(node, &leaves)), Some(checkpoint.root));
    // The entries hash to the leaves.
    let (status, entries) = installation.bytes(&format!("{address}/{}", tile.entries_path()), &ada.key).await;
    assert_eq!(status, 200);
    let hashes: Vec<u8> = parse_bundle(&entries).unwrap().into_iter().flat_map(leaf_hash).collect();
    assert_eq!(hashes, leaves);
}

#[actix_web::test]
async fn m6_3_entries_are_for_those_who_may_read_the_organisation() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let eve = installation.account("eve@example.org").await;
    installation.publish_checkpoints().await;
    let address = format!("/transparency/{}", log_of(&ada));
    let entries = TileId { level: 0, number: 0, width: 1 }.entries_path();
    for (bearer, status) in [("", 404), ("lm_wrong", 404), (&*eve.key, 404), (&*eve.session, 404), (&*ada.session, 200), (&*ada.key, 200)] {
        assert_eq!(installation.bytes(&format!("{address}/{entries}"), bearer).await.0, status, "{bearer}");
    }
    // Nobody reads who else has an organisation here.
    assert_eq!(installation.bytes("/transparency/platform/checkpoint", "").await.0, 200);
    assert_eq!(installation.bytes("/transparency/platform/tile/0/000.p/1", "").await.0, 200);
    assert_eq!(installation.bytes(&format!("/transparency/platform/{entries}"), &ada.key).await.0, 404);
    for nothing in ["checkpoint/", "tile/0/001", "tile/0/0", "tile/0/000.p/300", "tile/9/000", "tile/../checkpoint", "tile/", "key"] {
        assert_eq!(installation.bytes(&format!("{address}/{nothing}"), &ada.key).await.0, 404, "{nothing}");
    }
    let nobody = "/transparency/00000000000000000000000000000001/checkpoint";
    assert_eq!(installation.bytes(nobody, "").await.0, 404);
    assert_eq!(installation.bytes("/transparency/ABC/checkpoint", "").await.0, 404);
}

#[actix_web::test]
async fn c8_1c_an_event_is_shown_to_stand_under_the_signed_root() {
    let installation = Installation::new().await;
    let ada = installation.account("ada@example.org").await;
    let eve = installation.account("eve@example.org").await;
    let (email, position) = installation.send(&ada.key, &["bob@example.com"]).await;
    let query = "query($id: ID!, $p: Position) { email(id: $id, atLeast: $p) { timeline { id } } }";
    let events = installation.graphql(&ada.key, query, json!({ "id": email, "p": position })).await;
    let event = events["email"]["timeline"][0]["id"].as_str().unwrap().to_owned();
    let query =
        "query($id: ID!) { checkpoint { origin size root note } inclusionProof(event: $id) { index path text checkpoint { size note } } }";
    let variables = json!({ "id": event });
    let nothing = installation.graphql(&ada.key, query, variables.clone()).await;
    assert_eq!(nothing, json!({ "checkpoint": null, "inclusionProof": null }), "nothing is signed yet");
    installation.publish_checkpoints().await;
    let answer = installation.graphql(&ada.key, query, variables.clone()).await;
    let (checkpoint, proof) = (&answer["checkpoint"], &answer["inclusionProof"]);
    assert_eq!(proof["checkpoint"]["note"], checkpoint["note"]);
    let read = Proof::parse(proof["text"].as_str().unwrap()).unwrap();
    assert_eq!((json!(read.index), json!(read.path.len())), (proof["index"].clone(), json!(proof["path"].as_array().unwrap().len())));
    let signed: Checkpoint = checkpoint["note"].as_str().unwrap().parse::<Note>().unwrap().text.parse().unwrap();
    let log = Log::parse(&log_of(&ada)).unwrap();
    let Log::Organization(organization) = log else { unreachable!("an organisation's log") };
    let recorded = &installation.logs.events(organization, read.index..read.index + 1).await.unwrap()[0];
    assert_eq!(recorded.header.event_id.to_string(), event);
    let leaf = transparency::Entry::of(recorded).leaf();
    assert_eq!(transparency::verify_inclusion(&leaf, read.index, signed.size, &read.path, &signed.root), Ok(()));
    // To others neither is there.
    let theirs = "query($id: ID!, $o: ID) { checkpoint(organization: $o) { size } inclusionProof(event: $id, organization: $o) { index } }";
    let absent = installation.graphql(&eve.key, theirs, json!({ "id": event, "o": ada.organization })).await;
    assert_eq!(absent, json!({ "checkpoint": null, "inclusionProof": null }));
    assert_eq!(installation.graphql(&eve.key, query, variables).await["inclusionProof"], json!(null));
}
