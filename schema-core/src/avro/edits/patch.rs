//! JSON Patch (RFC 6902): the three operations that edits are made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{step_mut, tokens};

/// One operation; serialises as RFC 6902 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Puts a value at a place: a member (replaced when it exists) or an item (`-` appends).
    Add {
        /// JSON pointer.
        path: String,
        /// What is put there.
        value: Value,
    },
    /// Takes away what is at a place.
    Remove {
        /// JSON pointer.
        path: String,
    },
    /// Puts another value in the place of one that exists.
    Replace {
        /// JSON pointer.
        path: String,
        /// What is put there.
        value: Value,
    },
}

/// The document after the operations, in order; `None` when one of them does not apply.
pub fn apply(document: &Value, operations: &[Operation]) -> Option<Value> {
    let mut document = document.clone();
    for operation in operations {
        match operation {
            Operation::Add { path, value } => add(&mut document, path, value.clone())?,
            Operation::Remove { path } => remove(&mut document, path)?,
            Operation::Replace { path, value } => *find(&mut document, tokens(path))? = value.clone(),
        }
    }
    Some(document)
}

fn find(document: &mut Value, mut tokens: impl Iterator<Item = String>) -> Option<&mut Value> {
    tokens.try_fold(document, |value, token| step_mut(value, &token))
}

/// The container of a place and the last token.
fn parent<'d>(document: &'d mut Value, path: &str) -> Option<(&'d mut Value, String)> {
    let mut tokens = tokens(path);
    let last = tokens.next_back()?;
    Some((find(document, tokens)?, last))
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *document = value;
        return Some(());
    }
    match parent(document, path)? {
        (Value::Object(members), key) => {
            members.insert(key, value);
        }
        (Value::Array(items), token) => {
            let at = if token == "-" { items.len() } else { token.parse().ok()? };
            if at > items.len() {
                return None;
            }
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<()> {
    match parent(document, path)? {
        (Value::Object(members), key) => members.shift_remove(&key).map(drop),
        (Value::Array(items), token) => {
            let at: usize = token.parse().ok()?;
            (at < items.len()).then(|| drop(items.remove(at)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_apply_in_order_or_not_at_all() {
        let document = json!({"a": [1, 2], "b": {"x/y": 1}});
        let path = |path: &str| path.to_owned();
        let operations = [
            Operation::Add { path: path("/a/-"), value: json!(3) },
            Operation::Add { path: path("/a/0"), value: json!(0) },
            Operation::Remove { path: path("/b/x~1y") },
            Operation::Replace { path: path("/a/1"), value: json!("one") },
            Operation::Add { path: path("/c"), value: json!(null) },
        ];
        assert_eq!(apply(&document, &operations), Some(json!({"a": [0, "one", 2, 3], "b": {}, "c": null})));
        for wrong in [
            Operation::Remove { path: path("/zz") },
            Operation::Remove { path: path("/a/2") },
            Operation::Replace { path: path("/a/-"), value: json!(1) },
            Operation::Add { path: path("/a/7"), value: json!(1) },
            Operation::Add { path: path("/a/0/x"), value: json!(1) },
        ] {
            assert_eq!(apply(&document, &[wrong]), None);
        }
        let shown = serde_json::to_value(&operations[3]).unwrap();
        assert_eq!(shown, json!({"op": "replace", "path": "/a/1", "value": "one"}));
    }
}
