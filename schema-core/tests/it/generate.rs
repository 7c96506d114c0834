//! Schemas and their evolutions, from a seed.

use serde_json::{Map, Value, json};

/// A small generator of numbers; the same seed gives the same schemas on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

pub(crate) const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
const NAMESPACES: [&str; 3] = ["a", "a.b", "c"];

/// Generates one schema: names are numbered, so that two schemas share many.
struct Generator<'r> {
    random: &'r mut Random,
    /// Full names of the types so far and whether they are complete.
    defined: Vec<String>,
    next_name: usize,
}

/// A schema that Java's strict parser accepts.
pub(crate) fn schema(random: &mut Random) -> Value {
    let next_name = random.below(2);
    let mut generator = Generator { random, defined: Vec::new(), next_name };
    if generator.random.chance(85) { generator.record(3) } else { generator.type_of(3) }
}

impl Generator<'_> {
    fn type_of(&mut self, depth: usize) -> Value {
        let choices = if depth == 0 { 4 } else { 9 };
        match self.random.below(choices) {
            0 | 1 => self.primitive(),
            2 => self.enumeration(),
            3 if self.random.chance(40) && !self.defined.is_empty() => self.again(),
            3 => self.fixed(),
            4 => json!({"type": "array", "items": self.type_of(depth - 1)}),
            5 => json!({"values": self.type_of(depth - 1), "type": "map"}),
            6 | 7 => self.union(depth),
            _ => self.record(depth - 1),
        }
    }

    fn primitive(&mut self) -> Value {
        let word = *self.random.pick(&PRIMITIVES);
        if self.random.chance(85) {
            return word.into();
        }
        match self.random.below(5) {
            0 => json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
            1 => json!({"type": "long", "logicalType": "timestamp-millis"}),
            2 => json!({"type": "int", "logicalType": "date", "z": [1, {"b": 1.5, "a": null}]}),
            3 => json!({"type": "string", "logicalType": "uuid"}),
            _ => json!({"type": word, "unit": "m"}),
        }
    }

    fn name(&mut self, object: &mut Map<String, Value>) {
        let simple = format!("T{}", self.next_name);
        self.next_name += 1;
        // a namespace of its own each time: what is inherited does not matter then
        let namespace = NAMESPACES[self.next_name % NAMESPACES.len()];
        if self.random.chance(50) {
            object.insert("name".into(), format!("{namespace}.{simple}").into());
        } else {
            object.insert("namespace".into(), namespace.into());
            object.insert("name".into(), simple.clone().into());
        }
        if self.random.chance(15) {
            object.insert("aliases".into(), json!([format!("Old{}", self.random.below(3)), "c.T1"]));
        }
        if self.random.chance(20) {
            object.insert("doc".into(), "a \"doc\"\n".into());
        }
        self.defined.push(format!("{namespace}.{simple}"));
    }

    fn again(&mut self) -> Value {
        let at = self.random.below(self.defined.len());
        self.defined[at].clone().into()
    }

    fn enumeration(&mut self) -> Value {
        let mut object = Map::new();
        object.insert("type".into(), "enum".into());
        self.name(&mut object);
        let count = self.random.below(4);
        object.insert("symbols".into(), (0..count).map(|s| Value::from(format!("S{s}"))).collect());
        if count > 0 && self.random.chance(40) {
            object.insert("default".into(), "S0".into());
        }
        Value::Object(object)
    }

    fn fixed(&mut self) -> Value {
        let mut object = Map::new();
        object.insert("type".into(), "fixed".into());
        self.name(&mut object);
        object.insert("size".into(), self.random.below(4).into());
        Value::Object(object)
    }

    fn union(&mut self, depth: usize) -> Value {
        let mut keys: Vec<String> = Vec::new();
        let mut branches = Vec::new();
        if self.random.chance(60) {
            keys.push("null".into());
            branches.push(json!("null"));
        }
        for _ in 0..self.random.below(3) {
            let before = self.defined.len();
            let branch = self.type_of(depth - 1);
            let word = branch.as_str().or_else(|| branch.get("type").and_then(Value::as_str));
            let Some(word) = word.map(str::to_owned) else { continue };
            let named = matches!(word.as_str(), "record" | "enum" | "fixed" | "error");
            let key = if named { self.defined[before].clone() } else { word };
            if !keys.contains(&key) {
                keys.push(key);
                branches.push(branch);
            } else if named || self.defined.len() > before {
                // a definition that is dropped must not be referred to later
                self.defined.truncate(before);
            }
        }
        Value::Array(branches)
    }

    fn record(&mut self, depth: usize) -> Value {
        let mut object = Map::new();
        object.insert("type".into(), if self.random.chance(5) { "error" } else { "record" }.into());
        self.name(&mut object);
        let fields = (0..self.random.below(5)).map(|index| self.field(index, depth)).collect();
        object.insert("fields".into(), Value::Array(fields));
        Value::Object(object)
    }

    fn field(&mut self, index: usize, depth: usize) -> Value {
        let mut field = Map::new();
        field.insert("name".into(), format!("f{index}").into());
        let before = self.defined.len();
        let schema = self.type_of(depth);
        let fresh = self.defined.len() == before;
        if self.random.chance(40)
            && fresh
            && let Some(default) = default_of(&schema)
        {
            field.insert("default".into(), default);
        }
        field.insert("type".into(), schema);
        if self.random.chance(10) {
            field.insert("aliases".into(), json!([format!("f{}", 5 + self.random.below(3))]));
        }
        if self.random.chance(10) {
            field.insert("order".into(), "descending".into());
        }
        if self.random.chance(10) {
            field.insert("confluent:tags".into(), json!(["PII"]));
        }
        Value::Object(field)
    }
}

