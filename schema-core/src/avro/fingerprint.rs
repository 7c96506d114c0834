//! The Parsing Canonical Form and its fingerprints (Avro specification, "Parsing Canonical Form for Schemas").

use std::collections::HashSet;

use md5::{Digest, Md5};
use sha2::Sha256;

use super::node::{Node, NodeId};
use super::schema::Schema;

pub(super) fn parsing_canonical_form(schema: &Schema) -> String {
    let mut form = Form { schema, out: String::with_capacity(256), known: HashSet::new() };
    form.node(schema.root());
    form.out
}

struct Form<'a> {
    schema: &'a Schema,
    out: String,
    known: HashSet<&'a str>,
}

impl Form<'_> {
    /// Recursion is bounded by the printed depth, which parsing measured.
    fn node(&mut self, id: NodeId) {
        let schema = self.schema;
        let node = schema.node(id);
        if let Some(name) = node.name() {
            if !self.known.insert(name.full()) {
                return self.quoted(name.full());
            }
            self.out.push_str("{\"name\":");
            self.quoted(name.full());
            self.out.push_str(",\"type\":");
            self.quoted(node.kind().as_str());
        }
        match node {
            Node::Array { items, .. } => {
                self.out.push_str("{\"type\":\"array\",\"items\":");
                self.node(*items);
                self.out.push('}');
            }
            Node::Map { values, .. } => {
                self.out.push_str("{\"type\":\"map\",\"values\":");
                self.node(*values);
                self.out.push('}');
            }
            Node::Union { branches } => self.list("[", branches, |form, branch| form.node(*branch)),
            Node::Record(record) => {
                self.list(",\"fields\":[", &record.fields, |form, field| {
                    form.out.push_str("{\"name\":");
                    form.quoted(&field.name);
                    form.out.push_str(",\"type\":");
                    form.node(field.schema);
                    form.out.push('}');
                });
                self.out.push('}');
            }
            Node::Enum(node) => {
                self.list(",\"symbols\":[", &node.symbols, |form, symbol| form.quoted(symbol));
                self.out.push('}');
            }
            Node::Fixed(fixed) => {
                self.out.push_str(",\"size\":");
                self.out.push_str(&fixed.size.to_string());
                self.out.push('}');
            }
            primitive => self.quoted(primitive.kind().as_str()),
        }
    }

    fn list<T>(&mut self, open: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.out.push_str(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            write(self, item);
        }
        self.out.push(']');
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        self.out.push_str(text);
        self.out.push('"');
    }
}

/// The seed and polynomial of CRC-64-AVRO.
const EMPTY: u64 = 0xc15d_213a_a4d7_a795;

const TABLE: [u64; 256] = table();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn table() -> [u64; 256] {
    let mut table = [0_u64; 256];
    let mut index = 0;
    let mut seed = 0_u64;
    while index < 256 {
        let mut print = seed;
        let mut bit = 0;
        while bit < 8 {
            print = (print >> 1) ^ (EMPTY & (print & 1).wrapping_neg());
            bit += 1;
        }
        table[index] = print;
        index += 1;
        seed += 1;
    }
    table
}

pub(super) fn rabin(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |print, byte| {
        let [low, ..] = print.to_le_bytes();
        (print >> 8) ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0)
    })
}

pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::super::{ParseMode, Schema};

    fn parse(text: &str) -> Schema {
        Schema::parse(text, ParseMode::Strict).unwrap()
    }

    #[test]
    fn fingerprints_equal_the_published_values() {
        for (text, rabin) in [
            ("\"null\"", 0x63dd_24e7_cc25_8f8a_u64),
            ("\"boolean\"", 0x9f42_fc78_a4d4_f764),
            ("\"int\"", 0x7275_d51a_3f39_5c8f),
            ("\"long\"", 0xd054_e144_93f4_1db7),
            ("\"string\"", 0x8f01_4872_6345_03c7),
        ] {
            assert_eq!(parse(text).fingerprint_rabin(), rabin, "{text}");
        }
        let string = parse("\"string\"");
        assert_eq!(hex(&string.fingerprint_md5()), "095d71cf12556b9d5e330ad575b3df5d");
        assert_eq!(
            hex(&string.fingerprint_sha256()),
            "e9e5c1c9e4f6277339d1bcde0733a59bd42f8731f449da6dc13010a916930d48"
        );
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn the_form_strips_orders_and_qualifies() {
        for (text, form) in [
            (r#"{"type":"int","logicalType":"date"}"#, r#""int""#),
            (r#"{"type":"error","name":"E","fields":[]}"#, r#"{"name":"E","type":"record","fields":[]}"#),
            (
                r#"{"type":"fixed","size":8,"name":"D","logicalType":"decimal","precision":4,"scale":2}"#,
                r#"{"name":"D","type":"fixed","size":8}"#,
            ),
            ("[]", "[]"),
            (
                r#"{"type":"enum","name":"x.E","doc":"d","symbols":["A","B"],"default":"A"}"#,
                r#"{"name":"x.E","type":"enum","symbols":["A","B"]}"#,
            ),
            (
                r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"F","order":"ignore","default":""},
                   {"name":"b","type":{"type":"fixed","name":"F","size":2}},{"name":"c","type":{"type":"map","values":"F"}}]}"#,
                r#"{"name":"n.R","type":"record","fields":[{"name":"a","type":{"name":"n.F","type":"fixed","size":2}},{"name":"b","type":"n.F"},{"name":"c","type":{"type":"map","values":"n.F"}}]}"#,
            ),
        ] {
            assert_eq!(parse(text).parsing_canonical_form(), form, "{text}");
        }
    }
}
