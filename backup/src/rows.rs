//! The form in which COPY (FORMAT binary) writes rows, as far as it must be read to know that it is whole.

use std::io::{self, Read};
use std::ops::Range;

/// A signature, no flags, no extension.
pub(crate) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(crate) const TRAILER: [u8; 2] = [0xff, 0xff];
const END: u16 = u16::MAX;
/// No field of ours is larger: an append weighs at most 1 MiB, a body at most some 60.
const FIELD_BYTES_MAX: usize = 256 << 20;

#[derive(Debug)]
pub(crate) enum RowError {
    Io(io::Error),
    CutShort,
    Malformed,
}

impl From<io::Error> for RowError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutShort } else { Self::Io(error) }
    }
}

/// Goes from row to row and keeps the one it is at.
pub(crate) struct Rows<R> {
    pub input: R,
    row: Vec<u8>,
    fields: Vec<Option<Range<usize>>>,
    /// How many rows were read, the one it is at included.
    pub count: u64,
}

impl<R: Read> Rows<R> {
    pub fn open(mut input: R) -> Result<Self, RowError> {
        let mut header = [0; HEADER.len()];
        input.read_exact(&mut header)?;
        if header != *HEADER {
            return Err(RowError::Malformed);
        }
        Ok(Self { input, row: vec![], fields: vec![], count: 0 })
    }

    /// Whether there was another row. After the last one nothing may come.
    pub fn next(&mut self) -> Result<bool, RowError> {
        self.row.clear();
        self.fields.clear();
        let count = u16::from_be_bytes(self.take()?);
        if count == END {
            return if self.input.read(&mut [0])? == 0 { Ok(false) } else { Err(RowError::Malformed) };
        }
        for _ in 0..count {
            let length = i32::from_be_bytes(self.take()?);
            let Ok(length) = usize::try_from(length) else {
                self.fields.push(None);
                continue;
            };
            if length > FIELD_BYTES_MAX {
                return Err(RowError::Malformed);
            }
            let start = self.row.len();
            self.row.resize(start + length, 0);
            self.input.read_exact(&mut self.row[start..])?;
            self.fields.push(Some(start..start + length));
        }
        self.count += 1;
        Ok(true)
    }

    /// The row as it is stored.
    pub fn bytes(&self) -> &[u8] {
        &self.row
    }

    pub fn fields(&self) -> usize {
        self.fields.len()
    }

    /// None: NULL, or no such field.
    pub fn field(&self, place: usize) -> Option<&[u8]> {
        self.fields.get(place)?.clone().map(|range| &self.row[range])
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RowError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.row.extend_from_slice(&bytes);
        Ok(bytes)
    }
}
