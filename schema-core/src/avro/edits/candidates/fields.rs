//! Steps for fields: defaults, aliases, and fields that were removed or renamed.

use serde_json::Value;

use super::{Bench, in_words, step};
use crate::avro::check::check_from;
use crate::avro::edits::texts::{Speller, plain_default};
use crate::avro::edits::{Action, Operation, Step};
use crate::avro::node::{Field, Node, NodeId, RecordNode};

/// Fields that may be the same under another name, per problem.
const RENAMES_MAX: usize = 2;
/// Pairs of types that judging one rename may compare.
const RENAME_PAIRS_MAX: usize = 10_000;

impl Bench<'_> {
    /// A field of the new record that the old one lacks has no default.
    pub(super) fn missing_default(&self, n: NodeId, o: NodeId, index: usize) -> Vec<Step> {
        let (Some(at), Node::Record(new), Node::Record(old)) =
            (self.at(n), self.new_node(n), self.old.node(o))
        else {
            return Vec::new();
        };
        let Some(field) = new.fields.get(index) else { return Vec::new() };
        let path = format!("{at}/fields/{index}");
        let alias = |former: String| {
            step(
                Action::AddFieldAlias,
                format!(
                    "Give field {} of record {} the alias {former}, a field that the old schema has and the new one lost.",
                    field.name, new.name
                ),
                vec![self.append(&format!("{path}/aliases"), former.into())],
            )
        };
        let (likely, unlikely): (Vec<String>, Vec<String>) =
            self.former_names(field, new, old).into_iter().partition(|former| alike(&field.name, former));
        let mut steps: Vec<Step> = likely.into_iter().map(alias).collect();
        if let Some(default) = plain_default(self.new.schema(), field.schema) {
            let described = format!(
                "Give field {} of record {} a default, such as {}.",
                field.name,
                new.name,
                in_words(&default)
            );
            let add = vec![Operation::Add { path: format!("{path}/default"), value: default }];
            steps.push(step(Action::AddDefault, described, add));
        }
        steps.extend(self.optional(&path, field, new));
        steps.extend(unlikely.into_iter().map(alias));
        steps
    }

    /// Makes a field nullable, null first, with null as its default.
    fn optional(&self, path: &str, field: &Field, record: &RecordNode) -> Option<Step> {
        let posted = self.document.pointer(&format!("{path}/type"))?.clone();
        let branches = match posted {
            Value::Array(branches) if branches.first().is_some_and(|first| first == "null") => return None,
            Value::String(word) if word == "null" => return None,
            Value::Array(mut branches) => {
                branches.retain(|branch| branch != "null");
                branches.insert(0, "null".into());
                branches
            }
            other => vec!["null".into(), other],
        };
        Some(step(
            Action::MakeOptional,
            format!("Make field {} of record {} nullable with the default null.", field.name, record.name),
            vec![
                Operation::Replace { path: format!("{path}/type"), value: Value::Array(branches) },
                Operation::Add { path: format!("{path}/default"), value: Value::Null },
            ],
        ))
    }

    /// Fields of the old record that the new one lost and whose data the field could read, the likeliest first.
    fn former_names(&self, field: &Field, new: &RecordNode, old: &RecordNode) -> Vec<String> {
        let lost = old.fields.iter().filter(|former| !is_read(&former.name, new));
        let reads = |former: &&Field| {
            let (reader, writer) = ((self.new.schema(), field.schema), (self.old, former.schema));
            check_from(reader, writer, &mut { RENAME_PAIRS_MAX }).is_ok_and(|found| found.is_empty())
        };
        let mut likely: Vec<(usize, &Field)> =
            lost.map(|former| (likeness(&field.name, &former.name), former)).collect();
        likely.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
        likely
            .into_iter()
            .map(|(_, former)| former)
            .filter(reads)
            .take(RENAMES_MAX)
            .map(|f| f.name.clone())
            .collect()
    }

    /// A field of the old record, without a default there, is not in the new one.
    pub(super) fn removed_field(&self, n: NodeId, o: NodeId, index: usize) -> Vec<Step> {
        let (Some(at), Node::Record(new), Node::Record(old)) =
            (self.at(n), self.new_node(n), self.old.node(o))
        else {
            return Vec::new();
        };
        let Some(field) = old.fields.get(index) else { return Vec::new() };
        let renamed = |likely: fn(&Field, &Field) -> bool| -> Vec<Step> {
            let fields = new.fields.iter().enumerate();
            let added = fields.filter(|(_, own)| old.field(&own.name).is_none() && likely(own, field));
            let step_back = |(position, own): (usize, &Field)| {
                let description = format!(
                    "Call field {} of record {} {} again: the old schema looks for that name.",
                    own.name, new.name, field.name
                );
                let operations = rename(&format!("{at}/fields/{position}"), own, &field.name);
                step(Action::RenameFieldBack, description, operations)
            };
            added.take(RENAMES_MAX).map(step_back).collect()
        };
        let mut steps = renamed(|own, former| own.aliases.contains(&former.name));
        let json = Speller::new(self.old, self.new, None).field(field);
        let position = index.min(new.fields.len());
        steps.push(step(
            Action::RestoreField,
            format!("Give record {} its field {} back.", new.name, field.name),
            vec![Operation::Add { path: format!("{at}/fields/{position}"), value: json }],
        ));
        steps.extend(renamed(|own, former| {
            !own.aliases.contains(&former.name) && alike(&own.name, &former.name)
        }));
        steps
    }

    /// A field of the new record matches several old ones.
    pub(super) fn ambiguous(&self, n: NodeId, index: usize, names: &[String]) -> Vec<Step> {
        let (Some(at), Node::Record(new)) = (self.at(n), self.new_node(n)) else { return Vec::new() };
        let Some(field) = new.fields.get(index) else { return Vec::new() };
        let path = format!("{at}/fields/{index}/aliases");
        let Some(posted) = self.document.pointer(&path).and_then(Value::as_array) else { return Vec::new() };
        let keep_one = if names.contains(&field.name) { None } else { names.first() };
        let (kept, gone): (Vec<&Value>, Vec<&Value>) = posted.iter().partition(|alias| {
            let alias = alias.as_str().unwrap_or_default();
            keep_one.is_some_and(|kept| kept == alias) || !names.iter().any(|name| name == alias)
        });
        let gone: Vec<&str> = gone.into_iter().filter_map(Value::as_str).collect();
        vec![step(
            Action::RemoveAlias,
            format!("Take the alias {} from field {} of record {}.", gone.join(", "), field.name, new.name),
            vec![Operation::Replace { path, value: kept.into_iter().cloned().collect() }],
        )]
    }
}

