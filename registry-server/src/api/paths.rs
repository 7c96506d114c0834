//! Paths before routing: what the HTTP layer refuses, trailing slashes, `/contexts/{ctx}` prefixes and aliases
//! (registry-api.md 2.2, 11.2, 11.5).

use assay_schema_core::{Context, QualifiedSubject};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::ApiError;
use super::query::Query;

/// A request path as raw segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    segments: Vec<String>,
    changed: bool,
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn names_context(text: &str) -> bool {
    text.starts_with(":.") || text.starts_with(":*:")
}

impl Path {
    /// Splits a path, dropping one trailing slash. Empty segments, encoded dot segments and path parameters are refused.
    pub(crate) fn parse(path: &str) -> Result<Self, ApiError> {
        let inner = path.strip_prefix('/').unwrap_or(path);
        let trimmed = inner.strip_suffix('/').unwrap_or(inner);
        let changed = trimmed.len() != inner.len();
        if trimmed.is_empty() {
            // "//" is an empty segment; "/" is the root.
            return if inner.is_empty() {
                Ok(Self { segments: Vec::new(), changed })
            } else {
                Err(ApiError::AmbiguousPath)
            };
        }
        let segments: Vec<String> = trimmed.split('/').map(str::to_owned).collect();
        let ambiguous =
            |segment: &String| segment.is_empty() || segment.contains(';') || is_dot_segment(segment);
        if segments.iter().any(ambiguous) {
            return Err(ApiError::AmbiguousPath);
        }
        Ok(Self { segments, changed })
    }

    /// The path to route, if it differs from the one sent.
    pub(crate) fn rewritten(&self) -> Option<String> {
        self.changed.then(|| format!("/{}", self.segments.join("/")))
    }

    fn is(&self, index: usize, name: &str) -> bool {
        self.segments.get(index).is_some_and(|segment| segment == name)
    }

    fn starts_with_ids(&self) -> bool {
        self.is(0, "schemas") && self.is(1, "ids")
    }

    /// Turns `/contexts/{ctx}/rest` into `rest` with subjects and prefixes qualified.
    pub(crate) fn enter_context(&mut self, query: &mut Query) -> Result<(), ApiError> {
        if !self.is(0, "contexts") || self.segments.len() < 3 {
            return Ok(());
        }
        let name = self.segments.get(1).map(|segment| decode(segment)).unwrap_or_default();
        let context =
            Context::parse(&name).map_err(|error| ApiError::BadRequest { message: error.to_string() })?;
        self.segments.drain(..2);
        self.changed = true;
        let qualify = |given: &str| {
            if names_context(given) { given.to_owned() } else { format!("{}{given}", context.prefix()) }
        };
        self.rewrite_after(&["subjects", "deks"], qualify);
        if self.is(0, "config") || self.is(0, "mode") {
            match self.segments.get_mut(1) {
                Some(scope) => *scope = encode(&qualify(&decode(scope))),
                None if context.is_default() => {}
                None => self.segments.push(encode(&context.prefix())),
            }
        }
        let prefix = format!(":{context}:");
        let in_context =
            |given: &str| if names_context(given) { given.to_owned() } else { format!("{prefix}{given}") };
        if self.segments.first().is_some_and(|first| first.split(':').next() == Some("associations")) {
            query.rewrite("context", |_| context.prefix());
        }
        if self.starts_with_ids() {
            query.rewrite("subject", in_context);
        }
        if self.segments.len() == 1 && (self.is(0, "schemas") || self.is(0, "subjects")) {
            query.rewrite("subjectPrefix", in_context);
        }
        Ok(())
    }

    fn rewrite_after(&mut self, names: &[&str], change: impl Fn(&str) -> String) {
        let mut follows = false;
        for segment in &mut self.segments {
            if follows {
                let decoded = decode(segment);
                let changed = change(&decoded);
                if changed != decoded {
                    *segment = encode(&changed);
                    self.changed = true;
                }
            }
            follows = !follows && names.contains(&segment.as_str());
        }
    }

    /// Replaces subjects that are aliases.
    pub(crate) fn follow_aliases(
        &mut self,
        query: &mut Query,
        alias: impl Fn(&QualifiedSubject) -> Option<QualifiedSubject>,
    ) {
        let follow = |text: &str| {
            let target = alias(&QualifiedSubject::parse(text));
            target.map_or_else(|| text.to_owned(), |target| target.to_string())
        };
        self.rewrite_after(&["subjects", "deks"], follow);
        if self.starts_with_ids() && query.find("subject").is_some() {
            query.rewrite("subject", follow);
        }
    }
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, query: &str, expected_path: &str, expected_query: &str) {
        let (mut path, mut query) = (Path::parse(path).unwrap(), Query::parse(query));
        path.enter_context(&mut query).unwrap();
        let routed = path.rewritten().unwrap_or_else(|| format!("/{}", path.segments.join("/")));
        assert_eq!((routed.as_str(), &query), (expected_path, &Query::parse(expected_query)));
    }

    #[test]
    fn context_prefixes_qualify_subjects_scopes_and_filters() {
        check("/contexts/.c/subjects/a/versions/", "", "/subjects/%3A%2Ec%3Aa/versions", "");
        check("/contexts/c/subjects/%3A.d%3Aa", "", "/subjects/%3A.d%3Aa", "");
        check(
            "/contexts/:.c:/compatibility/subjects/a/versions",
            "",
            "/compatibility/subjects/%3A%2Ec%3Aa/versions",
            "",
        );
        check("/contexts/.c/config", "", "/config/%3A%2Ec%3A", "");
        check("/contexts/:.:/config", "", "/config", "");
        check("/contexts/.c/mode/a", "", "/mode/%3A%2Ec%3Aa", "");
        check("/contexts/.c/schemas/ids/1", "subject=a", "/schemas/ids/1", "subject=:.c:a");
        check("/contexts/.c/schemas/ids/1", "", "/schemas/ids/1", "subject=:.c:");
        check("/contexts/.c/subjects", "", "/subjects", "subjectPrefix=:.c:");
        check("/contexts/.c/schemas", "subjectPrefix=x", "/schemas", "subjectPrefix=:.c:x");
        check("/contexts/.c/contexts", "", "/contexts", "");
        check("/contexts/.c/associations", "", "/associations", "context=:.c:");
        check("/contexts/.c/associations:batchMutate", "", "/associations:batchMutate", "context=:.c:");
        check(
            "/contexts/.c/associations/subjects/a",
            "",
            "/associations/subjects/%3A%2Ec%3Aa",
            "context=:.c:",
        );
        check("/contexts/.c", "", "/contexts/.c", "");
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for path in ["//", "/a//b", "/a/%2e%2E/b", "/a/./b", "/a;x=1/b"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
        for path in ["/", "/a/", "/a/b%2Fc", "/a/.ctx", "/a/x..y"] {
            assert!(Path::parse(path).is_ok(), "{path}");
        }
    }
}
