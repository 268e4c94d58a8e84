//! Looks through bytes for many words at once.

use super::markers::{Markers, Needle};
use std::path::{Path, PathBuf};

pub struct Scan<'a> {
    markers: &'a Markers,
    needles: Vec<Needle>,
    /// Whether any needle begins with these two bytes. Nearly no place does, which keeps the search quick even when it is not optimised.
    beginnings: Vec<bool>,
}

/// How much was looked through, and what was found there.
#[derive(Default)]
pub struct Looked {
    pub files: usize,
    pub bytes: usize,
    pub found: Vec<String>,
}

impl<'a> Scan<'a> {
    pub fn for_markers(markers: &'a Markers) -> Self {
        Self::of(markers, markers.needles())
    }

    /// For a single word as it is.
    pub fn for_word(markers: &'a Markers, word: &str) -> Self {
        Self::of(markers, vec![Needle { shape: "plain".into(), bytes: word.as_bytes().to_vec() }])
    }

    fn of(markers: &'a Markers, needles: Vec<Needle>) -> Self {
        let mut beginnings = vec![false; 1 << 16];
        needles.iter().for_each(|needle| beginnings[beginning(&needle.bytes)] = true);
        Self { markers, needles, beginnings }
    }

    /// Everything below a directory: names and contents. Files that go away meanwhile are none of ours.
    pub fn directory(&self, directory: &Path) -> Looked {
        let mut looked = Looked::default();
        let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
        while let Some(path) = waiting.pop() {
            self.bytes(&format!("the name of {}", path.display()), path.as_os_str().as_encoded_bytes(), &mut looked);
            let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                let inside = std::fs::read_dir(&path).map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
                waiting.extend(inside.unwrap_or_default());
            } else if metadata.is_file() {
                match std::fs::read(&path) {
                    Ok(bytes) => self.bytes(&path.display().to_string(), &bytes, &mut looked),
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", path.display()),
                }
                looked.files += 1;
            }
        }
        looked
    }

    pub fn bytes(&self, place: &str, bytes: &[u8], looked: &mut Looked) {
        looked.bytes += bytes.len();
        let mut at = 0;
        while at + 1 < bytes.len() {
            if self.beginnings[usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1])] {
                let here = self.needles.iter().filter(|needle| bytes[at..].starts_with(&needle.bytes));
                looked.found.extend(here.map(|needle| self.describe(place, bytes, at, needle)));
            }
            at += 1;
        }
    }

    fn describe(&self, place: &str, bytes: &[u8], at: usize, needle: &Needle) -> String {
        let around = &bytes[at.saturating_sub(80)..bytes.len().min(at + needle.bytes.len() + 40)];
        let put = self.markers.place_of(&bytes[at..]).unwrap_or_else(|| "a marker".into());
        format!("{put} ({}) at {at} of {place}: …{}…", needle.shape, around.escape_ascii())
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}
