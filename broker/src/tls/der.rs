//! Just enough of DER to walk through certificates and key stores. Works on slices: nothing is allocated for a length.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// Context tag 0, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// Context tag 0 in place of a primitive type's own.
pub(super) const CONTEXT_0_PRIMITIVE: u8 = 0x80;

/// DER elements one after the other.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag, the whole of it, and its content.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (tag, after_tag) = self.0.split_first()?;
        let (first, mut rest) = after_tag.split_first()?;
        let mut length = usize::from(*first);
        if *first & 0x80 != 0 {
            let octets = usize::from(first & 0x7f);
            if !(1..=4).contains(&octets) {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(octets)?;
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some((*tag, whole, content))
    }

    /// The content of the next element, which has to be of this tag.
    pub(super) fn enter(&mut self, expected: u8) -> Option<Der<'a>> {
        let (tag, _, content) = self.next()?;
        (tag == expected).then_some(Der(content))
    }

    /// The next element, which has to be a whole number from 0 to `u32::MAX`.
    pub(super) fn number(&mut self) -> Option<u32> {
        let bytes = self.enter(INTEGER)?.0;
        let significant = match bytes {
            [first, ..] if first & 0x80 != 0 => return None,
            [0, rest @ ..] => rest,
            all => all,
        };
        (!bytes.is_empty() && significant.len() <= 4)
            .then(|| significant.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }
}
