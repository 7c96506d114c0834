//! JSON as Java's reader and writer treat it where schemas are concerned.
//!
//! Reading accepts comments, keeps key order, lets the last of duplicate keys win, keeps integers of any size exact, and
//! turns other numbers into doubles. Depth is bounded, so that neither reading nor dropping a value can exhaust a stack.
//! Writing is compact, escapes only what must be escaped, and prints doubles as Java's `Double.toString` does.

mod locate;
mod number;
mod pointer;
mod read;
mod write;

pub(crate) use locate::locate;
#[cfg(test)]
pub(crate) use number::java_double;
pub(crate) use number::{double_value, is_integer, java_float, parse_java_double};
pub(crate) use pointer::{push_token, step_mut, tokens};
pub(crate) use read::Reader;
pub(crate) use write::{to_text, write_string, write_value};

use std::cmp::Ordering;

use crate::Position;

/// The order of Java strings: by UTF-16 code unit.
pub(crate) fn java_order(left: &str, right: &str) -> Ordering {
    if left.is_ascii() || right.is_ascii() {
        return left.cmp(right);
    }
    left.encode_utf16().cmp(right.encode_utf16())
}

/// Line and column (both from 1, columns in characters) of a byte offset.
pub(crate) fn position_of(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Position { line, column }
}
