//! The schema one topic's records are written with, ready for use.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use assay_schema_core::avro::{self, Schema};

use super::{Core, Datum, Selection};
use crate::cache::{RegisteredSchema, Use};
use crate::error::Error;
use crate::metrics::{Metrics, Operation};
use crate::plan::Plan;
use crate::properties::ConfigError;
use crate::wire::{Framing, PREFIX_BYTES, Part, SchemaHeader, header_name, header_value, prefix};

/// Everything that encoding for one topic needs.
pub(super) struct Target {
    pub(super) subject: String,
    pub(super) registered: Arc<RegisteredSchema>,
    /// When the schema has to be asked for again; never unless it is the latest version.
    pub(super) expires_at: Option<Instant>,
    plan: Arc<Plan>,
    frame: Frame,
    /// Top-level bytes are written without their length.
    raw: bool,
    topic: Arc<str>,
    part: Part,
    metrics: Option<Arc<dyn Metrics>>,
    /// Bytes that a new buffer begins with: what recent payloads needed.
    expected_bytes: AtomicUsize,
}

/// Most that a new buffer begins with, whatever came before.
const EXPECTED_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Frame {
    Prefix([u8; PREFIX_BYTES]),
    Header(SchemaHeader),
}

impl Target {
    pub(super) fn header(&self) -> Option<SchemaHeader> {
        match self.frame {
            Frame::Prefix(_) => None,
            Frame::Header(header) => Some(header),
        }
    }

    /// A framed value in a buffer of its own.
    #[inline]
    pub(super) fn encode<T: Datum + ?Sized>(&self, value: &T) -> Result<Vec<u8>, Error> {
        let expected = self.expected_bytes.load(Ordering::Relaxed);
        let mut payload = Vec::with_capacity(expected);
        self.encode_into(value, &mut payload)?;
        if payload.len() > expected && expected < EXPECTED_BYTES_MAX {
            self.expected_bytes.store(payload.len().min(EXPECTED_BYTES_MAX), Ordering::Relaxed);
        }
        Ok(payload)
    }

    #[inline]
    pub(super) fn encode_into<T: Datum + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        if let Frame::Prefix(prefix) = &self.frame {
            out.extend_from_slice(prefix);
        }
        let datum = out.len();
        match value.encode_datum(&self.plan, out) {
            Ok(()) => {
                if self.raw {
                    drop_length(out, datum);
                }
                if let Some(metrics) = &self.metrics {
                    metrics.record(Operation::Encode, &self.topic, self.part, out.len() - start);
                }
                Ok(())
            }
            Err(source) => {
                out.truncate(start);
                let error = Error::Encode { subject: self.subject.clone(), source: Box::new(source) };
                if let Some(metrics) = &self.metrics {
                    metrics.failed(Operation::Encode, &self.topic, self.part, &error);
                }
                Err(error)
            }
        }
    }
}

/// Takes the length off the `bytes` value that starts at `at`.
fn drop_length(out: &mut Vec<u8>, at: usize) {
    let length = out.iter().skip(at).take_while(|byte| **byte >= 0x80).count() + 1;
    let end = out.len().min(at + length);
    out.drain(at..end);
}

impl Core {
    /// Finds the schema for a topic. Callers that do so at the same time share one plan, and so does who asks again and finds
    /// the same schema.
    pub(super) async fn find(&self, topic: &str) -> Result<Arc<Target>, Error> {
        let settings = &self.settings;
        let own = self.own().await?;
        let needs_subject = !matches!(settings.selection, Selection::Fixed(_));
        let subject = if needs_subject || own.is_some() {
            let record_name = own.and_then(|(_, schema)| schema.full_name());
            settings.strategy.subject(&self.registry, topic, settings.part, record_name).await?
        } else {
            String::new()
        };
        let registered = self.select(&subject, own.map(|(_, schema)| schema)).await?;
        if !settings.ignore_rules {
            registered.refuse_rules(Use::Write)?;
        }
        let frame = self.frame(&registered)?;
        let _turn = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.targets.read().get(topic).cloned();
        let before = before.filter(|before| Arc::ptr_eq(&before.registered, &registered));
        let plan = match before {
            Some(before) if before.expires_at.is_none() => return Ok(before),
            Some(before) => before.plan.clone(),
            None => self.compile(&registered)?,
        };
        let latest = matches!(settings.selection, Selection::Latest | Selection::LatestWithMetadata(_));
        let ttl = self.registry.settings().latest_ttl.filter(|_| latest);
        let topic: Arc<str> = topic.into();
        let target = Arc::new(Target {
            frame,
            raw: registered.is_bytes(),
            expires_at: ttl.and_then(|ttl| Instant::now().checked_add(ttl)),
            subject,
            registered,
            plan,
            topic: topic.clone(),
            part: settings.part,
            metrics: self.registry.metrics().cloned(),
            expected_bytes: AtomicUsize::new(0),
        });
        self.targets.insert(&topic, &target);
        Ok(target)
    }

