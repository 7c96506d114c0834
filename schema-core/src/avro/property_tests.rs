//! What must hold for every schema, on generated ones.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{ParseMode, Schema, check};
use crate::compatibility::{OldVersion, check_against};
use crate::json::{Reader, to_text};
use crate::{CompatibilityLevel, Version};

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// A type without its names and attributes; [`Writer`] turns it into a text.
#[derive(Debug, Clone)]
enum Shape {
    Primitive(usize, Option<u8>),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    Record(Vec<(Shape, u8)>, u8),
    Enum(u8, bool),
    Fixed(u8),
    Again(u8),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        4 => (0..PRIMITIVES.len(), proptest::option::of(0..4_u8)).prop_map(|(p, l)| Shape::Primitive(p, l)),
        1 => (0..4_u8, any::<bool>()).prop_map(|(n, d)| Shape::Enum(n, d)),
        1 => (0..4_u8).prop_map(Shape::Fixed),
        1 => any::<u8>().prop_map(Shape::Again),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| Shape::Array(Box::new(items))),
            inner.clone().prop_map(|values| Shape::Map(Box::new(values))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Shape::Union),
            (proptest::collection::vec((inner, any::<u8>()), 0..5), any::<u8>())
                .prop_map(|(fields, flags)| Shape::Record(fields, flags)),
        ]
    })
}

/// Writes a shape as a text: names are numbered in order of definition, so two similar shapes get the same names.
#[derive(Default)]
struct Writer {
    defined: Vec<String>,
    out: String,
}

impl Writer {
    fn text(shape: &Shape) -> String {
        let mut writer = Self::default();
        writer.shape(shape, false);
        writer.out
    }

    fn name(&mut self) -> String {
        let index = self.defined.len();
        let name = if index % 3 == 1 { format!("ns.T{index}") } else { format!("T{index}") };
        // unqualified names inside the namespace of another would be defined there: qualify all
        let full = if name.contains('.') { name } else { format!("top.{name}") };
        self.defined.push(full.clone());
        full
    }