/// A default for simple types.
fn default_of(schema: &Value) -> Option<Value> {
    let word = match schema {
        Value::Array(branches) => return default_of(branches.first()?),
        Value::String(word) => word.as_str(),
        other => other.get("type")?.as_str()?,
    };
    Some(match word {
        "null" => Value::Null,
        "boolean" => json!(true),
        "int" | "long" => json!(7),
        "float" | "double" => json!(1.5),
        "bytes" | "string" => json!("x"),
        "array" => json!([]),
        "map" => json!({}),
        "enum" => json!("S0"),
        _ => return None,
    })
}

/// The schema after one to three changes such as people make; it may have become invalid.
pub(crate) fn evolved(random: &mut Random, schema: &Value) -> Value {
    let mut schema = schema.clone();
    for _ in 0..=random.below(3) {
        let places = types(&schema);
        let place = random.pick(&places).clone();
        if let Some(at) = schema.pointer_mut(&place) {
            change(random, at);
        }
    }
    schema
}

/// JSON pointers of all types a text spells out.
fn types(schema: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![(String::new(), schema)];
    while let Some((pointer, value)) = open.pop() {
        match value {
            Value::Array(branches) => {
                open.extend(
                    branches.iter().enumerate().map(|(i, branch)| (format!("{pointer}/{i}"), branch)),
                );
            }
            Value::Object(object) => {
                for key in ["items", "values"] {
                    open.extend(object.get(key).map(|value| (format!("{pointer}/{key}"), value)));
                }
                let fields = object.get("fields").and_then(Value::as_array).into_iter().flatten();
                open.extend(fields.enumerate().filter_map(|(index, field)| {
                    Some((format!("{pointer}/fields/{index}/type"), field.get("type")?))
                }));
            }
            _ => {}
        }
        all.push(pointer);
    }
    all
}

fn change(random: &mut Random, schema: &mut Value) {
    match schema {
        Value::Array(branches) => change_union(random, branches),
        Value::Object(object)
            if object.get("type").is_some_and(|word| word == "record" || word == "error") =>
        {
            change_record(random, object);
        }
        Value::Object(object) if object.contains_key("symbols") => match random.below(5) {
            0 => {
                object.insert("symbols".into(), json!(["S0", "S1", "S9"]));
            }
            1 => {
                object.insert("symbols".into(), json!(["S0"]));
            }
            2 => {
                object.insert("default".into(), json!("S0"));
            }
            3 => {
                object.remove("default");
            }
            _ => rename(random, object),
        },
        Value::Object(object) if object.contains_key("size") => match random.below(2) {
            0 => {
                object.insert("size".into(), json!(random.below(5)));
            }
            _ => rename(random, object),
        },
        other => {
            *other = match random.below(4) {
                0 => json!(["null", other.clone()]),
                1 => json!({"type": "array", "items": other.clone()}),
                _ => json!(random.pick(&PRIMITIVES)),
            }
        }
    }
}

fn change_union(random: &mut Random, branches: &mut Vec<Value>) {
    match random.below(4) {
        0 if !branches.is_empty() => {
            let at = random.below(branches.len());
            branches.remove(at);
        }
        1 => branches.reverse(),
        2 if !branches.is_empty() => {
            let at = random.below(branches.len());
            branches[at] = json!(random.pick(&PRIMITIVES));
        }
        _ => branches.push(json!(random.pick(&PRIMITIVES))),
    }
}

