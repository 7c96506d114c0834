//! Query parameters as the contract reads them (registry-api.md 2.3).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::error::ApiError;
use crate::registry::{AsOf, Deleted, Page, parse_time};

/// Parameters in the order sent; unknown ones are kept and ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

fn decode(text: &str) -> String {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value; empty when absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// True only for "true" in any case.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// `deleted`.
    pub(crate) fn deleted(&self) -> Deleted {
        if self.flag("deleted") { Deleted::Include } else { Deleted::Exclude }
    }

    /// `deleted`, over which `deletedOnly` wins.
    pub(crate) fn deleted_or_only(&self) -> Deleted {
        if self.flag("deletedOnly") { Deleted::Only } else { self.deleted() }
    }

    /// `offset` and `limit` of a list without a limit of its own.
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        self.page_within(usize::MAX, usize::MAX)
    }

    /// `offset` and `limit`: a limit of 0 or less, or above the maximum, means the default one.
    pub(crate) fn page_within(&self, default: usize, max: usize) -> Result<Page, ApiError> {
        let limit = self.integer("limit")?.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.filter(|&limit| limit > 0 && limit <= max).unwrap_or(default);
        let offset =
            usize::try_from(self.integer("offset")?.unwrap_or(0)).map_err(|_| ApiError::NegativeOffset)?;
        Ok(Page { offset, limit })
    }

    /// `asOf`: a revision or an RFC 3339 time.
    pub(crate) fn as_of(&self) -> Result<Option<AsOf>, ApiError> {
        let parse = |text: &str| {
            AsOf::parse(text).ok_or_else(|| ApiError::BadRequest {
                message: format!("asOf is neither a revision nor an RFC 3339 time: {text}"),
            })
        };
        self.find("asOf").map(parse).transpose()
    }

    /// A time: epoch milliseconds or RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let parse = |text: &str| {
            text.parse().ok().or_else(|| parse_time(text)).ok_or_else(|| ApiError::BadRequest {
                message: format!("{name} is neither epoch milliseconds nor an RFC 3339 time: {text}"),
            })
        };
        self.find(name).map(parse).transpose()
    }

    /// A whole number that is not part of the contract's paging.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| ApiError::BadRequest { message: format!("{name} is no number: {text}") })
        };
        self.find(name).map(parse).transpose()
    }

    fn integer(&self, name: &str) -> Result<Option<i32>, ApiError> {
        self.find(name).map(|text| text.parse().map_err(|_| ApiError::NotFound)).transpose()
    }

    /// Replaces every value of a parameter, or adds it if absent.
    pub(crate) fn rewrite(&mut self, name: &str, change: impl Fn(&str) -> String) {
        let mut seen = false;
        for (known, value) in &mut self.0 {
            if known == name {
                *value = change(value);
                seen = true;
            }
        }
        if !seen {
            self.0.push((name.to_owned(), change("")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_true_in_any_case_and_nothing_else_is() {
        for (text, expected) in [
            ("a=true", true),
            ("a=True", true),
            ("a=TRUE", true),
            ("a=1", false),
            ("a=", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(Query::parse(text).flag("a"), expected, "{text}");
        }
    }

    #[test]
    fn values_are_decoded_once() {
        let query = Query::parse("subject=%3A.c%3Aa%2Fb+c%2B&x=1&x=2");
        assert_eq!(query.text("subject"), ":.c:a/b c+");
        assert_eq!(query.list("x"), ["1", "2"]);
    }

    #[test]
    fn limits_out_of_range_mean_the_default() {
        for (text, limit) in [("", 7), ("limit=-1", 7), ("limit=0", 7), ("limit=3", 3), ("limit=9", 7)] {
            assert_eq!(Query::parse(text).page_within(7, 8).unwrap().limit, limit, "{text}");
        }
        assert!(matches!(Query::parse("limit=x").page(), Err(ApiError::NotFound)));
        assert!(matches!(Query::parse("offset=-1").page(), Err(ApiError::NegativeOffset)));
    }
}
