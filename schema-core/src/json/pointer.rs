//! JSON pointers (RFC 6901).

use serde_json::Value;

/// Appends one token, escaped.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The unescaped tokens of a pointer.
pub(crate) fn tokens(pointer: &str) -> impl DoubleEndedIterator<Item = String> {
    let tokens = pointer.strip_prefix('/').into_iter().flat_map(|tokens| tokens.split('/'));
    tokens.map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// The member or item a token leads to.
pub(crate) fn step_mut<'a>(value: &'a mut Value, token: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped_and_read_back() {
        let mut pointer = String::new();
        for token in ["a/b", "~", "~1", "", "0"] {
            push_token(&mut pointer, token);
        }
        assert_eq!(pointer, "/a~1b/~0/~01//0");
        assert_eq!(tokens(&pointer).collect::<Vec<_>>(), ["a/b", "~", "~1", "", "0"]);
    }
}