    fn compile(&self, registered: &RegisteredSchema) -> Result<Arc<Plan>, Error> {
        let key = registered.key();
        if let Some(metrics) = self.registry.metrics() {
            metrics.compiled(key);
        }
        match Plan::compile(&registered.schema) {
            Ok(plan) if self.settings.ignore_unknown_fields => {
                Ok(Arc::new(plan.with_unknown_fields_ignored()))
            }
            Ok(plan) => Ok(Arc::new(plan)),
            Err(source) => Err(Error::Resolution { key, source: Arc::new(source) }),
        }
    }

    async fn select(&self, subject: &str, own: Option<&Schema>) -> Result<Arc<RegisteredSchema>, Error> {
        let settings = &self.settings;
        let text = || {
            let own = self.own.as_ref().map(|own| &own.text);
            own.ok_or(ConfigError::SchemaNeeded { reason: "it is registered or looked up under its subject" })
        };
        match &settings.selection {
            Selection::Register { .. } => self.registry.register(subject, text()?, settings.normalize).await,
            Selection::Lookup => self.registry.lookup(subject, text()?, settings.normalize).await,
            Selection::Fixed(key) => {
                let selected = match self.registry.foreign_context(subject) {
                    Some(context) => self.registry.in_context(&context).schema(*key).await?,
                    None => self.registry.schema(*key).await?,
                };
                if settings.id_compatibility_strict {
                    check(subject, &selected, own, "id.compatibility.strict")?;
                }
                Ok(selected)
            }
            Selection::Latest | Selection::LatestWithMetadata(_) => {
                let none = std::collections::BTreeMap::new();
                let properties = match &settings.selection {
                    Selection::LatestWithMetadata(properties) => properties,
                    _ => &none,
                };
                let selected = self.registry.latest(subject, properties).await?;
                if settings.latest_compatibility_strict {
                    check(subject, &selected, own, "latest.compatibility.strict")?;
                }
                Ok(selected)
            }
        }
    }

    fn frame(&self, registered: &RegisteredSchema) -> Result<Frame, ConfigError> {
        match self.settings.framing {
            Framing::Prefix => Ok(Frame::Prefix(prefix(registered.id.ok_or(ConfigError::IdMissing)?))),
            Framing::Header => Ok(Frame::Header(SchemaHeader {
                name: header_name(self.settings.part),
                value: header_value(registered.guid.ok_or(ConfigError::GuidMissing)?),
            })),
        }
    }
}

/// The selected schema has to be able to read what the program's own schema describes.
fn check(
    subject: &str,
    selected: &RegisteredSchema,
    own: Option<&Schema>,
    property: &'static str,
) -> Result<(), Error> {
    let Some(own) = own else { return Ok(()) };
    let reason = match avro::check(&selected.schema, own) {
        Ok(found) => match found.first() {
            None => return Ok(()),
            Some(first) => format!("{} at {}: {}", first.kind.as_str(), first.location, first.message),
        },
        Err(ambiguous) => ambiguous.to_string(),
    };
    Err(Error::IncompatibleSelection { subject: subject.to_owned(), reason, property })
}

#[cfg(test)]
mod tests {
    use super::drop_length;

    #[test]
    fn the_length_of_top_level_bytes_is_taken_off() {
        for (len, varint) in [(0, &[0][..]), (3, &[6]), (64, &[0x80, 1]), (8192, &[0x80, 0x80, 1])] {
            let mut out = vec![9, 9];
            out.extend_from_slice(varint);
            out.extend(std::iter::repeat_n(0xFF, len));
            drop_length(&mut out, 2);
            assert_eq!(out.len(), 2 + len);
            assert!(out.iter().skip(2).all(|byte| *byte == 0xFF));
        }
    }
}
