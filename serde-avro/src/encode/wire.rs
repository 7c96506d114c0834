//! Avro's primitive encodings.

/// Appends a zig-zag variable-length number: both int and long.
#[inline]
pub(crate) fn put_long(out: &mut Vec<u8>, value: i64) {
    let zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if zigzag < 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be below 0x80")]
        out.push(zigzag as u8);
    } else {
        put_varint(out, zigzag);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low byte is what is meant")]
fn put_varint(out: &mut Vec<u8>, mut rest: u64) {
    let mut bytes = [0u8; 10];
    let mut used = 0;
    for byte in &mut bytes {
        used += 1;
        if rest < 0x80 {
            *byte = rest as u8;
            break;
        }
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    out.extend_from_slice(bytes.get(..used).unwrap_or(&bytes));
}

/// Appends a length and the bytes: both bytes and string.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // a slice is never longer than isize::MAX
    put_long(out, bytes.len().cast_signed() as i64);
    out.extend_from_slice(bytes);
}
