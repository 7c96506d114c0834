//! From a path to a place in the text.

use super::read::Reader;

/// Byte offset of the value at `path` (object keys and array indices), or of the deepest ancestor that exists.
///
/// Reads the text a second time: parsing keeps no positions, since only errors need them.
pub(crate) fn locate(text: &str, path: &[String], depth_max: usize) -> usize {
    let mut reader = Reader::new(text, depth_max);
    let mut found = 0;
    for token in std::iter::once(None).chain(path.iter().map(Some)) {
        let entered = match token {
            None => reader.space().is_ok(),
            Some(token) => enter(&mut reader, text, token, depth_max),
        };
        if !entered {
            break;
        }
        found = reader.offset();
    }
    found
}

/// Moves the reader from a container's start to the start of one of its values; the last of duplicate keys wins.
fn enter<'a>(reader: &mut Reader<'a>, text: &'a str, token: &str, depth_max: usize) -> bool {
    let mut last = None;
    if reader.eat(b'{') {
        loop {
            if reader.space().is_err() {
                break;
            }
            let Ok(key) = reader.key() else { break };
            let _ = reader.space();
            if key == token {
                last = Some(reader.offset());
            }
            if !next(reader) {
                break;
            }
        }
    } else if reader.eat(b'[') {
        let wanted: usize = token.parse().unwrap_or(usize::MAX);
        for index in 0.. {
            let _ = reader.space();
            if index == wanted {
                last = Some(reader.offset());
                break;
            }
            if !next(reader) {
                break;
            }
        }
    }
    let Some(offset) = last else { return false };
    *reader = Reader::starting_at(text, offset, depth_max);
    true
}

/// Skips one value and the comma after it.
fn next(reader: &mut Reader<'_>) -> bool {
    reader.value().is_ok() && reader.space().is_ok() && reader.eat(b',')
}
