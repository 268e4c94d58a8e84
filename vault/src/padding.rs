//! Envelopes come in few sizes, so that a size says little about what is inside.

use domain::ENVELOPE_OVERHEAD;
use zeroize::Zeroizing;

const SMALLEST: usize = 64;
const KIB: usize = 1024;
/// Ends the content; zeros follow (ISO/IEC 7816-4). There is always one, so that the content's end is never in doubt.
const END: u8 = 0x80;

/// The size of the envelope around content of `length` bytes: 64·2^k up to 1 KiB, then whole KiB.
pub(crate) fn envelope_length(length: usize) -> usize {
    let needed = length + 1 + ENVELOPE_OVERHEAD;
    if needed <= KIB { needed.next_power_of_two().max(SMALLEST) } else { needed.next_multiple_of(KIB) }
}

/// Whether an envelope can have this size.
pub(crate) fn is_envelope_length(length: usize) -> bool {
    if length <= KIB { length >= SMALLEST && length.is_power_of_two() } else { length.is_multiple_of(KIB) }
}

pub(crate) fn pad(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = envelope_length(content.len()) - ENVELOPE_OVERHEAD;
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(content);
    padded.push(END);
    padded.resize(length, 0);
    padded
}

/// The content's length in padded bytes.
pub(crate) fn unpadded_length(padded: &[u8]) -> Option<usize> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    (padded[end] == END).then_some(end)
}
