//! Contexts and subjects, and the `:.context:subject` spelling that joins them.

use std::fmt;

use thiserror::Error;

/// A tenant-like space of ids and subjects. Its name is `.` for the default one, else it begins with `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context(String);

impl Context {
    /// The name of the default context.
    pub const DEFAULT: &'static str = ".";
    /// The context whose config and mode reach all contexts; it holds no subjects.
    pub const GLOBAL: &'static str = ".__GLOBAL";

    /// The context named `.`.
    pub fn default_context() -> Self {
        Self(Self::DEFAULT.to_owned())
    }

    /// The context whose settings reach every context.
    pub fn global() -> Self {
        Self(Self::GLOBAL.to_owned())
    }

    /// Reads `ctx`, `.ctx`, `:.ctx:`, `:.:` or nothing (the default context); a colon inside the name is refused.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        let inner = text.strip_prefix(':').unwrap_or(text);
        let inner = inner.strip_suffix(':').unwrap_or(inner);
        if inner.contains(':') {
            return Err(ContextError { name: text.to_owned() });
        }
        Ok(Self::from_name(inner))
    }

    /// The context with this name; the leading `.` may be missing. A colon is refused.
    pub fn new(name: impl AsRef<str>) -> Result<Self, ContextError> {
        let name = name.as_ref();
        if name.contains(':') {
            return Err(ContextError { name: name.to_owned() });
        }
        Ok(Self::from_name(name))
    }

    fn from_name(name: &str) -> Self {
        if name.starts_with('.') { Self(name.to_owned()) } else { Self(format!(".{name}")) }
    }

    /// The name, beginning with `.`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the default context.
    pub fn is_default(&self) -> bool {
        self.0 == Self::DEFAULT
    }

    /// Whether this is the context of settings for all contexts.
    pub fn is_global(&self) -> bool {
        self.0 == Self::GLOBAL
    }

    /// The prefix of a qualified subject: `:.ctx:`, and nothing for the default context.
    pub fn prefix(&self) -> String {
        if self.is_default() { String::new() } else { format!(":{}:", self.0) }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::default_context()
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A context name that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Context name '{name}' cannot contain a colon")]
pub struct ContextError {
    /// The refused name.
    pub name: String,
}

/// A subject within its context. Written `name` in the default context, `:.ctx:name` elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedSubject {
    /// Where the subject lives.
    pub context: Context,
    /// The name without its context; empty when only a context was named.
    pub subject: String,
}

impl QualifiedSubject {
    /// A subject of a context.
    pub fn new(context: Context, subject: impl Into<String>) -> Self {
        Self { context, subject: subject.into() }
    }

    /// Reads `name`, `:.ctx:name`, `:.ctx:` or `:.ctx`. Total: what does not begin with `:.` is a plain subject of the
    /// default context, and a name may hold further colons.
    pub fn parse(text: &str) -> Self {
        Self::parse_in(text, &Context::default_context())
    }

    /// As [`Self::parse`], with the context an unqualified name belongs to (a reference's, for example).
    pub fn parse_in(text: &str, unqualified: &Context) -> Self {
        if !text.starts_with(":.") {
            return Self { context: unqualified.clone(), subject: text.to_owned() };
        }
        let rest = text.get(1..).unwrap_or_default();
        let (context, subject) = rest.split_once(':').unwrap_or((rest, ""));
        Self { context: Context::from_name(context), subject: subject.to_owned() }
    }

    /// Whether the text spelt its context, so that look-ups must not search others.
    pub fn is_qualified(text: &str) -> bool {
        text.starts_with(":.")
    }

    /// Whether only a context was named: the scope of a context's config or mode.
    pub fn is_context_only(&self) -> bool {
        self.subject.is_empty()
    }

    /// Whether the name may be registered under: no control characters, not a reserved name (else 42208).
    pub fn is_valid(&self) -> bool {
        !self.subject.chars().any(char::is_control)
            && !self.context.as_str().chars().any(char::is_control)
            && self.subject != "__GLOBAL"
            && self.subject != "__EMPTY"
    }
}

impl fmt::Display for QualifiedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.context.is_default() {
            f.write_str(&self.subject)
        } else {
            write!(f, ":{}:{}", self.context, self.subject)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualified_subjects_read_and_print() {
        for (text, context, subject, printed) in [
            ("orders-value", ".", "orders-value", "orders-value"),
            (":.ctx:orders", ".ctx", "orders", ":.ctx:orders"),
            (":.:orders", ".", "orders", "orders"),
            (":.ctx:", ".ctx", "", ":.ctx:"),
            (":.ctx", ".ctx", "", ":.ctx:"),
            (":.ctx:a:b", ".ctx", "a:b", ":.ctx:a:b"),
            (":odd", ".", ":odd", ":odd"),
            ("a:b", ".", "a:b", "a:b"),
            ("", ".", "", ""),
        ] {
            let parsed = QualifiedSubject::parse(text);
            assert_eq!((parsed.context.as_str(), parsed.subject.as_str()), (context, subject), "{text}");
            assert_eq!(parsed.to_string(), printed, "{text}");
        }
        assert!(QualifiedSubject::parse(":.ctx:").is_context_only());
    }

    #[test]
    fn context_names_take_every_spelling_of_the_path_prefix() {
        for text in ["ctx", ".ctx", ":.ctx:"] {
            assert_eq!(Context::parse(text).unwrap().as_str(), ".ctx", "{text}");
        }
        for text in [":.:", ".", ""] {
            assert!(Context::parse(text).unwrap().is_default(), "{text}");
        }
        let refused = Context::parse("a:b").unwrap_err();
        assert_eq!(refused.to_string(), "Context name 'a:b' cannot contain a colon");
    }

    #[test]
    fn reserved_and_control_names_are_not_registrable() {
        for (text, valid) in [("a", true), ("__GLOBAL", false), (":.c:__EMPTY", false), ("a\u{7}", false)] {
            assert_eq!(QualifiedSubject::parse(text).is_valid(), valid, "{text}");
        }
    }
}
