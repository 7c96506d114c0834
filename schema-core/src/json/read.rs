//! The reader.

use serde_json::{Map, Value};

use super::number::number_from_text;
use super::pointer::push_token;

/// Why and where a text is not JSON; `offset` is in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) message: String,
    pub(crate) offset: usize,
    /// Set when the text is refused for its nesting, not for its grammar.
    pub(crate) too_deep: bool,
    /// JSON pointer to the value that was being read, or to the container that could not go on.
    pub(crate) pointer: String,
}

/// A container being read; an object with the key of the value to come.
enum Open {
    Array(Vec<Value>),
    Object(Map<String, Value>, String),
}

/// JSON pointer to the value to come.
fn pointer(open: &[Open]) -> String {
    let mut pointer = String::new();
    for container in open {
        match container {
            Open::Array(items) => push_token(&mut pointer, &items.len().to_string()),
            Open::Object(_, key) => push_token(&mut pointer, key),
        }
    }
    pointer
}

/// A cursor over a text, with a bound on nesting.
pub(crate) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth_left: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, depth_max: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, depth_left: depth_max }
    }

    pub(super) fn starting_at(text: &'a str, at: usize, depth_max: usize) -> Self {
        Self { at, ..Self::new(text, depth_max) }
    }

    /// The one value of the text. Comments may stand before and inside it, nothing but white space after it.
    pub(crate) fn document(&mut self) -> Result<Value, JsonError> {
        let value = self.value()?;
        while let Some(byte) = self.peek() {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                let rest = self.text.get(self.at..).unwrap_or_default();
                let shown: String = rest.chars().take(64).collect();
                return Err(self.error(format!("dangling content after end of schema: {shown}")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    /// One value. Open containers are kept on a list, so that nesting costs no stack.
    pub(super) fn value(&mut self) -> Result<Value, JsonError> {
        let mut open = Vec::new();
        self.value_in(&mut open).map_err(|error| JsonError { pointer: pointer(&open), ..error })
    }

    fn value_in(&mut self, open: &mut Vec<Open>) -> Result<Value, JsonError> {
        loop {
            self.space()?;
            let mut done = match self.peek() {
                Some(b'{') => {
                    self.descend()?;
                    if !self.closes(b'}')? {
                        open.push(Open::Object(Map::new(), self.key()?));
                        continue;
                    }
                    Value::Object(Map::new())
                }
                Some(b'[') => {
                    self.descend()?;
                    if !self.closes(b']')? {
                        open.push(Open::Array(Vec::new()));
                        continue;
                    }
                    Value::Array(Vec::new())
                }
                _ => self.scalar()?,
            };
            loop {
                match open.pop() {
                    None => return Ok(done),
                    Some(Open::Array(mut items)) => {
                        items.push(done);
                        if self.separates(b']', "was expecting comma to separate Array entries")? {
                            open.push(Open::Array(items));
                            break;
                        }
                        done = Value::Array(items);
                    }
                    Some(Open::Object(mut members, key)) => {
                        members.insert(key, done);
                        if self.separates(b'}', "was expecting comma to separate Object entries")? {
                            self.space()?;
                            open.push(Open::Object(members, self.key()?));
                            break;
                        }
                        done = Value::Object(members);
                    }
                }
            }
        }
    }

    fn scalar(&mut self) -> Result<Value, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word(),
            Some(_) => Err(self.unexpected(
                "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            )),
            None => Err(self.error("Unexpected end-of-input: expected a value".to_owned())),
        }
    }

    /// Steps into an object or array whose opening bracket is at the cursor.
    fn descend(&mut self) -> Result<(), JsonError> {
        if self.depth_left == 0 {
            return Err(JsonError {
                message: "nested too deep".to_owned(),
                offset: self.at,
                too_deep: true,
                pointer: String::new(),
            });
        }
        self.depth_left -= 1;
        self.at += 1;
        Ok(())
    }

    /// Whether the container just entered ends at once.
    fn closes(&mut self, bracket: u8) -> Result<bool, JsonError> {
        self.space()?;
        let closed = self.eat(bracket);
        self.depth_left += usize::from(closed);
        Ok(closed)
    }

    /// Whether a comma follows an entry; `false` when the container ends.
    fn separates(&mut self, bracket: u8, expected: &str) -> Result<bool, JsonError> {
        self.space()?;
        if self.eat(b',') {
            return Ok(true);
        }
        if self.eat(bracket) {
            self.depth_left += 1;
            return Ok(false);
        }
        Err(self.unexpected(expected))
    }

    pub(super) fn key(&mut self) -> Result<String, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("was expecting double-quote to start field name"));
        }
        let key = self.string()?;
        self.space()?;
        if !self.eat(b':') {
            return Err(self.unexpected("was expecting a colon to separate field name and value"));
        }
        Ok(key)
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        let mut integer = true;
        self.eat(b'-');
        if self.eat(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.error("Invalid numeric value: Leading zeroes not allowed".to_owned()));
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            integer = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            integer = false;
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'"')) {
            return Err(self.unexpected("Expected space separating root-level values"));
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(number_from_text(text, integer))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.unexpected("Invalid numeric value: expected a digit"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        let mut run = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    out.push_str(self.text.get(run..self.at).unwrap_or_default());
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    out.push_str(self.text.get(run..self.at).unwrap_or_default());
                    self.at += 1;
                    out.push(self.escape()?);
                    run = self.at;
                }
                Some(control @ 0..=0x1f) => {
                    return Err(self.error(format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {control})): has to be escaped using backslash to be included in string value"
                    )));
                }
                Some(_) => self.at += 1,
                None => {
                    return Err(self.error(
                        "Unexpected end-of-input: was expecting closing quote for a string value".to_owned(),
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(byte) = self.peek() else {
            return Err(self.error("Unexpected end-of-input in character escape sequence".to_owned()));
        };
        let escaped = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b't' => '\t',
            b'n' => '\n',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.unexpected("Unrecognized character escape")),
        };
        self.at += 1;
        Ok(escaped)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let unit = self.hex_unit()?;
        let code = match unit {
            0xd800..=0xdbff if self.peek() == Some(b'\\') => {
                self.at += 1;
                if self.peek() != Some(b'u') {
                    return Err(self.unexpected("expected the second half of a surrogate pair"));
                }
                let low = self.hex_unit()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.error("surrogate pair is broken".to_owned()));
                }
                0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.error("lone surrogate in character escape".to_owned()))
    }

    /// Reads the four hexadecimal digits after a `u`, with the cursor on the `u`.
    fn hex_unit(&mut self) -> Result<u32, JsonError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("expected a hex-digit for character escape sequence"));
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let word = rest.get(..length).unwrap_or_default();
        let value = match word {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            _ => {
                let token: String = word.iter().take(64).copied().map(char::from).collect();
                return Err(self.error(format!(
                    "Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
                )));
            }
        };
        self.at += length;
        Ok(value)
    }

    /// Skips white space and comments.
    pub(super) fn space(&mut self) -> Result<(), JsonError> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'/') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), JsonError> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let length = match rest.first() {
            Some(b'/') => rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len()),
            Some(b'*') => {
                let body = rest.get(1..).unwrap_or_default();
                let Some(end) = body.windows(2).position(|pair| pair == b"*/") else {
                    return Err(self.error("Unexpected end-of-input in a comment".to_owned()));
                };
                end + 3
            }
            _ => return Err(self.unexpected("maybe a comment, but expected '/' or '*' next")),
        };
        self.at += 1 + length;
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn error(&self, message: String) -> JsonError {
        JsonError { message, offset: self.at, too_deep: false, pointer: String::new() }
    }

    fn unexpected(&self, expected: &str) -> JsonError {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => self
                .error(format!("Unexpected character ('{found}' (code {})): {expected}", u32::from(found))),
            None => self.error(format!("Unexpected end-of-input: {expected}")),
        }
    }
}
