//! Bytes that stand for several fields and can be read in one way only: each field behind its length.

/// Fields, each as its length (u32, big-endian) and its bytes.
pub(crate) fn canonical(fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 4).sum());
    for field in fields {
        bytes.extend_from_slice(&u32::try_from(field.len()).expect("an authenticated field is far below 4 GiB").to_be_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}
