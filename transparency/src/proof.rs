//! Proofs that a leaf stands in a tree, and that a tree is the beginning of another (RFC 6962, sections 2.1.1 and 2.1.2; verification as in RFC 9162).

use crate::hash::{Hash, empty_root, node_hash};
use crate::tile::TileId;
use std::collections::BTreeSet;

/// The root of a full subtree of `2^height` leaves, the `number`-th of its height from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    pub height: u8,
    pub number: u64,
}

/// Where nodes come from. `None`: not to be had, and so there is no proof either. Which ones are asked for depends on sizes only, never on hashes.
pub type Nodes<'a> = dyn FnMut(Node) -> Option<Hash> + 'a;

/// The tiles of a tree of `size` leaves that `work` asks for: it is run on nodes that all are zero, and what it makes of them is of no use.
pub fn tiles_for<T>(size: u64, work: impl FnOnce(&mut Nodes<'_>) -> Option<T>) -> BTreeSet<TileId> {
    let mut tiles = BTreeSet::new();
    work(&mut |node| {
        tiles.insert(TileId::holding(node, size));
        Some([0; 32])
    });
    tiles
}

/// The root of the first `size` leaves.
pub fn root_at(size: u64, nodes: &mut Nodes<'_>) -> Option<Hash> {
    if size == 0 { Some(empty_root()) } else { range(0, size, nodes) }
}

/// The path from leaf `index` to the root of the first `size` leaves.
///
/// # Panics
/// When the tree has no such leaf.
pub fn inclusion_proof(index: u64, size: u64, nodes: &mut Nodes<'_>) -> Option<Vec<Hash>> {
    assert!(index < size, "the tree has {size} leaves, and none of number {index}");
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            path.push(range(middle, high, nodes)?);
            high = middle;
        } else {
            path.push(range(low, middle, nodes)?);
            low = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// What shows that the first `old` leaves of a tree of `new` are those of the tree that was.
///
/// # Panics
/// When the older tree is larger.
pub fn consistency_proof(old: u64, new: u64, nodes: &mut Nodes<'_>) -> Option<Vec<Hash>> {
    assert!(old <= new, "a tree of {old} leaves is no beginning of one of {new}");
    let (mut low, mut high) = (0, new);
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Some(path);
    }
    while high != old {
        let middle = low + split(high - low);
        if old <= middle {
            path.push(range(middle, high, nodes)?);
            high = middle;
        } else {
            path.push(range(low, middle, nodes)?);
            low = middle;
        }
    }
    // The whole older tree needs no hash: the verifier has its root.
    if low > 0 {
        path.push(range(low, high, nodes)?);
    }
    path.reverse();
    Some(path)
}

/// The hash over leaves `low..high`, where `low` is a multiple of the power of two that the range begins with.
fn range(low: u64, high: u64, nodes: &mut Nodes<'_>) -> Option<Hash> {
    let width = high - low;
    if width.is_power_of_two() {
        let height = u8::try_from(width.trailing_zeros()).expect("below 64");
        return nodes(Node { height, number: low >> height });
    }
    let middle = low + split(width);
    Some(node_hash(&range(low, middle, nodes)?, &range(middle, high, nodes)?))
}

/// The largest power of two below `width`.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof does not have the length that these sizes need")]
    Length,
    #[error("the proof leads to another root")]
    Root,
    #[error("the older tree is larger, or the leaf lies behind the tree")]
    Size,
}

/// RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Size);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// RFC 9162, section 2.1.4.2. Any tree goes on from the empty one.
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> Result<(), ProofError> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return Err(ProofError::Size);
    }
    if old_size == 0 || old_size == new_size {
        let same = old_size == 0 && *old_root == empty_root() || old_size == new_size && old_root == new_root;
        return if !proof.is_empty() {
            Err(ProofError::Length)
        } else if same {
            Ok(())
        } else {
            Err(ProofError::Root)
        };
    }
    let mut hashes = proof.iter();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let first = *first.ok_or(ProofError::Length)?;
    let (mut place, mut last) = (old_size - 1, new_size - 1);
    while place & 1 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            (old_hash, new_hash) = (node_hash(sibling, &old_hash), node_hash(sibling, &new_hash));
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old_hash == *old_root && new_hash == *new_root { Ok(()) } else { Err(ProofError::Root) }
}
