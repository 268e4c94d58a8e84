//! A tree of which only the right edge is kept: enough to append to it and to say its root.

use crate::hash::{Hash, empty_root, node_hash};

/// The roots of the full subtrees that the leaves fall into, the largest (leftmost) first: one for each bit of the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn push(&mut self, leaf: Hash) {
        let mut root = leaf;
        // Each subtree of the same size on the left makes one twice as large with what came.
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("there is a subtree for each bit of the size");
            root = node_hash(&left, &root);
        }
        self.roots.push(root);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut smallest_first = self.roots.iter().rev();
        let Some(last) = smallest_first.next() else { return empty_root() };
        smallest_first.fold(*last, |right, left| node_hash(left, &right))
    }
}
