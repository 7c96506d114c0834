//! Turns an answer of the registry into its body, or into an [`Error`].

use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::{Error, ErrorResponse, TransportError, TransportKind, UNREADABLE_BODY_CODE};

/// Longest error text that is kept, in characters; a registry repeats whole schemas in its messages.
const MESSAGE_CHARS_MAX: usize = 4096;

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error_code: i32,
    #[serde(default)]
    message: Option<String>,
    /// Only in an explained refusal, with the level and edits beside it.
    #[serde(default)]
    problems: Option<IgnoredAny>,
    /// Only when the text of a schema is refused, with the column beside it.
    #[serde(default)]
    line: Option<IgnoredAny>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a success.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.unusable(format!("status {} with an unexpected body: {error}", self.status))
        })
    }

    /// The body of a success as text.
    pub(crate) fn text(self) -> Result<String, Error> {
        match std::str::from_utf8(&self.body) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.unusable("the body is not UTF-8".into())),
        }
    }

    /// The error of a success whose body cannot be used.
    pub(crate) fn unusable(&self, reason: String) -> Error {
        Error::Protocol {
            source: Box::new(TransportError {
                method: self.method,
                url: self.url.clone(),
                kind: TransportKind::Body,
                reason,
                source: None,
            }),
        }
    }

    /// The registry's error body; an unreadable one gets code 50005 and the first part of its text.
    pub(crate) fn to_error_response(&self) -> ErrorResponse {
        let (mut explanation, mut place) = (None, None);
        let (error_code, message) = match serde_json::from_slice::<ErrorBody>(&self.body) {
            Ok(body) => {
                // what goes beyond the contract is not worth an error when it cannot be read
                explanation = body.problems.and_then(|_| serde_json::from_slice(&self.body).ok());
                place = body.line.and_then(|_| serde_json::from_slice(&self.body).ok());
                (body.error_code, body.message.unwrap_or_default())
            }
            Err(_) => (UNREADABLE_BODY_CODE, String::from_utf8_lossy(&self.body).trim().to_owned()),
        };
        ErrorResponse {
            method: self.method,
            url: self.url.clone(),
            status: self.status,
            error_code,
            message: shorten(message),
            explanation,
            place,
        }
    }
}

/// The situation that a final error answer describes. `attempts` counts the requests sent.
pub(crate) fn classify(answer: &Answer, attempts: u32) -> Error {
    let response = Box::new(answer.to_error_response());
    match (response.status, response.error_code) {
        (401, _) => Error::Unauthorized { response },
        (403, _) => Error::Forbidden { response },
        (404, 40401) => Error::SubjectNotFound { response },
        (404, 40402) => Error::VersionNotFound { response },
        (404, _) => Error::NotFound { response },
        (409, _) => Error::Incompatible { response },
        (422, 42201) => Error::InvalidSchema { response },
        (429, _) => Error::Throttled { retry_after: answer.retry_after, response },
        (408 | 504, _) | (_, 50002) => Error::Timeout { attempts, last: Box::new((*response).into()) },
        (400..500, _) => Error::Refused { response },
        _ => Error::RegistryUnavailable { attempts, last: Box::new((*response).into()) },
    }
}

fn shorten(mut message: String) -> String {
    if let Some((at, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
        message.truncate(at);
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Disposition;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            method: "GET",
            url: "http://registry/x".into(),
            status,
            retry_after: Some(Duration::from_secs(2)),
            body: body.as_bytes().to_vec(),
        }
    }

    fn check(status: u16, body: &str, code: i32, disposition: Disposition) {
        let error = classify(&answer(status, body), 4);
        assert_eq!(error.http_status(), Some(status), "{error}");
        assert_eq!(error.error_code(), Some(code), "{error}");
        assert_eq!(error.disposition(), disposition, "{error}");
    }

    #[test]
    fn each_status_and_code_has_its_situation() {
        use Disposition::{Fatal, Retry};
        check(401, r#"{"error_code":401,"message":"Unauthorized"}"#, 401, Fatal);
        check(403, r#"{"error_code":403}"#, 403, Fatal);
        check(404, r#"{"error_code":40401,"message":"Subject 'x' not found."}"#, 40401, Fatal);
        check(409, r#"{"error_code":40901,"message":"incompatible"}"#, 40901, Fatal);
        check(422, r#"{"error_code":42201,"message":"bad"}"#, 42201, Fatal);
        check(422, r#"{"error_code":42205,"message":"read-only"}"#, 42205, Fatal);
        check(429, "slow down", UNREADABLE_BODY_CODE, Retry);
        check(500, r#"{"error_code":50001,"message":"store"}"#, 50001, Retry);
        check(500, r#"{"error_code":50002,"message":"timed out"}"#, 50002, Retry);
        check(502, "<html>bad gateway</html>", UNREADABLE_BODY_CODE, Retry);
        check(504, "", UNREADABLE_BODY_CODE, Retry);
    }

    #[test]
    fn an_error_body_that_is_not_json_keeps_its_text() {
        let response = answer(502, "  <html>bad gateway</html>\n").to_error_response();
        assert_eq!(response.message, "<html>bad gateway</html>");
        let long = answer(500, &"ü".repeat(MESSAGE_CHARS_MAX + 1)).to_error_response();
        assert_eq!(long.message.chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}
