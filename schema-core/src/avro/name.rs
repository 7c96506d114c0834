//! Full names and the rules for their parts.

use std::fmt;

use crate::error::SchemaProblem;

/// The full name of a record, enum or fixed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    full: Box<str>,
    /// Bytes of the namespace; zero for the null namespace.
    namespace_bytes: u32,
}

impl Name {
    /// The name `simple` in `namespace` (empty for none). A dot in `simple` wins: what stands before the last one is the
    /// namespace then.
    pub fn new(simple: &str, namespace: &str) -> Self {
        let (namespace, simple) = simple.rsplit_once('.').unwrap_or((namespace, simple));
        let full = if namespace.is_empty() { simple.into() } else { format!("{namespace}.{simple}").into() };
        Self { full, namespace_bytes: u32::try_from(namespace.len()).unwrap_or(u32::MAX) }
    }

    /// Namespace and simple name joined by a dot.
    pub fn full(&self) -> &str {
        &self.full
    }

    /// The name without its namespace.
    pub fn simple(&self) -> &str {
        match self.namespace_bytes {
            0 => &self.full,
            bytes => self.full.get(bytes as usize + 1..).unwrap_or_default(),
        }
    }

    /// The namespace; empty when there is none.
    pub fn namespace(&self) -> &str {
        self.full.get(..self.namespace_bytes as usize).unwrap_or_default()
    }

    /// The shortest spelling that means this name inside `namespace`, except that a simple name which is also a type
    /// keyword stays full.
    pub(super) fn qualified_in(&self, namespace: &str) -> &str {
        if self.namespace() == namespace && !is_keyword(self.simple()) { self.simple() } else { &self.full }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.full)
    }
}

/// Words that name a type by themselves.
fn is_keyword(word: &str) -> bool {
    matches!(word, "record" | "enum" | "array" | "map" | "union" | "fixed") || is_primitive(word)
}

/// Words that name a primitive type.
pub(super) fn is_primitive(word: &str) -> bool {
    matches!(word, "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string")
}

/// The rule for names of a schema being registered: ASCII letter or `_` first, then letters, digits, `_`.
pub(super) fn check_strict(name: &str) -> Result<(), SchemaProblem> {
    check_with(name, |c| c.is_ascii_alphabetic() || c == '_', |c| c.is_ascii_alphanumeric() || c == '_')
}

/// The rule for names of a stored schema: letters and digits of any script.
pub(super) fn check_lax(name: &str) -> Result<(), SchemaProblem> {
    check_with(name, |c| c.is_alphabetic() || c == '_', |c| c.is_alphanumeric() || c == '_')
}

fn check_with(
    name: &str,
    first: impl Fn(char) -> bool,
    rest: impl Fn(char) -> bool,
) -> Result<(), SchemaProblem> {
    let mut characters = name.chars();
    match characters.next() {
        None => Err(SchemaProblem::EmptyName),
        Some(initial) if !first(initial) => {
            Err(SchemaProblem::IllegalInitialCharacter { name: name.to_owned() })
        }
        Some(_) if !characters.all(rest) => Err(SchemaProblem::IllegalCharacter { name: name.to_owned() }),
        Some(_) => Ok(()),
    }
}

/// The strict rule for a namespace: every dot-separated part is a name.
pub(super) fn check_namespace(namespace: &str) -> Result<(), SchemaProblem> {
    if namespace.is_empty() {
        return Ok(());
    }
    for part in namespace.split('.') {
        check_strict(part).map_err(|problem| SchemaProblem::NamespacePart {
            part: part.to_owned(),
            problem: Box::new(problem),
        })?;
    }
    Ok(())
}
