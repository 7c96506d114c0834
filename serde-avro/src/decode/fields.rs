//! serde's access to the fields of a record.
#![expect(
    clippy::inline_always,
    reason = "measured: results that stay in registers save a tenth of a decode"
)]

use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};

use crate::plan::cursor::Cursor;
use crate::plan::program::{Read, RecordRead, Step, Tables};
use crate::plan::{DecodeError, DecodeErrorKind};
use crate::validate::skip;

use super::deserializer::{Input, Lend, Passing, ValueDeserializer};

/// The fields of a record: the reader's, in the writer's order, then the reader's defaults.
pub(super) struct RecordFields<'a, 't, 'b, L> {
    input: &'a mut Input<'t, 'b>,
    steps: std::slice::Iter<'t, Step>,
    current: Option<&'t Step>,
    lend: PhantomData<L>,
}

impl<'a, 't, 'b, L> RecordFields<'a, 't, 'b, L> {
    #[inline]
    pub(super) fn new(input: &'a mut Input<'t, 'b>, record: u32) -> Self {
        let steps = input.tables.record_read(record).steps.iter();
        Self { input, steps, current: None, lend: PhantomData }
    }

    /// Steps over what the target left.
    #[inline]
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        for step in self.steps {
            step_over(self.input.tables, &mut self.input.cursor, step)?;
        }
        self.input.cursor.leave();
        Ok(())
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> MapAccess<'de> for &mut RecordFields<'_, '_, 'b, L> {
    type Error = DecodeError;

    #[inline(always)]
    fn next_key<K: Deserialize<'de>>(&mut self) -> Result<Option<K>, DecodeError> {
        self.next_key_seed(PhantomData)
    }

    #[inline(always)]
    fn next_value<V: Deserialize<'de>>(&mut self) -> Result<V, DecodeError> {
        self.next_value_seed(PhantomData)
    }

    #[inline(always)]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        loop {
            let step = self.steps.next();
            self.current = step;
            return match step {
                Some(Step::Read { name, .. } | Step::Default { name, .. }) => {
                    let key: StrDeserializer<'_, DecodeError> = (&**name).into_deserializer();
                    match seed.deserialize(key) {
                        Ok(key) => Ok(Some(key)),
                        Err(error) => Err(located_in_field(error, &self.input.cursor, name)),
                    }
                }
                Some(step @ Step::Skip { .. }) => {
                    step_over(self.input.tables, &mut self.input.cursor, step)?;
                    continue;
                }
                None => Ok(None),
            };
        }
    }

    #[inline(always)]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        match self.current {
            Some(Step::Read { name, read, .. }) => {
                match seed.deserialize(ValueDeserializer::<L>::new(self.input, *read)) {
                    Ok(value) => Ok(value),
                    Err(error) => Err(located_in_field(error, &self.input.cursor, name)),
                }
            }
            Some(Step::Default { name, read, bytes, .. }) => {
                default_value(self.input, seed, name, *read, bytes)
            }
            Some(Step::Skip { .. }) | None => {
                let message = "a value was asked for before its key".to_owned();
                Err(self.input.cursor.fault(DecodeErrorKind::Refused { message }))
            }
        }
    }
}

/// The fields of a record for a struct that has exactly these, in this order: no names needed.
pub(super) struct FieldsInOrder<'a, 't, 'b, L> {
    input: &'a mut Input<'t, 'b>,
    steps: std::slice::Iter<'t, Step>,
    lend: PhantomData<L>,
}

impl<'a, 't, 'b, L> FieldsInOrder<'a, 't, 'b, L> {
    #[inline]
    pub(super) fn new(input: &'a mut Input<'t, 'b>, record: &'t RecordRead) -> Self {
        Self { input, steps: record.steps.iter(), lend: PhantomData }
    }

    /// Steps over what no field of the reader takes.
    #[inline]
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        for step in self.steps {
            if let Step::Read { name, .. } | Step::Default { name, .. } = step {
                let message = format!("field {name} and another one have the same place in the target");
                return Err(self.input.cursor.fault(DecodeErrorKind::Refused { message }));
            }
            step_over(self.input.tables, &mut self.input.cursor, step)?;
        }
        self.input.cursor.leave();
        Ok(())
    }
}

impl<'b, 'de, L: Lend<'b, 'de>> SeqAccess<'de> for &mut FieldsInOrder<'_, '_, 'b, L> {
    type Error = DecodeError;

    #[inline(always)]
    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, DecodeError> {
        self.next_element_seed(PhantomData)
    }

    #[inline(always)]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        loop {
            let value = match self.steps.next() {
                Some(Step::Read { name, read, .. }) => {
                    match seed.deserialize(ValueDeserializer::<L>::new(self.input, *read)) {
                        Ok(value) => value,
                        Err(error) => return Err(located_in_field(error, &self.input.cursor, name)),
                    }
                }
                Some(Step::Default { name, read, bytes, .. }) => {
                    default_value(self.input, seed, name, *read, bytes)?
                }
                Some(step @ Step::Skip { .. }) => {
                    step_over(self.input.tables, &mut self.input.cursor, step)?;
                    continue;
                }
                None => return Ok(None),
            };
            return Ok(Some(value));
        }
    }
}

#[inline(never)]
fn default_value<'de, S: DeserializeSeed<'de>>(
    input: &mut Input<'_, '_>,
    seed: S,
    name: &str,
    read: Read,
    bytes: &[u8],
) -> Result<S::Value, DecodeError> {
    input.cursor.charge(64 + 32 * bytes.len() as u64)?;
    let mut input = Input { tables: input.tables, cursor: input.cursor.over(bytes) };
    match seed.deserialize(ValueDeserializer::<Passing>::new(&mut input, read)) {
        Ok(value) => Ok(value),
        Err(error) => Err(unborrowed(error).without_offset().in_field(name)),
    }
}

/// Says why a default was refused by a target that borrows: the text lies in the plan, which the value may outlive.
#[cold]
fn unborrowed(error: DecodeError) -> DecodeError {
    let offset = error.offset().unwrap_or_default();
    match error.kind() {
        DecodeErrorKind::Refused { message } if message.contains("expected a borrowed") => {
            let message =
                format!("{message}: this is the reader's default, which only a target that owns it takes");
            DecodeError::new(DecodeErrorKind::Refused { message }, offset)
        }
        _ => error,
    }
}

fn step_over(tables: &Tables, cursor: &mut Cursor<'_>, step: &Step) -> Result<(), DecodeError> {
    let (name, wire) = match step {
        Step::Read { name, read, .. } => (name, tables.wire(*read)),
        Step::Skip { name, wire } => (name, *wire),
        Step::Default { .. } => return Ok(()),
    };
    skip(tables, cursor, wire).map_err(|e| e.in_field(name))
}

#[cold]
#[inline(never)]
fn located_in_field(error: DecodeError, cursor: &Cursor<'_>, name: &str) -> DecodeError {
    error.located(cursor.offset()).in_field(name)
}
