//! JSON pointers (RFC 6901).

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped() {
        let mut pointer = String::new();
        for token in ["a/b", "~", "~1", "", "0"] {
            push_token(&mut pointer, token);
        }
        assert_eq!(pointer, "/a~1b/~0/~01//0");
    }
}
