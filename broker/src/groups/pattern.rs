//! Patterns that a whole name must match, as clients write them (RE2J syntax).
//!
//! Compiled and run in time and memory bounded by the pattern's length; what the syntax of RE2 has beyond the `regex` crate's
//! (`\C`, `\Q…\E`) is refused.

use regex::{Regex, RegexBuilder};

/// Longest pattern in bytes.
const PATTERN_BYTES_MAX: usize = 4096;
/// Most memory for a compiled pattern.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Most nesting in a pattern.
const NESTING_MAX: u32 = 50;

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// Longer than allowed.
    #[error("the pattern has {bytes} bytes, at most {PATTERN_BYTES_MAX} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not in the syntax, or too large when compiled.
    #[error("{0}")]
    Syntax(String),
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn new(pattern: &str) -> Result<Self, PatternError> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong { bytes: pattern.len() });
        }
        // On its own first: an unbalanced one must not be balanced by the frame around it.
        let compile = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(COMPILED_BYTES_MAX)
                .dfa_size_limit(COMPILED_BYTES_MAX)
                .nest_limit(NESTING_MAX)
                .build()
                .map_err(|error| PatternError::Syntax(error.to_string()))
        };
        compile(pattern)?;
        compile(&format!(r"\A(?:{pattern})\z")).map(Self)
    }

    /// Whether all of `name` matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_name_must_match() {
        let table = [
            ("orders", "orders", true),
            ("orders", "orders-eu", false),
            ("orders.*", "orders-eu", true),
            ("a|b", "ab", false),
            ("a|b", "b", true),
            (r"t-\d+", "t-12", true),
            (r"t-\d+", "t-", false),
            ("", "", true),
            ("(?i)T", "t", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(Pattern::new(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn bad_and_hostile_patterns_are_refused() {
        let long = "a".repeat(PATTERN_BYTES_MAX + 1);
        let nested = format!("{}a{}", "(".repeat(60), ")".repeat(60));
        for pattern in ["(", "a)(b", "[", "(?P<x", "a{100000}{100000}", r"(?<=a)b", r"(a)\1", &long, &nested]
        {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
