//! Trees, proofs, tiles and notes beside what others wrote after the same specifications.

#[path = "transparency/notes.rs"]
mod notes;
#[path = "transparency/tiles.rs"]
mod tiles;
#[path = "transparency/trees.rs"]
mod trees;
