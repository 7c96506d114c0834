//! The id of a request: the client's own, or a fresh random one (registry-api.md 2.2).

use std::cell::Cell;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is echoed; a longer one is replaced.
const BYTES_MAX: usize = 256;

/// The one value the client sent, if it sent one that can be echoed; else a random UUID.
pub(super) fn of(headers: &HeaderMap) -> HeaderValue {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    let only = values.next().filter(|_| values.next().is_none());
    let echoed = only
        .filter(|value| value.len() <= BYTES_MAX && value.to_str().is_ok_and(|text| !text.trim().is_empty()));
    echoed.cloned().unwrap_or_else(random)
}

fn random() -> HeaderValue {
    let mut text = uuid::Uuid::encode_buffer();
    let text =
        uuid::Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

thread_local! {
    static STATE: Cell<[u64; 2]> = {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Cell::new([high | 1, low])
    };
}

/// Sixteen bytes of a generator (xoroshiro128+) that each thread seeds from the system once: these ids are told apart, not guessed at.
fn random_bytes() -> [u8; 16] {
    let next = || {
        STATE.with(|state| {
            let [a, b] = state.get();
            let mixed = a ^ b;
            state.set([a.rotate_left(24) ^ mixed ^ (mixed << 16), mixed.rotate_left(37)]);
            a.wrapping_add(b)
        })
    };
    let (first, second) = (next(), next());
    ((u128::from(first) << 64) | u128::from(second)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_distinct_version_4_uuids() {
        let ids: HashSet<HeaderValue> = (0..10_000).map(|_| random()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            let id = uuid::Uuid::parse_str(id.to_str().unwrap()).unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (4, uuid::Variant::RFC4122));
        }
    }

    #[test]
    fn one_value_that_can_be_echoed_is() {
        let mut headers = HeaderMap::new();
        headers.append(X_REQUEST_ID, HeaderValue::from_static("mine"));
        assert_eq!(of(&headers), "mine");
        headers.append(X_REQUEST_ID, HeaderValue::from_static("another"));
        assert_ne!(of(&headers), "mine");
        for refused in [" ".to_owned(), "x".repeat(BYTES_MAX + 1)] {
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(&refused).unwrap());
            assert_ne!(of(&headers), refused.as_str());
        }
    }
}