    fn shape(&mut self, shape: &Shape, in_union: bool) {
        match shape {
            Shape::Primitive(index, logical) => self.primitive(*index, *logical),
            Shape::Array(items) => {
                self.wrapped(r#"{"type":"array","items":"#, items, r#","k":{"b":1,"a":2}}"#);
            }
            Shape::Map(values) => self.wrapped(r#"{"type":"map","values":"#, values, "}"),
            Shape::Union(_) if in_union => self.out.push_str("\"null\""),
            Shape::Union(branches) => self.union(branches),
            Shape::Record(fields, flags) => self.record(fields, *flags),
            Shape::Enum(symbols, default) => {
                let name = self.name();
                let symbols: Vec<String> = (0..=*symbols).map(|s| format!("\"S{s}\"")).collect();
                let default = if *default { r#","default":"S0""# } else { "" };
                write!(
                    self.out,
                    r#"{{"symbols":[{}],"type":"enum","name":"{name}"{default}}}"#,
                    symbols.join(",")
                )
                .unwrap();
            }
            Shape::Fixed(size) => {
                let name = self.name();
                write!(self.out, r#"{{"type":"fixed","size":{size},"name":"{name}","z":1,"a":1.50}}"#)
                    .unwrap();
            }
            Shape::Again(index) => match self.defined.len() {
                0 => self.out.push_str("\"int\""),
                count => {
                    let name = self.defined[usize::from(*index) % count].clone();
                    write!(self.out, "\"{name}\"").unwrap();
                }
            },
        }
    }

    fn primitive(&mut self, index: usize, logical: Option<u8>) {
        let word = PRIMITIVES[index];
        let logical = match logical {
            None => return write!(self.out, "\"{word}\"").unwrap(),
            Some(0) => r#""logicalType":"decimal","scale":2,"precision":9"#,
            Some(1) => r#""logicalType":"timestamp-millis""#,
            Some(2) => r#""z":1,"logicalType":"date","a":[{"y":1,"x":1e3}]"#,
            Some(_) => r#""logicalType":"uuid""#,
        };
        write!(self.out, r#"{{"type":"{word}",{logical}}}"#).unwrap();
    }

    fn wrapped(&mut self, open: &str, inner: &Shape, close: &str) {
        self.out.push_str(open);
        self.shape(inner, false);
        self.out.push_str(close);
    }

    fn union(&mut self, branches: &[Shape]) {
        let mut taken: Vec<String> = Vec::new();
        self.out.push('[');
        for branch in branches {
            let key = match branch {
                Shape::Primitive(index, _) => PRIMITIVES[*index].to_owned(),
                Shape::Array(_) => "array".to_owned(),
                Shape::Map(_) => "map".to_owned(),
                // a named type is new each time; names used again and nested unions are left out
                Shape::Record(..) | Shape::Enum(..) | Shape::Fixed(_) => self.defined.len().to_string(),
                Shape::Union(_) | Shape::Again(_) => continue,
            };
            if taken.contains(&key) {
                continue;
            }
            if !taken.is_empty() {
                self.out.push(',');
            }
            taken.push(key);
            self.shape(branch, true);
        }
        self.out.push(']');
    }

    fn record(&mut self, fields: &[(Shape, u8)], flags: u8) {
        let name = self.name();
        let doc = if flags & 1 == 0 { "" } else { r#","doc":"d""# };
        let alias = if flags & 2 == 0 { "" } else { r#","aliases":["Z.z","A"]"# };
        write!(self.out, r#"{{"name":"{name}","type":"record"{doc}{alias},"fields":["#).unwrap();
        for (index, (shape, flags)) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let default = match shape {
                Shape::Primitive(0, _) if flags & 4 != 0 => r#","default":null"#,
                Shape::Primitive(2..=5, _) if flags & 4 != 0 => r#","default":7"#,
                Shape::Primitive(6 | 7, _) if flags & 4 != 0 => r#","default":"é""#,
                Shape::Array(_) if flags & 4 != 0 => r#","default":[]"#,
                _ => "",
            };
            let alias = if flags & 1 == 0 { String::new() } else { format!(r#","aliases":["o{index}"]"#) };
            write!(self.out, r#"{{"name":"f{}"{default}{alias},"type":"#, flags_name(*flags, index)).unwrap();
            self.shape(shape, false);
            self.out.push('}');
        }
        self.out.push_str("]}");
    }
}

/// Field names differ now and then between shapes, and never within one record.
fn flags_name(flags: u8, index: usize) -> usize {
    if flags > 240 { index + 100 } else { index }
}

fn parse(shape: &Shape) -> Schema {
    let text = Writer::text(shape);
    Schema::parse(&text, ParseMode::Strict).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A shape and a variation of it: the case where something is compatible and something is not.
fn pair() -> impl Strategy<Value = (Shape, Shape)> {
    prop_oneof![
        (shape(), shape()),
        (shape(), any::<u8>()).prop_map(|(shape, seed)| (shape.clone(), varied(&shape, seed))),
    ]
}

fn varied(shape: &Shape, seed: u8) -> Shape {
    match shape {
        Shape::Primitive(index, logical) => Shape::Primitive((index + usize::from(seed % 2)) % 8, *logical),
        Shape::Array(items) => Shape::Array(Box::new(varied(items, seed))),
        Shape::Map(values) => Shape::Map(Box::new(varied(values, seed))),
        Shape::Union(branches) => Shape::Union(branches.iter().map(|b| varied(b, seed)).collect()),
        Shape::Record(fields, flags) => {
            let keep = fields.len().saturating_sub(usize::from(seed % 3));
            Shape::Record(fields.iter().take(keep).cloned().collect(), *flags)
        }
        Shape::Enum(symbols, default) => Shape::Enum(symbols.saturating_add(seed % 2), *default),
        other => other.clone(),
    }
}

fn compatible(level: CompatibilityLevel, new: &Schema, old: &Schema) -> bool {
    let text = old.canonical();
    let old = OldVersion { version: Version::FIRST, schema: old, text };
    check_against(level, new, &[old]).compatible
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_is_a_fixed_point_and_keeps_everything(shape in shape()) {
        let schema = parse(&shape);
        for mode in [ParseMode::Strict, ParseMode::Lax] {
            let again = Schema::parse(schema.canonical(), mode).unwrap();
            prop_assert_eq!(again.canonical(), schema.canonical());
            prop_assert!(again.equivalent(&schema));
            prop_assert_eq!(again.fingerprint_rabin(), schema.fingerprint_rabin());
        }
        let form = schema.parsing_canonical_form();
        prop_assert_eq!(Schema::parse(&form, ParseMode::Strict).unwrap().parsing_canonical_form(), form);
    }

    #[test]
    fn normalising_is_a_fixed_point(shape in shape()) {
        let schema = parse(&shape);
        let normal = schema.normalized().unwrap();
        let again = Schema::parse(normal.canonical(), ParseMode::Strict).unwrap().normalized().unwrap();
        prop_assert_eq!(again.canonical(), normal.canonical());
        prop_assert_eq!(normal.parsing_canonical_form(), schema.parsing_canonical_form());
    }

    #[test]
    fn a_schema_reads_itself(shape in shape()) {
        let schema = parse(&shape);
        prop_assert_eq!(check(&schema, &schema), Ok(Vec::new()));
        prop_assert_eq!(check(&schema, &schema.normalized().unwrap()), Ok(Vec::new()));
    }

    #[test]
    fn full_is_backward_and_forward((new, old) in pair()) {
        let (new, old) = (parse(&new), parse(&old));
        let by = |level| compatible(level, &new, &old);
        let both = by(CompatibilityLevel::Backward) && by(CompatibilityLevel::Forward);
        prop_assert_eq!(by(CompatibilityLevel::Full), both);
        prop_assert_eq!(by(CompatibilityLevel::Forward), compatible(CompatibilityLevel::Backward, &old, &new));
    }

    #[test]
    fn verdicts_places_and_messages_survive_normalising((reader, writer) in pair()) {
        let (reader, writer) = (parse(&reader), parse(&writer));
        let normal = (reader.normalized().unwrap(), writer.normalized().unwrap());
        prop_assert_eq!(check(&reader, &writer), check(&normal.0, &normal.1));
        // and a round through the text, which numbers the nodes anew
        let shown = |found: Result<Vec<super::Incompatibility>, _>| {
            found.map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let again = |schema: &Schema| Schema::parse(schema.canonical(), ParseMode::Lax).unwrap();
        prop_assert_eq!(shown(check(&reader, &writer)), shown(check(&again(&reader), &again(&writer))));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[\\[\\]{}\",:a-z0-9 .\\-/*\\\\\n]{0,80}") {
        for mode in [ParseMode::Strict, ParseMode::Lax] {
            let _ = Schema::parse(&text, mode);
        }
    }

    /// Cuts, repeats and replaces parts of a valid text: closer to what a schema looks like than random characters.
    #[test]
    fn damaged_schemas_are_parsed_or_refused(shape in shape(), at in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:a1e.-]{0,3}") {
        let text = Writer::text(&shape);
        let cut: Vec<char> = text.chars().collect();
        let at = at.index(cut.len() + 1);
        let damaged: String = cut.iter().take(at).copied().chain(with.chars()).chain(cut.iter().skip(at + 1).copied()).collect();
        if let Ok(schema) = Schema::parse(&damaged, ParseMode::Lax) {
            let again = Schema::parse(schema.canonical(), ParseMode::Lax).unwrap();
            prop_assert_eq!(again.canonical(), schema.canonical());
        }
    }

    #[test]
    fn doubles_read_back_from_javas_text(value in any::<f64>()) {
        let text = crate::json::java_double(value);
        if value.is_finite() {
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    #[test]
    fn json_reads_back_as_written(text in "\\PC{0,40}", number in any::<i128>()) {
        let value = serde_json::json!([text, { "k": text }]);
        let written = to_text(&value);
        prop_assert_eq!(Reader::new(&written, 9).document().unwrap(), value);
        let number = number.to_string();
        prop_assert_eq!(to_text(&Reader::new(&number, 9).document().unwrap()), number);
    }
}
