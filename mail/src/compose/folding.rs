//! Lines of address lists. lettre folds a list at names only, so that fifty addresses without names would be one line, longer than SMTP carries.

/// RFC 5322, section 2.1.1: lines should be no longer.
const LINE_MAX: usize = 78;
const FIELDS: [&[u8]; 3] = [b"To: ", b"Cc: ", b"Reply-To: "];

/// Breaks the lines of address lists after commas. White space there means the same with and without a line break, also within a quoted name
/// (RFC 5322, sections 2.2.3 and 3.2.4).
pub(super) fn fold_address_lists(message: Vec<u8>) -> Vec<u8> {
    let header_end = memchr::memmem::find(&message, b"\r\n\r\n").map_or(message.len(), |end| end + 2);
    let (header, body) = message.split_at(header_end);
    let mut lists = false;
    let mut folded = Vec::with_capacity(message.len() + 128);
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            lists = FIELDS.iter().any(|field| line.starts_with(field));
        }
        if lists && line.len() > LINE_MAX + 2 { fold(line, &mut folded) } else { folded.extend_from_slice(line) }
    }
    if folded.len() == header.len() {
        return message;
    }
    folded.extend_from_slice(body);
    folded
}

fn fold(line: &[u8], folded: &mut Vec<u8>) {
    let mut length = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b", ").map_or(rest.len(), |comma| comma + 1);
        let (part, after) = rest.split_at(end);
        // Every part but the first begins with the space after a comma, which begins a continuation line as well.
        if length > 0 && length + part.len() > LINE_MAX {
            folded.extend_from_slice(b"\r\n");
            length = 0;
        }
        folded.extend_from_slice(part);
        length += part.len();
        rest = after;
    }
}
