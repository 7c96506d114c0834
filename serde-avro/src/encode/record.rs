//! Records: fields by name, in the schema's order on the wire.

use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::plan::program::{FieldShape, RecordShape};
use crate::plan::{EncodeError, EncodeErrorKind};

use super::serializer::ValueSerializer;
use super::sink::{Segment, Sink};

/// A record under construction.
///
/// Fields that come in the schema's order go straight to their place. From the first one that does not, bytes are
/// kept as they come and put in order at the end.
pub(crate) struct RecordWriter<'s, 'p> {
    sink: &'s mut Sink<'p>,
    shape: &'p RecordShape,
    /// The field that would continue the record; beyond all fields once one came out of order.
    next: usize,
    scattered: Option<Scattered>,
}

/// The number of a field that is left out.
const NO_FIELD: usize = usize::MAX;

/// Where a record left the schema's order.
#[derive(Clone, Copy)]
struct Scattered {
    /// Fields before this one are in place.
    field: usize,
    /// Where their bytes end.
    start: usize,
    /// Segments of enclosing records.
    segments: usize,
}

impl FieldShape {
    /// Compares names, by address where a struct of the same type was written before.
    #[inline]
    fn is(&self, key: &'static str) -> bool {
        key.len() == self.name.len()
            && (self.key.load(Ordering::Relaxed) == key.as_ptr().addr() || self.learn(key))
    }

    #[cold]
    #[inline(never)]
    fn learn(&self, key: &'static str) -> bool {
        let equal = *self.name == *key;
        if equal {
            self.key.store(key.as_ptr().addr(), Ordering::Relaxed);
        }
        equal
    }
}

impl<'s, 'p> RecordWriter<'s, 'p> {
    #[inline]
    pub(crate) fn new(sink: &'s mut Sink<'p>, record: u32) -> Result<Self, EncodeError> {
        sink.enter()?;
        let shape = sink.tables.record(record);
        Ok(Self { sink, shape, next: 0, scattered: None })
    }

    /// The number of a field; a name that the record does not have is an error, or [`NO_FIELD`].
    pub(crate) fn find(&self, name: &str) -> Result<usize, EncodeError> {
        if self.shape.fields.get(self.next).is_some_and(|f| *f.name == *name) {
            return Ok(self.next);
        }
        match self.shape.find(name) {
            Some(index) => Ok(index as usize),
            None if self.sink.unknown_fields_ignored => Ok(NO_FIELD),
            None => Err(self.unknown(name)),
        }
    }

    #[cold]
    fn unknown(&self, name: &str) -> EncodeError {
        let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
        let similar = self.shape.fields.iter().find(|f| plain(&f.name) == plain(name));
        EncodeError::new(EncodeErrorKind::UnknownField {
            record: self.shape.name.full.to_string(),
            name: name.to_owned(),
            similar: similar.map(|f| f.name.to_string()),
        })
    }

    /// Writes the field with a number, if there is one; `write` gets the place and the field's type.
    pub(crate) fn field(
        &mut self,
        index: usize,
        write: impl FnOnce(&mut Sink<'p>, &'p FieldShape) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let Some(field) = self.shape.fields.get(index) else { return Ok(()) };
        if index == self.next {
            self.next += 1;
            return write(self.sink, field).map_err(|e| e.in_field(&field.name));
        }
        if index < self.next && self.scattered.is_none_or(|s| index < s.field) {
            return Err(duplicate(field));
        }
        self.scatter();
        let start = self.sink.out.len();
        write(self.sink, field).map_err(|e| e.in_field(&field.name))?;
        let end = self.sink.out.len();
        let field = u32::try_from(index).unwrap_or(u32::MAX);
        self.sink.spare.segments.push(Segment { field, start, end });
        Ok(())
    }

    fn scatter(&mut self) {
        if self.scattered.is_none() {
            self.sink.borrow_spare();
            let segments = self.sink.spare.segments.len();
            self.scattered = Some(Scattered { field: self.next, start: self.sink.out.len(), segments });
            self.next = usize::MAX;
        }
    }

    /// Writes the next member of a struct.
    #[inline]
    pub(crate) fn named_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        match self.shape.fields.get(self.next) {
            Some(field) if field.is(key) => {
                self.next += 1;
                match value.serialize(ValueSerializer { sink: self.sink, op: field.op }) {
                    Ok(()) => Ok(()),
                    Err(error) => Err(error.in_field(&field.name)),
                }
            }
            _ => {
                let index = self.find(key)?;
                self.field(index, |sink, field| value.serialize(ValueSerializer { sink, op: field.op }))
            }
        }
    }

    /// Leaves a field to its default.
    pub(crate) fn skip_named(&mut self, key: &'static str) -> Result<(), EncodeError> {
        let index = self.shape.find(key).map(|i| i as usize);
        match index.and_then(|i| self.shape.fields.get(i)) {
            Some(field) if index == Some(self.next) => {
                self.next += 1;
                put_default(&mut self.sink.out, field)
            }
            _ => Ok(()),
        }
    }

    /// Completes the record with defaults.
    #[inline]
    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        match self.scattered {
            Some(scattered) => self.gather(scattered)?,
            None if self.next < self.shape.fields.len() => {
                for field in self.shape.fields.get(self.next..).unwrap_or_default() {
                    put_default(&mut self.sink.out, field)?;
                }
                self.sink.leave();
            }
            None => self.sink.leave(),
        }
        Ok(())
    }

    /// Puts fields that came out of order into the schema's order.
    #[inline(never)]
    fn gather(self, scattered: Scattered) -> Result<(), EncodeError> {
        let Sink { out, spare, .. } = self.sink;
        let segments = spare.segments.get_mut(scattered.segments..).unwrap_or_default();
        segments.sort_unstable();
        spare.bytes.clear();
        let mut segments = segments.iter().peekable();
        for (index, field) in self.shape.fields.iter().enumerate().skip(scattered.field) {
            match segments.next_if(|s| s.field as usize == index) {
                Some(segment) => {
                    spare.bytes.extend_from_slice(out.get(segment.start..segment.end).unwrap_or_default());
                    if segments.next_if(|s| s.field as usize == index).is_some() {
                        return Err(duplicate(field));
                    }
                }
                None => put_default(&mut spare.bytes, field)?,
            }
        }
        out.truncate(scattered.start);
        out.extend_from_slice(&spare.bytes);
        spare.segments.truncate(scattered.segments);
        self.sink.leave();
        Ok(())
    }
}

impl Sink<'_> {
    /// A record of which nothing is given.
    pub(crate) fn empty_record(&mut self, record: u32) -> Result<(), EncodeError> {
        RecordWriter::new(self, record)?.finish()
    }
}

#[cold]
fn duplicate(field: &FieldShape) -> EncodeError {
    EncodeError::new(EncodeErrorKind::DuplicateField { name: field.name.to_string() })
}

fn put_default(out: &mut Vec<u8>, field: &FieldShape) -> Result<(), EncodeError> {
    match &field.default {
        Some(bytes) => {
            out.extend_from_slice(bytes);
            Ok(())
        }
        None => Err(EncodeError::new(EncodeErrorKind::MissingField { name: field.name.to_string() })),
    }
}
