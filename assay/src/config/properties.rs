//! Kafka's `server.properties` as a layer of broker settings. The format is that of Java's `Properties`.

use std::path::Path;

use super::{ConfigError, layer::Layer};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Layer, ConfigError> {
    let failed = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let metadata = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(failed(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Ok(Layer { broker_config: parse(&text).into_iter().collect(), ..Layer::default() })
}

/// Keys and values in the order of the file.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = text.lines();
    while let Some(first) = lines.next() {
        let first = first.trim_start();
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut line = first.to_owned();
        while is_continued(&line) {
            line.pop();
            let Some(next) = lines.next() else { break };
            line.push_str(next.trim_start());
        }
        let (key, value) = split(&line);
        if !key.is_empty() {
            pairs.push((unescape(key), unescape(value.trim_end())));
        }
    }
    pairs
}

/// Whether an odd number of backslashes ends it.
fn is_continued(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// At the first `=`, `:` or blank that is not escaped; blanks around it belong to neither side.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|letter: char| {
        let ends = !escaped && (letter == '=' || letter == ':' || letter.is_whitespace());
        escaped = letter == '\\' && !escaped;
        ends
    });
    let Some((key, rest)) = end.map(|end| line.split_at(end)) else { return (line, "") };
    let rest = rest.trim_start();
    (key, rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start())
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('u') => {
                let digits: String = letters.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_java_reads_them() {
        let text = "# comment\n! comment\n\n  node.id = 7\nlog.dirs:/tmp/x\nlisteners PLAINTEXT://:9092,\\\n    SSL://:9093\n\
                    a\\=b=c=d\nempty=\nwide=\\u00e9\\\\\nlast=x\\";
        let expected = [
            ("node.id", "7"),
            ("log.dirs", "/tmp/x"),
            ("listeners", "PLAINTEXT://:9092,SSL://:9093"),
            ("a=b", "c=d"),
            ("empty", ""),
            ("wide", "\u{e9}\\"),
            ("last", "x"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(parse(text), expected);
    }
}
