//! One request, described before any address or attempt: method, path, query, body.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// Everything but the characters that RFC 3986 leaves unreserved; so a subject is always one path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// HTTP methods the registry knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Delete => Self::DELETE,
        }
    }
}

/// A request to any of the registry's addresses.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query, percent-encoded, without a leading slash.
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    has_query: bool,
}

impl Request {
    /// A request whose path consists of `segments`; each is percent-encoded.
    pub(crate) fn new(method: Method, segments: &[&str]) -> Self {
        let mut path = String::new();
        for segment in segments {
            if !path.is_empty() {
                path.push('/');
            }
            // a segment of dots alone would be taken for a step in the path
            if matches!(*segment, "." | "..") {
                path.push_str(&segment.replace('.', "%2E"));
            } else {
                path.extend(utf8_percent_encode(segment, SEGMENT));
            }
        }
        Self { method, path, body: None, has_query: false }
    }

    /// A request to a fixed path with a colon in it, which is not escaped.
    pub(crate) fn action(method: Method, path: &'static str) -> Self {
        Self { method, path: path.to_owned(), body: None, has_query: false }
    }

    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::Get, segments)
    }

    /// The first segment of the path.
    pub(crate) fn resource(&self) -> &str {
        self.path.split(['/', '?', ':']).next().unwrap_or_default()
    }

    /// Adds a query parameter.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.path.push_str(name);
        self.path.push('=');
        self.path.extend(utf8_percent_encode(value, SEGMENT));
        self
    }

    /// Adds a query parameter if there is a value.
    pub(crate) fn query_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds `name=true` if `value`; every flag of the registry is false by default.
    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        if value { self.query(name, "true") } else { self }
    }

    /// Sets the JSON body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        // bodies are plain structs and maps with text keys, which always serialize
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_values_are_percent_encoded() {
        for (subject, path) in [
            ("orders-value", "subjects/orders-value"),
            (":.ctx:a/b c", "subjects/%3A.ctx%3Aa%2Fb%20c"),
            ("..", "subjects/%2E%2E"),
            ("ü?#%", "subjects/%C3%BC%3F%23%25"),
        ] {
            assert_eq!(Request::get(&["subjects", subject]).path, path);
        }
        let request = Request::get(&["schemas"])
            .flag("deleted", false)
            .flag("latestOnly", true)
            .query_some("format", None)
            .query("subjectPrefix", ":*:a&b");
        assert_eq!(request.path, "schemas?latestOnly=true&subjectPrefix=%3A%2A%3Aa%26b");
    }
}
