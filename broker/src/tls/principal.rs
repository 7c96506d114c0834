//! `ssl.principal.mapping.rules` (KIP-371): from the subject of a client's certificate to the name of its principal.
//!
//! Rules stand in a list with commas between them: `DEFAULT` takes the subject as it is, `RULE:PATTERN/REPLACEMENT/` takes
//! a subject that PATTERN matches as a whole and replaces in it what PATTERN finds; `L` or `U` at the end makes the result
//! lower or upper case. The first rule that fits decides. In both parts a backslash keeps a slash from ending the part; in
//! the replacement `$1` or `${name}` stands for a group, and a backslash takes the character after it literally.

use std::fmt;
use std::sync::Arc;

use regex::{Captures, Regex};

/// The rules of a listener, in their order.
#[derive(Clone)]
pub struct PrincipalRules {
    text: String,
    rules: Arc<[Rule]>,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {reason}")]
pub struct BadRule {
    /// The rule, and what follows it when its end is not to be seen.
    pub rule: String,
    /// What is wrong with it.
    pub reason: String,
}

/// No rule fits a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rule of ssl.principal.mapping.rules fits the subject {subject}")]
pub struct NoRule {
    /// The subject.
    pub subject: String,
}

enum Rule {
    Default,
    Rewrite(Rewrite),
}

struct Rewrite {
    /// Matches a subject from end to end.
    whole: Regex,
    /// Finds what is replaced.
    part: Regex,
    replacement: Vec<Piece>,
    case: Case,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Kept,
    Lower,
    Upper,
}

impl Default for PrincipalRules {
    /// The subject as it is.
    fn default() -> Self {
        Self { text: DEFAULT.to_owned(), rules: Arc::new([Rule::Default]) }
    }
}

impl PartialEq for PrincipalRules {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PrincipalRules {}

impl fmt::Debug for PrincipalRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrincipalRules").field(&self.text).finish()
    }
}

const DEFAULT: &str = "DEFAULT";

impl PrincipalRules {
    /// Reads rules.
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(',') {
                rest = after.trim_start();
                continue;
            }
            let (rule, after) = next_rule(rest)?;
            rules.push(rule);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), rules: rules.into() })
    }

    /// The name of the principal for a subject as [RFC 2253](https://www.rfc-editor.org/rfc/rfc2253) text.
    pub fn apply(&self, subject: &str) -> Result<String, NoRule> {
        let name = self.rules.iter().find_map(|rule| match rule {
            Rule::Default => Some(subject.to_owned()),
            Rule::Rewrite(rewrite) => rewrite.apply(subject),
        });
        name.ok_or_else(|| NoRule { subject: subject.to_owned() })
    }
}

/// The first rule of a text, and the text after the comma behind it.
fn next_rule(text: &str) -> Result<(Rule, &str), BadRule> {
    let bad = |reason: &str| BadRule { rule: text.to_owned(), reason: reason.to_owned() };
    let (rule, after) = if let Some(after) = text.strip_prefix(DEFAULT) {
        (Rule::Default, after)
    } else {
        let body = text.strip_prefix("RULE:").ok_or_else(|| bad("DEFAULT or RULE: is expected"))?;
        let ends = "it has to end in /, /L or /U, as in RULE:PATTERN/REPLACEMENT/";
        let (pattern, after) = until_slash(body).ok_or_else(|| bad(ends))?;
        let (replacement, after) = until_slash(after).ok_or_else(|| bad(ends))?;
        let (case, after) = match after.as_bytes().first() {
            Some(b'L') => (Case::Lower, after.get(1..)),
            Some(b'U') => (Case::Upper, after.get(1..)),
            _ => (Case::Kept, Some(after)),
        };
        let after = after.unwrap_or_default();
        let whole_rule = text.strip_suffix(after).unwrap_or(text);
        let rewrite = Rewrite::new(pattern, replacement, case)
            .map_err(|reason| BadRule { rule: whole_rule.to_owned(), reason })?;
        (Rule::Rewrite(rewrite), after)
    };
    let after = after.trim_start();
    match after.strip_prefix(',') {
        Some(next) => Ok((rule, next.trim_start())),
        None if after.is_empty() => Ok((rule, after)),
        None => Err(bad("a comma is expected after it")),
    }
}

