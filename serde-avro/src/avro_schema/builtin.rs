//! Types of the standard library, and of crates with logical types.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{AvroSchema, Definitions};

macro_rules! words {
    ($($word:literal: $($of:ty),+;)*) => {$($(
        impl AvroSchema for $of {
            fn describe(_: &mut Definitions) -> Value {
                $word.into()
            }
        }
    )+)*};
}

words! {
    "null": ();
    "boolean": bool;
    "int": i8, i16, i32, u8, u16;
    "long": i64, u32, u64, isize, usize;
    "float": f32;
    "double": f64;
    "string": str, String, char;
}

macro_rules! same {
    ($($of:ty),*) => {$(
        impl<T: AvroSchema + ?Sized> AvroSchema for $of {
            fn describe(definitions: &mut Definitions) -> Value {
                T::describe(definitions)
            }
        }
    )*};
}

same!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: AvroSchema + ToOwned + ?Sized> AvroSchema for Cow<'_, T> {
    fn describe(definitions: &mut Definitions) -> Value {
        T::describe(definitions)
    }
}

impl<T: AvroSchema> AvroSchema for Option<T> {
    fn describe(definitions: &mut Definitions) -> Value {
        let of = T::describe(definitions);
        definitions.optional(of)
    }
}

fn array<T: AvroSchema>(definitions: &mut Definitions) -> Value {
    json!({"type": "array", "items": T::describe(definitions)})
}

macro_rules! arrays {
    ($([$($parameters:tt)*] $of:ty;)*) => {$(
        impl<T: AvroSchema, $($parameters)*> AvroSchema for $of {
            fn describe(definitions: &mut Definitions) -> Value {
                array::<T>(definitions)
            }
        }
    )*};
}

arrays! {
    [] [T];
    [const N: usize] [T; N];
    [] Vec<T>;
    [] VecDeque<T>;
    [] LinkedList<T>;
    [] BTreeSet<T>;
    [S] HashSet<T, S>;
}

/// Tuples of one type; those of several have no Avro form.
macro_rules! tuples {
    ($($of:ty),*) => {$(
        impl<T: AvroSchema> AvroSchema for $of {
            fn describe(definitions: &mut Definitions) -> Value {
                array::<T>(definitions)
            }
        }
    )*};
}

tuples!((T, T), (T, T, T), (T, T, T, T));

/// What can be the key of a map: text.
pub trait MapKey {}

impl MapKey for String {}
impl MapKey for str {}
impl MapKey for char {}
impl<T: MapKey + ?Sized> MapKey for &T {}
impl<T: MapKey + ?Sized> MapKey for Box<T> {}
impl<T: MapKey + ?Sized> MapKey for Arc<T> {}
impl<T: MapKey + ?Sized> MapKey for Rc<T> {}
impl<T: MapKey + ToOwned + ?Sized> MapKey for Cow<'_, T> {}

impl<K: MapKey, V: AvroSchema> AvroSchema for BTreeMap<K, V> {
    fn describe(definitions: &mut Definitions) -> Value {
        json!({"type": "map", "values": V::describe(definitions)})
    }
}

impl<K: MapKey, V: AvroSchema, S> AvroSchema for HashMap<K, V, S> {
    fn describe(definitions: &mut Definitions) -> Value {
        json!({"type": "map", "values": V::describe(definitions)})
    }
}

#[cfg(any(feature = "chrono", feature = "jiff", feature = "uuid", feature = "bigdecimal"))]
macro_rules! logical {
    ($($name:literal: $of:ty;)*) => {$(
        impl AvroSchema for $of {
            fn describe(definitions: &mut Definitions) -> Value {
                definitions.logical($name, None, None)
            }
        }
    )*};
}

#[cfg(feature = "chrono")]
logical! {
    "date": chrono::NaiveDate;
    "time-micros": chrono::NaiveTime;
    "timestamp-micros": chrono::DateTime<chrono::Utc>;
    "local-timestamp-micros": chrono::NaiveDateTime;
}

#[cfg(feature = "jiff")]
logical! {
    "date": jiff::civil::Date;
    "time-micros": jiff::civil::Time;
    "timestamp-micros": jiff::Timestamp;
    "local-timestamp-micros": jiff::civil::DateTime;
}

#[cfg(feature = "uuid")]
logical! {
    "uuid": uuid::Uuid;
}

#[cfg(feature = "bigdecimal")]
logical! {
    "big-decimal": bigdecimal::BigDecimal;
}
