//! Notes, keys and checkpoints, ours and others'.

use domain::OrganizationId;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use proptest::prelude::*;
use signed_note::{StandardVerifier, Verifier, VerifierList};
use transparency::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn verify(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(public), Ok(signature)) = (VerifyingKey::from_bytes(public), Signature::from_slice(signature)) else { return false };
    public.verify(message, &signature).is_ok()
}

fn signed(text: &str, name: &str, key: &SigningKey) -> Note {
    let line = VerifierKey::ed25519(name.into(), key.verifying_key().to_bytes()).line(key.sign(text.as_bytes()).to_vec());
    Note { text: text.into(), signatures: vec![line] }
}

fn checkpoint() -> Checkpoint {
    let origin = Log::Organization(OrganizationId::PLATFORM).origin(&key(1).verifying_key().to_bytes());
    Checkpoint { origin, size: 7, root: [5; 32] }
}

#[test]
fn our_notes_and_keys_hold_elsewhere() {
    let (key, checkpoint) = (key(1), checkpoint());
    let note = signed(&checkpoint.text(), &checkpoint.origin, &key).to_string();
    let ours = VerifierKey::ed25519(checkpoint.origin.clone(), key.verifying_key().to_bytes());
    let theirs = StandardVerifier::new(&ours.to_string()).unwrap();
    assert_eq!(theirs.key_id(), u32::from_be_bytes(ours.key_id()));
    let read = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    let (verified, unknown) = read.verify(&VerifierList::new(vec![Box::new(theirs)])).unwrap();
    assert_eq!((verified.len(), unknown.len()), (1, 0));
    let text = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
    assert_eq!((text.origin(), text.size(), text.hash().0), (&*checkpoint.origin, 7, [5; 32]));
    assert!(ours.signed(&note.parse().unwrap(), verify));
}

#[test]
fn a_key_is_spelled_in_one_way() {
    let text = VerifierKey::ed25519("example.org/log".into(), key(1).verifying_key().to_bytes()).to_string();
    assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
    let wrong_id = text.replacen(&text[16..24], "00000000", 1);
    for wrong in ["", "name", "name+0+", &text[..text.len() - 4], &wrong_id, &text.to_uppercase()] {
        assert_eq!(wrong.parse::<VerifierKey>(), Err(VerifierKeyError), "{wrong}");
    }
}

#[test]
fn another_text_another_key_and_a_broken_line_do_not_hold() {
    let (name, text) = ("log", "one\n\ntwo\n");
    let note = signed(text, name, &key(1));
    assert_eq!(note.to_string().parse(), Ok(note.clone()));
    let ours = VerifierKey::ed25519(name.into(), key(1).verifying_key().to_bytes());
    assert!(ours.signed(&note, verify));
    assert!(!ours.signed(&Note { text: "one\n\ntwo \n".into(), ..note.clone() }, verify));
    assert!(!ours.signed(&signed(text, name, &key(2)), verify));
    assert!(!ours.signed(&signed(text, "other", &key(1)), verify));
    // Lines of unknown keys do no harm, and a line in our name that does not hold does.
    let mut more = note.clone();
    more.signatures.extend(signed(text, "stranger", &key(3)).signatures);
    assert!(ours.signed(&more.to_string().parse().unwrap(), verify));
    more.signatures.push(ours.line(vec![0; 64]));
    assert!(!ours.signed(&more, verify));
    for wrong in [
        "",
        "a\n\n",
        "a\n\n— log AAAA\n",
        "a\n\n— log\n",
        "a\n— log AAAAAAA=\n",
        "a\n\n— log AAAAAAA=",
        "a\u{7}\n\n— log AAAAAAA=\n",
        "a\n\nlog AAAAAAA=\n",
    ] {
        assert_eq!(wrong.parse::<Note>(), Err(NoteError), "{wrong}");
    }
}

#[test]
fn a_witness_signs_the_time_too() {
    let (text, time) = (checkpoint().text(), 1_790_000_000_u64);
    let witness = VerifierKey {
        algorithm: Algorithm::CosignatureV1,
        ..VerifierKey::ed25519("witness.example".into(), key(4).verifying_key().to_bytes())
    };
    let signature = key(4).sign(cosigned(&text, time).as_bytes()).to_bytes();
    let line = |time: u64| witness.line([&time.to_be_bytes()[..], &signature].concat());
    let mut note = signed(&text, &checkpoint().origin, &key(1));
    assert!(!witness.signed(&note, verify));
    note.signatures.push(line(time));
    assert!(witness.signed(&note, verify));
    assert_eq!(witness.to_string().parse(), Ok(witness.clone()));
    note.signatures[1] = line(time + 1);
    assert!(!witness.signed(&note, verify));
}

#[test]
fn a_checkpoint_names_its_log_by_the_key() {
    let public = |seed| key(seed).verifying_key().to_bytes();
    assert_eq!(checkpoint().text().parse(), Ok(checkpoint()));
    assert_ne!(Log::Platform.origin(&public(1)), Log::Platform.origin(&public(2)));
    assert_ne!(Log::Platform.origin(&public(1)), Log::Organization(OrganizationId::PLATFORM).origin(&public(1)));
    let text = checkpoint().text();
    assert_eq!((text.clone() + "an extension\n").parse(), Ok(checkpoint()));
    for wrong in ["", "a\n1\n", "a\n01\nAAAA\n", text.trim_end(), &text.replace("\n7\n", "\n+7\n"), &text.replace("\n7\n", "\n-7\n")] {
        assert_eq!(wrong.parse::<Checkpoint>(), Err(CheckpointError), "{wrong}");
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_as_a_note_makes_it_fall_over(text in "[a— \n+=]{0,40}") {
        if let Ok(note) = text.parse::<Note>() {
            prop_assert_eq!(note.to_string(), text.as_str());
        }
        let _ = text.parse::<Checkpoint>();
        let _ = text.parse::<VerifierKey>();
    }
}