/// The text up to the first slash that no backslash stands before, and the text after that slash.
fn until_slash(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let at = text.bytes().position(|byte| {
        let ends = byte == b'/' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

impl Rewrite {
    fn new(pattern: &str, replacement: &str, case: Case) -> Result<Self, String> {
        let compiled = |pattern: &str| {
            Regex::new(pattern).map_err(|error| match error {
                // the message of the library draws the pattern over several lines
                regex::Error::Syntax(drawn) => {
                    let last = drawn.lines().last().unwrap_or_default();
                    format!("the pattern cannot be used: {}", last.trim_start_matches("error: "))
                }
                other => format!("the pattern cannot be used: {other}"),
            })
        };
        let part = compiled(pattern)?;
        let whole = compiled(&format!(r"\A(?:{pattern})\z"))?;
        let replacement = pieces(replacement, &part)?;
        Ok(Self { whole, part, replacement, case })
    }

    fn apply(&self, subject: &str) -> Option<String> {
        if !self.whole.is_match(subject) {
            return None;
        }
        let replaced = self.replaced(subject);
        Some(match self.case {
            Case::Kept => replaced,
            Case::Lower => replaced.to_lowercase(),
            Case::Upper => replaced.to_uppercase(),
        })
    }

    /// Replaces every find. As in Java an empty find right after another counts, so that `.*` is found twice.
    fn replaced(&self, subject: &str) -> String {
        let mut out = String::new();
        let (mut copied, mut from) = (0, 0);
        while let Some(found) =
            (from <= subject.len()).then(|| self.part.captures_at(subject, from)).flatten()
        {
            let Some(range) = found.get(0).map(|found| found.range()) else { break };
            out.push_str(subject.get(copied..range.start).unwrap_or_default());
            self.expand(&found, &mut out);
            copied = range.end;
            from = range.end;
            if range.is_empty() {
                from += subject.get(from..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            }
        }
        out.push_str(subject.get(copied..).unwrap_or_default());
        out
    }

    fn expand(&self, found: &Captures<'_>, out: &mut String) {
        for piece in &self.replacement {
            out.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Group(group) => found.get(*group).map_or("", |group| group.as_str()),
                Piece::Named(name) => found.name(name).map_or("", |group| group.as_str()),
            });
        }
    }
}

/// Takes a replacement apart. A number of a group that the pattern does not have stands for itself, but only where the
/// pattern has groups at all.
fn pieces(replacement: &str, pattern: &Regex) -> Result<Vec<Piece>, String> {
    let groups = pattern.captures_len() - 1;
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = replacement.chars();
    while let Some(letter) = rest.next() {
        if letter == '\\' {
            text.push(rest.next().ok_or("the replacement ends in a backslash")?);
            continue;
        }
        if letter != '$' {
            text.push(letter);
            continue;
        }
        let after = rest.as_str();
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let number = after.get(..digits).unwrap_or_default();
        if let Some(name) =
            after.strip_prefix('{').and_then(|after| after.split_once('}')).map(|(name, _)| name)
        {
            if !pattern.capture_names().flatten().any(|known| known == name) {
                return Err(format!("the pattern has no group {name}"));
            }
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(Piece::Named(name.to_owned()));
            rest = after.get(name.len() + 2..).unwrap_or_default().chars();
        } else if number.is_empty() {
            return Err(
                "$ without the number of a group in the replacement; \\$ stands for itself".to_owned()
            );
        } else if let Some((group, length)) = group(number, groups) {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(Piece::Group(group));
            rest = after.get(length..).unwrap_or_default().chars();
        } else if groups == 0 {
            return Err(format!("the pattern has no group {number}"));
        } else {
            text.push('$');
        }
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// The group that digits name, and how many of them do: as many as make the number of a group that there is.
fn group(digits: &str, groups: usize) -> Option<(usize, usize)> {
    let mut found = None;
    let mut number: usize = 0;
    for (at, digit) in digits.bytes().enumerate() {
        number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
        if number > groups {
            break;
        }
        found = Some((number, at + 1));
    }
    found
}

#[cfg(test)]
mod tests;
