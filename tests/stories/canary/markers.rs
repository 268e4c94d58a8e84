//! Words that stand nowhere else in the world, and the shapes in which a careless program could let them lie around.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
use std::cell::RefCell;
use std::collections::BTreeMap;

const STEM_LETTERS: usize = 12;

/// All markers of a run begin with the same random letters, so that looking for these finds every one of them, also one that was cut.
pub struct Markers {
    stem: String,
    places: RefCell<Vec<String>>,
    /// What cannot carry a marker and is looked for as it is, such as network addresses.
    whole: RefCell<Vec<String>>,
}

/// One shape of one word.
pub struct Needle {
    pub shape: String,
    pub bytes: Vec<u8>,
}

impl Markers {
    #[expect(clippy::disallowed_methods, reason = "a word that must be new in every run")]
    pub fn new() -> Self {
        const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        let random = uuid::Uuid::new_v4();
        // The fixed bits of a UUID lie in its bytes 6 and 8.
        let bytes = random.as_bytes().iter().enumerate().filter(|(at, _)| ![6, 8].contains(at)).take(STEM_LETTERS);
        let stem = bytes.map(|(_, byte)| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
        Self { stem, places: RefCell::default(), whole: RefCell::default() }
    }

    /// A new marker; `place` says where it is put.
    pub fn at(&self, place: &str) -> String {
        let mut places = self.places.borrow_mut();
        places.push(place.to_owned());
        format!("{}{:04}", self.stem, places.len() - 1)
    }

    /// Something that must not be found either, though it is no marker.
    pub fn also(&self, word: &str) {
        self.whole.borrow_mut().push(word.to_owned());
    }

    pub fn count(&self) -> usize {
        self.places.borrow().len()
    }

    /// Where the marker was put whose plain form begins at the start of `text`.
    pub fn place_of(&self, text: &[u8]) -> Option<String> {
        let digits: String = text.iter().skip(self.stem.len()).filter(|byte| **byte != 0).take(4).map(|byte| char::from(*byte)).collect();
        self.places.borrow().get(digits.parse::<usize>().ok()?).cloned()
    }

    pub fn needles(&self) -> Vec<Needle> {
        let mut all = BTreeMap::new();
        for word in self.whole.borrow().iter().chain([&self.stem]) {
            for (case, word) in [("as it is", word.clone()), ("lower-cased", word.to_lowercase()), ("upper-cased", word.to_uppercase())] {
                for (shape, bytes) in shapes(&word) {
                    all.entry(bytes).or_insert(format!("{shape}, {case}"));
                }
            }
        }
        all.into_iter().map(|(bytes, shape)| Needle { shape, bytes }).collect()
    }
}

fn shapes(word: &str) -> Vec<(String, Vec<u8>)> {
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut shapes = vec![
        ("plain".to_owned(), word.as_bytes().to_vec()),
        ("hex".to_owned(), hex.clone().into_bytes()),
        ("HEX".to_owned(), hex.to_uppercase().into_bytes()),
        ("UTF-16LE".to_owned(), word.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE".to_owned(), word.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(word.as_bytes());
        // Only the letters that nothing before or behind the word has a part in.
        let letters = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        shapes.push((format!("base64 after {before}"), BASE64_STANDARD_NO_PAD.encode(&bytes).as_bytes()[letters.clone()].to_vec()));
        shapes.push((format!("base64url after {before}"), BASE64_URL_SAFE_NO_PAD.encode(&bytes).as_bytes()[letters].to_vec()));
    }
    shapes
}

/// What a file's content must look like in the API.
pub fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

#[test]
fn canary_markers_are_looked_for_in_every_shape() {
    let markers = Markers::new();
    let marker = markers.at("here");
    let needles = markers.needles();
    let finds = |text: &[u8]| needles.iter().any(|needle| text.windows(needle.bytes.len()).any(|window| window == needle.bytes));
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for before in ["", "x", "xx", "xxx"] {
        let text = format!("{before}{marker}@example.org");
        for said in [text.clone(), text.to_lowercase(), text.to_uppercase()] {
            let utf16: Vec<u16> = said.encode_utf16().collect();
            assert!(finds(said.as_bytes()) && finds(hex(&said).as_bytes()) && finds(hex(&said).to_uppercase().as_bytes()), "{said}");
            assert!(finds(BASE64_STANDARD.encode(&said).as_bytes()) && finds(BASE64_URL_SAFE_NO_PAD.encode(&said).as_bytes()), "{said}");
            assert!(finds(&utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>()), "{said}");
            assert!(finds(&utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>()), "{said}");
        }
    }
    assert!(!finds(b"nothing of the kind"));
    assert_eq!(markers.place_of(marker.as_bytes()).as_deref(), Some("here"));
}
