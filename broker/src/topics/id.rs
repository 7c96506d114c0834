//! Topic ids, and Kafka's way of writing 16 bytes as 22 characters.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TEXT_CHARS: usize = 22;

/// A topic's id: 16 random bytes, written in base64url without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId([u8; 16]);

impl TopicId {
    /// A new random id (UUID version 4). Its text never starts with `-`.
    pub fn random() -> Self {
        loop {
            let id = Self(*uuid::Uuid::new_v4().as_bytes());
            if !id.to_string().starts_with('-') {
                return id;
            }
        }
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As on the wire.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for TopicId {
    #[expect(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "six bits at a time")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        // 128 bits are 21 groups of six and two bits.
        let bits = u128::from_be_bytes(self.0);
        for group in 0..TEXT_CHARS as u32 - 1 {
            f.write_char(char::from(ALPHABET[(bits >> (122 - 6 * group) & 63) as usize]))?;
        }
        f.write_char(char::from(ALPHABET[(bits << 4 & 63) as usize]))
    }
}

/// Not 22 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of 22 base64url characters")]
pub struct ParseTopicIdError;

impl FromStr for TopicId {
    type Err = ParseTopicIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bits = 0_u128;
        if text.len() != TEXT_CHARS {
            return Err(ParseTopicIdError);
        }
        for (at, byte) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == byte).ok_or(ParseTopicIdError)? as u128;
            bits = if at + 1 < TEXT_CHARS { bits << 6 | value } else { bits << 2 | value >> 4 };
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_the_same_id() {
        let zero = TopicId::from_bytes([0; 16]);
        assert_eq!(zero.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        let id = TopicId::from_bytes(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff");
        assert_eq!(id.to_string(), "AAECAwQFBgcICQoLDA0O_w");
        for id in [zero, id, TopicId::random()] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!("short".parse::<TopicId>(), Err(ParseTopicIdError));
    }
}
