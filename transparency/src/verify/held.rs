//! The bundle's tiles: upper levels in memory, leaves as they are asked for. None is believed before it was found under the signed root.

use super::Report;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::proof::{Node, root_at};
use crate::tile::{TILE_WIDTH, TileId, node_in_tile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub(super) struct Tiles {
    directory: PathBuf,
    size: u64,
    /// Upper tiles that were found right, or are missing.
    upper: HashMap<TileId, Option<Vec<u8>>>,
    /// The level-0 tile that was read last.
    leaves: Option<(u64, Option<Vec<u8>>)>,
}

impl Tiles {
    pub fn open(directory: &Path, checkpoint: &Checkpoint, report: &mut Report) -> Self {
        let mut tiles = Self { directory: directory.to_owned(), size: checkpoint.size, upper: HashMap::new(), leaves: None };
        // Tiles of the right edge have no tile above that knows their whole width; the root over all of them speaks for each.
        let root = root_at(checkpoint.size, &mut |node| tiles.node_of_edge(node));
        match root {
            None => report.integrity.fault("tile", "tiles are missing from which the root follows"),
            Some(root) if root != checkpoint.root => report.integrity.fault("tile", "the tiles lead to another root than the signed one"),
            Some(_) => {}
        }
        tiles
    }

    fn node_of_edge(&mut self, node: Node) -> Option<Hash> {
        node_in_tile(node, &self.read_file(TileId::holding(node, self.size))?)
    }

    fn read_file(&self, tile: TileId) -> Option<Vec<u8>> {
        let content = std::fs::read(self.directory.join(tile.to_string())).ok()?;
        (content.len() == usize::from(tile.width) * 32).then_some(content)
    }

    /// The leaf at this place, out of a tile that hashes to what stands above it. A tile that does not is a fault, told once.
    pub fn leaf(&mut self, index: u64, report: &mut Report) -> Option<Hash> {
        let number = index / TILE_WIDTH;
        if self.leaves.as_ref().is_none_or(|(held, _)| *held != number) {
            let tile = TileId::holding(Node { height: 0, number: index }, self.size);
            let content = self.authentic(tile, report);
            self.leaves = Some((number, content));
        }
        let (_, content) = self.leaves.as_ref()?;
        node_in_tile(Node { height: 0, number: index }, content.as_ref()?)
    }

    /// Where in the same tile this leaf stands.
    pub fn place_of(&mut self, leaf: &Hash, near: u64, report: &mut Report) -> Option<u64> {
        self.leaf(near.min(self.size.checked_sub(1)?), report)?;
        let (number, content) = self.leaves.as_ref()?;
        let place = content.as_ref()?.chunks_exact(32).position(|hash| hash == leaf)?;
        Some(number * TILE_WIDTH + place as u64)
    }

    pub fn node(&mut self, node: Node, report: &mut Report) -> Option<Hash> {
        let tile = TileId::holding(node, self.size);
        node_in_tile(node, &self.authentic(tile, report)?)
    }

    fn authentic(&mut self, tile: TileId, report: &mut Report) -> Option<Vec<u8>> {
        if let Some(known) = self.upper.get(&tile) {
            return known.clone();
        }
        let content = self.checked(tile, report);
        if tile.level > 0 {
            self.upper.insert(tile, content.clone());
        }
        content
    }

    fn checked(&mut self, tile: TileId, report: &mut Report) -> Option<Vec<u8>> {
        let Some(content) = self.read_file(tile) else {
            report.integrity.fault(tile.to_string(), "the tile is missing or cut");
            return None;
        };
        if !tile.is_full() {
            return Some(content);
        }
        let above = Node { height: 8 * (tile.level + 1), number: tile.number };
        let expected = self.node(above, report)?;
        if whole(tile, &content) != Some(expected) {
            report.integrity.fault(tile.to_string(), format!("its hashes are not those under {}", TileId::holding(above, self.size)));
            return None;
        }
        Some(content)
    }
}

/// The hash over a full tile.
fn whole(tile: TileId, content: &[u8]) -> Option<Hash> {
    let half = |number| node_in_tile(Node { height: 7, number: 2 * tile.number + number }, content);
    Some(crate::hash::node_hash(&half(0)?, &half(1)?))
}
