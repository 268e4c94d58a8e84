//! Roots and proofs, ours and two others'.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use domain::{SealedSlots, SlotContent};
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::tlog;
use transparency::*;

/// Leaves that differ.
pub(crate) fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// Subtrees straight from the leaves, as the definition says.
pub(crate) fn nodes_of(leaves: &[Hash]) -> impl FnMut(Node) -> Option<Hash> {
    |node: Node| {
        let (first, count) = ((node.number << node.height) as usize, 1usize << node.height);
        let mut row = leaves.get(first..first + count)?.to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        row.pop()
    }
}

fn root(leaves: &[Hash]) -> Hash {
    let (mut edge, mut full) = (Edge::default(), Vec::new());
    leaves.iter().for_each(|leaf| edge.push(*leaf, &mut full));
    edge.root()
}

/// The hashes of the other implementation, by its own numbering.
struct Stored(Vec<tlog::Hash>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

fn stored(leaves: &[Hash]) -> Stored {
    leaves.iter().enumerate().fold(Stored(vec![]), |mut stored, (number, leaf)| {
        let new = tlog::stored_hashes_for_record_hash(number as u64, tlog::Hash(*leaf), &stored).unwrap();
        stored.0.extend(new);
        stored
    })
}

/// The vectors of the Certificate Transparency project.
#[test]
fn the_roots_of_the_first_known_leaves_are_the_known_ones() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let leaves: Vec<Hash> = inputs.iter().map(|input| leaf_hash(input)).collect();
    let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(hex(root(&leaves[..1])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_eq!(hex(root(&leaves)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

#[test]
fn roots_are_those_of_two_other_implementations_at_every_size() {
    let leaves = leaves(300);
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let (mut ours, mut full) = (Edge::default(), Vec::new());
    let stored = stored(&leaves);
    for size in 0..300 {
        assert_eq!(ours.size(), size);
        assert_eq!(ours.root(), tlog::tree_hash(size, &stored).unwrap().0, "{size}");
        assert_eq!(ours.root()[..], theirs.root().as_bytes()[..], "{size}");
        assert_eq!(root_at(size, &mut nodes_of(&leaves)), Some(ours.root()), "{size}");
        ours.push(leaves[size as usize], &mut full);
        theirs.push(size.to_be_bytes().to_vec());
    }
}

/// An event's leaf is what `domain` says, and its entry tells only hashes.
#[test]
fn an_entry_hashes_to_the_leaf_of_its_event() {
    let slots = SealedSlots::new(vec![SlotContent::Envelope(vec![7; 100]), SlotContent::Withheld]);
    let entry = Entry::from_parts(&[9; 16], b"{\"a\":1}", b"{}", &slots);
    assert_eq!(entry.leaf(), domain::leaf_hash(&[9; 16], b"{\"a\":1}", b"{}", &slots));
    let removed: Vec<SlotContent> = slots.iter().map(|slot| SlotContent::Removed(slot.hash())).collect();
    assert_eq!(Entry::from_parts(&[9; 16], b"{\"a\":1}", b"{}", &SealedSlots::new(removed)), entry);
}

proptest! {
    #[test]
    fn inclusion_proofs_are_theirs_and_hold_for_their_own_leaf_only((index, size) in (1u64..600).prop_flat_map(|size| (0..size, Just(size))), flip in 0usize..9) {
        let leaves = leaves(size);
        let root = root(&leaves[..]);
        let proof = inclusion_proof(index, size, &mut nodes_of(&leaves)).unwrap();
        let theirs = tlog::prove_record(size, index, &stored(&leaves)).unwrap();
        prop_assert_eq!(theirs.iter().map(|hash| hash.0).collect::<Vec<_>>(), proof.clone());
        let leaf = leaves[index as usize];
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        prop_assert!(verify_inclusion(&leaf_hash(b"another"), index, size, &proof, &root).is_err());
        prop_assert!(size == 1 || verify_inclusion(&leaf, (index + 1) % size, size, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, size, size, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &[&proof[..], &[leaf]].concat(), &root).is_err());
        if !proof.is_empty() {
            prop_assert!(verify_inclusion(&leaf, index, size, &proof[1..], &root).is_err());
            let mut flipped = proof.clone();
            flipped[flip % proof.len()][flip] ^= 1;
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &flipped, &root), Err(ProofError::Root));
        }
    }

    #[test]
    fn consistency_proofs_are_theirs_and_hold_for_their_own_trees_only((old, new) in (1u64..600).prop_flat_map(|new| (1..=new, Just(new))), flip in 0usize..9) {
        let leaves = leaves(new);
        let (old_root, root) = (root(&leaves[..old as usize]), root(&leaves));
        let proof = consistency_proof(old, new, &mut nodes_of(&leaves)).unwrap();
        let theirs = tlog::prove_tree(new, old, &stored(&leaves)).unwrap();
        prop_assert_eq!(theirs.iter().map(|hash| hash.0).collect::<Vec<_>>(), proof.clone());
        prop_assert_eq!(verify_consistency((old, &old_root), (new, &root), &proof), Ok(()));
        let other = leaf_hash(b"another");
        prop_assert!(verify_consistency((old, &other), (new, &root), &proof).is_err());
        prop_assert!(verify_consistency((old, &old_root), (new, &other), &proof).is_err());
        prop_assert!(old == new || verify_consistency((new, &root), (old, &old_root), &proof).is_err());
        prop_assert!(verify_consistency((old, &old_root), (new, &root), &[&proof[..], &[other]].concat()).is_err());
        if !proof.is_empty() {
            prop_assert!(verify_consistency((old, &old_root), (new, &root), &proof[1..]).is_err());
            let mut flipped = proof.clone();
            flipped[flip % proof.len()][flip] ^= 1;
            prop_assert_eq!(verify_consistency((old, &old_root), (new, &root), &flipped), Err(ProofError::Root));
        }
    }
}

#[test]
fn every_tree_goes_on_from_the_empty_one() {
    let root = root(&leaves(5));
    assert_eq!(verify_consistency((0, &empty_root()), (5, &root), &[]), Ok(()));
    assert_eq!(verify_consistency((0, &root), (5, &root), &[]), Err(ProofError::Root));
    assert_eq!(consistency_proof(0, 5, &mut |_| None), Some(vec![]));
}
