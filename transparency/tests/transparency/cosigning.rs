//! Witnesses hand their signatures in, and the history is shown with them.

use crate::world::{World, first_faults, verify};
use ed25519_dalek::{Signer, SigningKey};
use transparency::*;

struct Witness {
    signing: SigningKey,
    key: VerifierKey,
}

impl Witness {
    fn new(name: &str, seed: u8) -> Self {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let key = VerifierKey { name: name.into(), algorithm: Algorithm::CosignatureV1, public: signing.verifying_key().to_bytes() };
        Self { signing, key }
    }

    /// The note with this witness's line.
    fn sign(&self, note: &str, time: u64) -> Note {
        let mut note: Note = note.parse().unwrap();
        let signature = self.signing.sign(cosigned(&note.text, time).as_bytes()).to_bytes();
        note.signatures.push(self.key.line([&time.to_be_bytes()[..], &signature].concat()));
        note
    }
}

#[tokio::test]
async fn c8_1c_a_witness_hands_in_its_signature_and_it_is_shown_and_exported() {
    let world = World::new().await;
    world.fill(3).await;
    world.publish().await;
    let [ada, bob, eve] = [("ada.example", 1), ("bob.example", 2), ("eve.example", 3)].map(|(name, seed)| Witness::new(name, seed));
    let keys = [ada.key.clone(), bob.key.clone()];
    let witnesses = Witnesses { public: world.key.verifying_key().to_bytes(), keys: &keys, verify };
    let newest = world.logs.shown(Log::Platform).await.unwrap().unwrap();
    let hand_in = async |note: &Note| world.logs.cosign(&note.to_string(), &witnesses).await.unwrap();

    assert_eq!(world.logs.cosign("hello", &witnesses).await.unwrap(), Cosigning::NoCheckpoint);
    assert_eq!(hand_in(&newest.parse().unwrap()).await, Cosigning::NoWitness);
    assert_eq!(hand_in(&eve.sign(&newest, 7)).await, Cosigning::NoWitness);
    let mut changed = ada.sign(&newest, 7);
    changed.signatures.last_mut().unwrap().signature[10] ^= 1;
    assert_eq!(hand_in(&changed).await, Cosigning::NoWitness);
    let organisation = world.logs.note(Log::Organization(crate::world::ORGANIZATION)).await.unwrap().unwrap();
    assert_eq!(hand_in(&ada.sign(&organisation, 7)).await, Cosigning::NoCheckpoint);
    let mut not_ours: Note = newest.parse().unwrap();
    not_ours.signatures.clear();
    let text = Note { signatures: ada.sign(&newest, 7).signatures[1..].to_vec(), ..not_ours };
    assert_eq!(hand_in(&text).await, Cosigning::NotOurs);
    assert_eq!(world.logs.shown(Log::Platform).await.unwrap().unwrap(), newest, "nothing of that was kept");

    // Each by itself, one of them twice, and a stranger's line is left out.
    assert_eq!(hand_in(&ada.sign(&newest, 7)).await, Cosigning::Kept(vec!["ada.example".into()]));
    assert_eq!(hand_in(&ada.sign(&newest, 8)).await, Cosigning::Kept(vec!["ada.example".into()]));
    let both = eve.sign(&bob.sign(&newest, 9).to_string(), 9);
    assert_eq!(hand_in(&both).await, Cosigning::Kept(vec!["bob.example".into()]));
    let shown: Note = world.logs.shown(Log::Platform).await.unwrap().unwrap().parse().unwrap();
    let names: Vec<&str> = shown.signatures[1..].iter().map(|line| &*line.name).collect();
    assert_eq!((shown.signatures.len(), names), (3, vec!["ada.example", "bob.example"]));
    assert!(ada.key.signed(&shown, verify) && bob.key.signed(&shown, verify));

    // The log goes on; what was witnessed is its beginning.
    world.fill(2).await;
    let bundle = world.export("bundle", &[]).await;
    let newest = world.logs.shown(Log::Platform).await.unwrap().unwrap();
    assert_eq!(newest.parse::<Note>().unwrap().signatures.len(), 1, "nobody has seen this one");
    let report = bundle.verify();
    assert_eq!((report.exit_code(), report.witnesses.len()), (0, 0));
    assert_eq!(report.unknown_witnesses.iter().map(String::as_str).collect::<Vec<_>>(), ["ada.example", "bob.example"]);
    let options = |witness: &Witness| VerifyOptions { witnesses: vec![witness.key.clone()], ..bundle.options() };
    let report = verify_bundle(&bundle.directory, &options(&ada)).unwrap();
    assert_eq!((report.exit_code(), report.witnesses), (0, vec![("ada.example".to_owned(), 1)]), "the first of {}", report.platform_size);
    assert_eq!(first_faults(&verify_bundle(&bundle.directory, &options(&eve)).unwrap())[0], "platform/checkpoint");
    let proof = bundle.read("platform/consistency");
    bundle.write("platform/consistency", "");
    assert_eq!(first_faults(&verify_bundle(&bundle.directory, &options(&ada)).unwrap())[0], "platform/cosigned");
    bundle.write("platform/consistency", proof);
}