/// Gives a field another name; an alias of that name goes away.
fn rename(path: &str, field: &Field, name: &str) -> Vec<Operation> {
    let mut operations = vec![Operation::Replace { path: format!("{path}/name"), value: name.into() }];
    let others: Vec<&String> = field.aliases.iter().filter(|alias| *alias != name).collect();
    if others.len() == field.aliases.len() {
        return operations;
    }
    if others.is_empty() {
        operations.push(Operation::Remove { path: format!("{path}/aliases") });
    } else {
        let value = others.into_iter().map(String::as_str).collect();
        operations.push(Operation::Replace { path: format!("{path}/aliases"), value });
    }
    operations
}

/// Whether some field of the record reads the old field of that name.
fn is_read(name: &str, record: &RecordNode) -> bool {
    record.field(name).is_some()
        || record.fields.iter().any(|field| field.aliases.iter().any(|alias| alias == name))
}

/// Whether two names may well be of the same field.
fn alike(left: &str, right: &str) -> bool {
    likeness(left, right) * 2 >= left.len().min(right.len())
}

/// How alike two names are: letters they share at both ends, when case and underscores do not count.
fn likeness(left: &str, right: &str) -> usize {
    let plain = |name: &str| -> Vec<char> {
        name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
    };
    let (left, right) = (plain(left), plain(right));
    let front = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let rest = left.len().min(right.len()) - front;
    front + left.iter().rev().zip(right.iter().rev()).take(rest).take_while(|(a, b)| a == b).count()
}
