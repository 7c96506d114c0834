//! What the compatibility check promises is true of data: whatever one schema writes, the other reads.

use assay_schema_core::avro::{Node, NodeId, ParseMode, Schema, check};
use assay_serde_avro::{JsonForm, Plan};

#[path = "../../schema-core/tests/it/generate.rs"]
#[expect(dead_code, reason = "the damaged texts are for the parser's own tests")]
mod generate;

use generate::{Random, evolved, schema};

const PAIRS: u64 = 4_000;
/// Records written with each compatible pair.
const RECORDS: usize = 8;

/// Random data of a schema in Avro's binary encoding.
struct Data<'a> {
    schema: &'a Schema,
    random: &'a mut Random,
    out: Vec<u8>,
}

impl Data<'_> {
    fn long(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest > 0x7f {
            self.out.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        self.out.push(u8::try_from(rest).unwrap());
    }

    fn text(&mut self) {
        // short enough to be decimals too
        let text = *self.random.pick(&["", "x", "\u{fc}", "abc"]);
        self.long(i64::try_from(text.len()).unwrap());
        self.out.extend_from_slice(text.as_bytes());
    }

    /// One value; `None` when the type has no value that ends within `depth_left` types.
    fn value(&mut self, id: NodeId, depth_left: usize) -> Option<()> {
        let deeper = depth_left.checked_sub(1)?;
        match self.schema.node(id) {
            Node::Null(_) => {}
            Node::Boolean(_) => {
                let value = self.random.chance(50);
                self.out.push(u8::from(value));
            }
            Node::Int(_) => {
                let value = *self.random.pick(&[0, 1, -1, i32::MAX, i32::MIN, 1_000]);
                self.long(i64::from(value));
            }
            Node::Long(_) => {
                let value = *self.random.pick(&[0, -64, i64::MAX, i64::MIN, 1 << 40]);
                self.long(value);
            }
            Node::Float(_) => {
                let value = *self.random.pick(&[0.0_f32, -1.5, f32::MAX]);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Node::Double(_) => {
                let value = *self.random.pick(&[0.0_f64, 1e300, -2.25]);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            // bytes are text too: a reader may take them for a string
            Node::Bytes(_) | Node::String(_) => self.text(),
            Node::Fixed(fixed) => self.out.extend(std::iter::repeat_n(7, fixed.size as usize)),
            Node::Enum(node) => {
                let count = node.symbols.len();
                let symbol = (count > 0).then(|| self.random.below(count))?;
                self.long(i64::try_from(symbol).unwrap());
            }
            Node::Array { items: inner, .. } => self.block(*inner, deeper, false),
            Node::Map { values: inner, .. } => self.block(*inner, deeper, true),
            Node::Union { branches } => {
                let start = (!branches.is_empty()).then(|| self.random.below(branches.len()))?;
                let length = self.out.len();
                // a branch that does not end gives way to the next
                let written = (0..branches.len()).map(|step| (start + step) % branches.len()).any(|at| {
                    self.out.truncate(length);
                    self.long(i64::try_from(at).unwrap());
                    self.value(branches[at], deeper).is_some()
                });
                return written.then_some(());
            }
            Node::Record(record) => {
                for field in &record.fields {
                    self.value(field.schema, deeper)?;
                }
            }
        }
        Some(())
    }

    fn block(&mut self, inner: NodeId, depth_left: usize, keys: bool) {
        let (length, count) = (self.out.len(), self.random.below(3));
        if count > 0 {
            self.long(i64::try_from(count).unwrap());
            for index in 0..count {
                if keys {
                    self.long(1);
                    self.out.push(b'a' + u8::try_from(index).unwrap());
                }
                if self.value(inner, depth_left).is_none() {
                    self.out.truncate(length);
                    break;
                }
            }
        }
        self.long(0);
    }
}

/// Whether an alias of one type is the name of another. Readers, Java's first of all, rename the writer's types by the
/// reader's aliases before they look at kinds, and lose the other type; the check does not see that.
fn aliases_hide_names(reader: &Schema, writer: &Schema) -> bool {
    let reached = |schema: &Schema| {
        let mut open = vec![schema.root()];
        let mut seen = Vec::new();
        while let Some(id) = open.pop() {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            match schema.node(id) {
                Node::Array { items: inner, .. } | Node::Map { values: inner, .. } => open.push(*inner),
                Node::Union { branches } => open.extend(branches),
                Node::Record(record) => open.extend(record.fields.iter().map(|field| field.schema)),
                _ => {}
            }
        }
        seen
    };
    let names: Vec<_> =
        reached(writer).into_iter().filter_map(|id| writer.node(id).name().cloned()).collect();
    reached(reader).into_iter().any(|id| {
        let node = reader.node(id);
        let own = node.name().filter(|own| names.contains(own));
        node.aliases().iter().any(|alias| names.contains(alias) && own.is_some_and(|own| own != alias))
    })
}

#[test]
fn data_of_a_compatible_writer_is_read() {
    let (mut pairs, mut records) = (0, 0);
    for seed in 0..PAIRS {
        let mut random = Random::new(seed + 77_000_000);
        let old = schema(&mut random);
        let new = evolved(&mut random, &old);
        let parse = |value: &serde_json::Value| Schema::parse(&value.to_string(), ParseMode::Strict);
        let (Ok(old), Ok(new)) = (parse(&old), parse(&new)) else { continue };
        for (reader, writer) in [(&new, &old), (&old, &new)] {
            if check(reader, writer) != Ok(Vec::new()) || aliases_hide_names(reader, writer) {
                continue;
            }
            pairs += 1;
            let shown = || format!("seed {seed}\nreader {reader:?}\nwriter {writer:?}");
            let plan = Plan::resolve(writer, reader).unwrap_or_else(|error| panic!("{error}: {}", shown()));
            let own_plan = Plan::compile(reader).unwrap();
            for _ in 0..RECORDS {
                let mut data = Data { schema: writer, random: &mut random, out: Vec::new() };
                if data.value(writer.root(), 40).is_none() {
                    continue;
                }
                let bytes = data.out;
                records += 1;
                let read = plan
                    .decode_json(&bytes, JsonForm::Avro)
                    .unwrap_or_else(|error| panic!("{error}: {bytes:?} {}", shown()));
                // what was read is data of the reader
                let mut again = Vec::new();
                own_plan
                    .encode_json(&read, JsonForm::Avro, &mut again)
                    .unwrap_or_else(|error| panic!("{error}: {read} {}", shown()));
                assert_eq!(own_plan.validate(&again), Ok(()), "{}", shown());
            }
        }
    }
    assert!(pairs > 1_500 && records > 8_000, "{pairs} pairs, {records} records");
}