fn rename(random: &mut Random, object: &mut Map<String, Value>) {
    let old = object.get("name").cloned().unwrap_or_default();
    object.insert("name".into(), format!("N{}", random.below(50)).into());
    match random.below(3) {
        0 => {
            object.insert("aliases".into(), json!([old]));
        }
        1 => {
            object.insert("namespace".into(), "other".into());
        }
        _ => {}
    }
}

fn change_record(random: &mut Random, object: &mut Map<String, Value>) {
    if random.chance(15) {
        return rename(random, object);
    }
    let Some(fields) = object.get_mut("fields").and_then(Value::as_array_mut) else { return };
    if fields.is_empty() || random.chance(30) {
        let mut field = json!({"name": format!("g{}", random.below(20)), "type": random.pick(&PRIMITIVES)});
        if random.chance(50) {
            field["default"] = default_of(&field["type"]).unwrap();
        }
        let at = random.below(fields.len() + 1);
        fields.insert(at, field);
        return;
    }
    let at = random.below(fields.len());
    match random.below(8) {
        0 | 1 => {
            fields.remove(at);
        }
        2 => fields.reverse(),
        3 => {
            let old = fields[at]["name"].clone();
            fields[at]["name"] = format!("f{}", random.below(9)).into();
            if random.chance(60) {
                fields[at]["aliases"] = json!([old]);
            }
        }
        4 => {
            if let Some(field) = fields[at].as_object_mut() {
                field.remove("default");
            }
        }
        5 => {
            if let Some(default) = default_of(&fields[at]["type"]) {
                fields[at]["default"] = default;
            }
        }
        6 => fields[at]["doc"] = "changed".into(),
        _ => fields[at]["aliases"] = json!([format!("f{}", random.below(9))]),
    }
}

/// Values that stand where others should, as people and generators get them wrong.
fn odd(random: &mut Random) -> Value {
    match random.below(16) {
        0 => Value::Null,
        1 => json!(1),
        2 => json!(-1),
        3 => json!(1.5),
        4 => json!(""),
        5 => json!("a-b"),
        6 => json!("1a"),
        7 => json!("a..b"),
        8 => json!("T1"),
        9 => json!("c.T1"),
        10 => json!([]),
        11 => json!({}),
        12 => json!(["null", "null"]),
        13 => json!(3_000_000_000_i64),
        14 => json!(["A", "A"]),
        _ => json!(random.pick(&PRIMITIVES)),
    }
}

const KEYS: [&str; 14] = [
    "type",
    "name",
    "namespace",
    "fields",
    "symbols",
    "size",
    "items",
    "values",
    "default",
    "aliases",
    "order",
    "doc",
    "logicalType",
    "x",
];

/// The text with one to three parts changed, added or taken away: sometimes still a schema.
pub(crate) fn damaged(random: &mut Random, schema: &Value) -> String {
    let mut schema = schema.clone();
    for _ in 0..=random.below(3) {
        let places = everything(&schema);
        let place = random.pick(&places).clone();
        let Some(at) = schema.pointer_mut(&place) else { continue };
        match (random.below(4), at) {
            (0 | 1, Value::Object(object)) => {
                object.insert((*random.pick(&KEYS)).into(), odd(random));
            }
            (2, Value::Object(object)) if !object.is_empty() => {
                let keys: Vec<String> = object.keys().cloned().collect();
                object.shift_remove(random.pick(&keys));
            }
            (2, Value::Array(items)) if !items.is_empty() => {
                let again = items[random.below(items.len())].clone();
                items.push(again);
            }
            (3, at) => *at = json!([at.clone()]),
            (_, at) => *at = odd(random),
        }
    }
    let text = schema.to_string();
    if random.chance(85) {
        return text;
    }
    let characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len());
    let with = random.pick(&["", ",", "}", "]", "\"", "\\", "/**/", " // x\n", "\u{e9}", "\t", "null"]);
    characters[..at]
        .iter()
        .copied()
        .chain(with.chars())
        .chain(characters[(at + 1).min(characters.len())..].iter().copied())
        .collect()
}

/// JSON pointers of all values.
fn everything(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((pointer, value)) = open.pop() {
        match value {
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(i, item)| (format!("{pointer}/{i}"), item)));
            }
            Value::Object(object) => {
                open.extend(object.iter().map(|(key, value)| (format!("{pointer}/{key}"), value)));
            }
            _ => {}
        }
        all.push(pointer);
    }
    all
}
