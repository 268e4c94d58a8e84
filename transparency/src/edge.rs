//! The right edge of a tree in tiles: what has to be kept to go on with it.

use crate::hash::{Hash, empty_root, node_hash};
use crate::proof::root_at;
use crate::tile::{TILE_WIDTH, TileId, node_in_tile};

/// A tile that has got its last hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTile {
    pub level: u8,
    pub number: u64,
    pub hashes: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// The last tile of each level, empty where it has just become full.
    levels: Vec<Vec<u8>>,
}

impl Edge {
    /// From the last tile of every level as it was kept, lowest level first. `None`: they are not those of a tree of this size.
    pub fn new(size: u64, levels: Vec<Vec<u8>>) -> Option<Self> {
        let edge = Self { size, levels };
        let fits = (0u8..).zip(&edge.levels).all(|(level, hashes)| hashes.len() as u64 == edge.width(level) * 32);
        fits.then_some(edge)
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and hands out the tiles that it completes.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<FullTile>) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0u8.. {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let last = &mut self.levels[usize::from(level)];
            last.extend_from_slice(&hash);
            if last.len() as u64 != TILE_WIDTH * 32 {
                return;
            }
            let hashes = std::mem::take(last);
            hash = tile_root(&hashes);
            full.push(FullTile { level, number: (self.size >> (8 * (level + 1))) - 1, hashes });
        }
    }

    /// The last tile of each level that is not full.
    pub fn partial(&self) -> impl Iterator<Item = (TileId, &[u8])> {
        (0u8..).zip(&self.levels).filter(|(_, hashes)| !hashes.is_empty()).map(|(level, hashes)| {
            let width = u16::try_from(hashes.len() / 32).expect("a last tile has fewer than 256 hashes");
            (TileId { level, number: self.size >> (8 * (level + 1)), width }, &hashes[..])
        })
    }

    pub fn root(&self) -> Hash {
        if self.size == 0 {
            return empty_root();
        }
        let root = root_at(self.size, &mut |node| node_in_tile(node, self.levels.get(usize::from(node.height / 8))?));
        root.expect("the root follows from the last tiles")
    }

    fn width(&self, level: u8) -> u64 {
        (self.size >> (8 * level)) % TILE_WIDTH
    }
}

fn tile_root(hashes: &[u8]) -> Hash {
    let mut row: Vec<Hash> = hashes.chunks_exact(32).map(|hash| hash.try_into().expect("chunks of 32")).collect();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row[0]
}
