//! The keys that are known, and what is close to one that is not.

use super::{ConfigError, Properties};

/// Any key may start with this.
pub(super) const PREFIX: &str = "schema.registry.";
/// TLS keys must start with this: without it they configure the Kafka client.
pub(super) const TLS_PREFIX: &str = "schema.registry.ssl.";
/// Extra request headers, by name.
pub(super) const HEADER_PREFIX: &str = "request.header.";

/// Keys with an effect.
const KNOWN: &[&str] = &[
    "schema.registry.url",
    "auto.register.schemas",
    "use.latest.version",
    "use.latest.with.metadata",
    "use.schema.id",
    "use.schema.guid",
    "id.compatibility.strict",
    "latest.compatibility.strict",
    "normalize.schemas",
    "propagate.schema.tags",
    "latest.cache.ttl.sec",
    "latest.cache.size",
    "max.schemas.per.subject",
    "key.subject.name.strategy",
    "value.subject.name.strategy",
    "subject.name.strategy.fallback.type",
    "subject.name.strategy.kafka.cluster.id",
    "subject.name.strategy.cache.expiry.secs",
    "subject.name.strategy.cache.size",
    "context.name.strategy",
    "key.schema.id.serializer",
    "value.schema.id.serializer",
    "key.schema.id.deserializer",
    "value.schema.id.deserializer",
    "basic.auth.credentials.source",
    "basic.auth.user.info",
    "bearer.auth.credentials.source",
    "bearer.auth.token",
    "bearer.auth.issuer.endpoint.url",
    "bearer.auth.client.id",
    "bearer.auth.client.secret",
    "bearer.auth.scope",
    "bearer.auth.logical.cluster",
    "bearer.auth.identity.pool.id",
    "bearer.auth.cache.expiry.buffer.seconds",
    "http.connect.timeout.ms",
    "http.read.timeout.ms",
    "max.retries",
    "retries.wait.ms",
    "retries.max.wait.ms",
    "missing.id.cache.ttl.sec",
    "missing.version.cache.ttl.sec",
    "missing.schema.cache.ttl.sec",
    "missing.cache.size",
    "avro.fail.on.trailing.data",
    "url.randomize",
    "proxy.host",
    "proxy.port",
    "schema.registry.ssl.ca.location",
    "schema.registry.ssl.certificate.location",
    "schema.registry.ssl.key.location",
    "schema.registry.ssl.key.password",
    "rule.executors._default_.disabled",
];

/// Keys that only make sense in Java.
const IGNORED: &[&str] = &[
    "specific.avro.reader",
    "specific.avro.key.type",
    "specific.avro.value.type",
    "schema.reflection",
    "avro.reflection.allow.null",
    "avro.remove.java.properties",
    "avro.use.logical.type.converters",
    "rule.service.loader.enable",
];

/// Starts of keys for features that are not built; to pass over them could leave data unprotected.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("rule.executors", "rules are not run; only rule.executors._default_.disabled=true is understood"),
    ("rule.actions", "rules are not run"),
    ("execution.environment", "rules are not run"),
    ("validation.rules.", "rules are not run"),
    ("dlq.", "dead-letter records are built by the program, see DeadLetter"),
    ("encrypt.", "field encryption is not built"),
    ("schema.registry.ssl.keystore.", "Java key stores are not read; give PEM files"),
    ("schema.registry.ssl.truststore.", "Java key stores are not read; give PEM files"),
];

/// Edits that a typing mistake may need, at most.
const EDITS_MAX: usize = 3;

impl Properties {
    /// Refuses keys without a meaning, and warns of those that are ignored.
    pub(super) fn check_keys(&self) -> Result<(), ConfigError> {
        for key in self.values.keys() {
            let short = key.strip_prefix(PREFIX).unwrap_or(key);
            let tls_without_prefix = key.starts_with("ssl.");
            let is = |known: &&str| {
                **known == *key
                    || (!tls_without_prefix && known.strip_prefix(PREFIX).unwrap_or(known) == short)
            };
            if KNOWN.iter().any(is) || short.strip_prefix(HEADER_PREFIX).is_some_and(|name| !name.is_empty())
            {
                continue;
            }
            if IGNORED.contains(&short) {
                tracing::warn!(key, "configuration key has no meaning outside Java and is ignored");
                continue;
            }
            let unsupported =
                UNSUPPORTED.iter().find(|(start, _)| short.starts_with(start) || key.starts_with(start));
            if let Some((_, reason)) = unsupported {
                return Err(ConfigError::Unsupported { key: key.clone(), reason });
            }
            return Err(ConfigError::UnknownKey { key: key.clone(), suggestion: suggestion(key) });
        }
        Ok(())
    }
}

/// The known key that takes the fewest edits, if they are few.
fn suggestion(key: &str) -> Option<&'static str> {
    let wanted = key.to_ascii_lowercase().replace(['_', '-'], ".");
    KNOWN
        .iter()
        .map(|known| {
            (edits(&wanted, known).min(edits(&wanted, known.strip_prefix(PREFIX).unwrap_or(known))), *known)
        })
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, _)| *edits <= EDITS_MAX)
        .map(|(_, known)| known)
}

/// Levenshtein distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (to, above) in right.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(from != *to);
            diagonal = *above;
            before = cost.min(before + 1).min(above + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Splits a line of a properties file at the first `=` or `:` that is not escaped.
pub(super) fn split_line(line: &str) -> Option<(String, String)> {
    let mut key = String::new();
    let mut chars = line.chars();
    loop {
        match chars.next()? {
            '\\' => key.push(escaped(chars.next()?)?),
            '=' | ':' => break,
            other => key.push(other),
        }
    }
    let mut value = String::new();
    let mut rest = chars.as_str().trim().chars();
    while let Some(next) = rest.next() {
        value.push(if next == '\\' { escaped(rest.next()?)? } else { next });
    }
    let key = key.trim().to_owned();
    (!key.is_empty()).then_some((key, value))
}

fn escaped(c: char) -> Option<char> {
    matches!(c, '\\' | '=' | ':' | '#' | '!').then_some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_get_a_suggestion() {
        for (key, expected) in [
            ("auto.register.schema", Some("auto.register.schemas")),
            ("auto_register_schemas", Some("auto.register.schemas")),
            ("schema.registry.urls", Some("schema.registry.url")),
            ("use.lastest.version", Some("use.latest.version")),
            ("bootstrap.servers", None),
        ] {
            assert_eq!(suggestion(key), expected, "{key}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
    }

    #[test]
    fn lines_split_at_the_first_separator() {
        let pair = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
        assert_eq!(split_line("a.b = c=d "), pair("a.b", "c=d"));
        assert_eq!(split_line(r"a\:b: c\\d"), pair("a:b", r"c\d"));
        assert_eq!(split_line("no separator"), None);
        assert_eq!(split_line(r"a=\u0041"), None);
        assert_eq!(split_line("=x"), None);
    }
}
