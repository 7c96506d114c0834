//! The declaration of messages: `message!` for what a frame carries, `structure!` for what nests inside.
//!
//! ```text
//! message! {
//!     /// What it is for.
//!     NameRequest: key 12, versions 0..=4, flexible 4;
//!     group_id: String;                                     // every version
//!     instance: Option<String>, since 3;                    // from 3 on; an Option is nullable
//!     members: Vec<Member>, since 3, until 5;               // in 3, 4 and 5
//!     name: Option<String>, null 7;                         // always present, null allowed from 7 on
//!     epoch: i32, since 7, default -1;                      // value where the field is absent
//!     rack: Option<String>, since 9, tag 0;                 // tagged field, written only when not the default
//! }
//! ```
//!
//! Fields stand in wire order, tags ascend. The same declaration yields the structure, its `Default`, decoding and
//! encoding for every version. A field outside its versions keeps its default when decoding and is left out when encoding.

/// Expands to the given default or the type's own.
macro_rules! default_value {
    () => {
        Default::default()
    };
    ($default:expr) => {
        $default
    };
}

/// Expands to the given bound or the fallback before the semicolon.
macro_rules! bound_or {
    ($fallback:expr;) => {
        $fallback
    };
    ($fallback:expr; $bound:expr) => {
        $bound
    };
}

/// Declares a structure that nests inside messages; see the module head.
macro_rules! structure {
    (
        $(#[$meta:meta])*
        $name:ident;
        $(
            $field:ident: $ty:ty
            $(, since $since:literal)? $(, until $until:literal)? $(, null $null:literal)?
            $(, tag $tag:literal)? $(, default $default:expr)?;
        )*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("Field `", stringify!($field), "`"
                    $(, ", since version ", $since)? $(, ", until version ", $until)?
                    $(, ", nullable since version ", $null)? $(, ", tag ", $tag)? $(, ", default ", stringify!($default))?, ".")]
                pub $field: $ty,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: default_value!($($default)?),)* }
            }
        }

        impl $crate::protocol::primitives::Field for $name {
            fn decode(
                reader: &mut $crate::protocol::Reader,
                form: $crate::protocol::primitives::Form,
            ) -> Result<Self, $crate::protocol::DecodeError> {
                let mut value = Self::default();
                $(
                    if $crate::protocol::declare::here(
                        form, bound_or!(0; $($since)?), bound_or!(i16::MAX; $($until)?), bound_or!(-1; $($tag)?), -1,
                    ) {
                        let form = $crate::protocol::declare::field_form(form, bound_or!(0; $($null)?));
                        value.$field = $crate::protocol::primitives::Field::decode(reader, form)?;
                    }
                )*
                if form.flexible {
                    reader.tag_buffer(|_tag, _reader| {
                        $(
                            if $crate::protocol::declare::here(
                                form, bound_or!(0; $($since)?), bound_or!(i16::MAX; $($until)?),
                                bound_or!(-1; $($tag)?), i64::from(_tag),
                            ) {
                                let form = $crate::protocol::declare::field_form(form, bound_or!(0; $($null)?));
                                value.$field = $crate::protocol::primitives::Field::decode(_reader, form)?;
                            }
                        )*
                        Ok(())
                    })?;
                }
                Ok(value)
            }

            fn encode(
                &self,
                writer: &mut $crate::protocol::Writer,
                form: $crate::protocol::primitives::Form,
            ) {
                $(
                    if $crate::protocol::declare::here(
                        form, bound_or!(0; $($since)?), bound_or!(i16::MAX; $($until)?), bound_or!(-1; $($tag)?), -1,
                    ) {
                        let form = $crate::protocol::declare::field_form(form, bound_or!(0; $($null)?));
                        $crate::protocol::primitives::Field::encode(&self.$field, writer, form);
                    }
                )*
                if form.flexible {
                    let count = 0_u32 $(
                        + u32::from($crate::protocol::declare::written_tag(
                            form, bound_or!(0; $($since)?), bound_or!(i16::MAX; $($until)?), bound_or!(-1; $($tag)?),
                            || { let default: $ty = default_value!($($default)?); $crate::protocol::declare::differs(&self.$field, &default) },
                        ))
                    )*;
                    writer.unsigned_varint(count);
                    if count > 0 {
                        $(
                            if $crate::protocol::declare::written_tag(
                                form, bound_or!(0; $($since)?), bound_or!(i16::MAX; $($until)?), bound_or!(-1; $($tag)?),
                                || { let default: $ty = default_value!($($default)?); $crate::protocol::declare::differs(&self.$field, &default) },
                            ) {
                                let tag = bound_or!(0; $($tag)?);
                                let form = $crate::protocol::declare::field_form(form, bound_or!(0; $($null)?));
                                writer.tagged(tag, |writer| {
                                    $crate::protocol::primitives::Field::encode(&self.$field, writer, form);
                                });
                            }
                        )*
                    }
                }
            }
        }

        impl $crate::protocol::primitives::Nullable for $name {
            fn decode_nullable(
                reader: &mut $crate::protocol::Reader,
                form: $crate::protocol::primitives::Form,
            ) -> Result<Option<Self>, $crate::protocol::DecodeError> {
                if $crate::protocol::primitives::presence(reader)? {
                    $crate::protocol::primitives::Field::decode(reader, form).map(Some)
                } else {
                    Ok(None)
                }
            }

            fn encode_null(
                writer: &mut $crate::protocol::Writer,
                form: $crate::protocol::primitives::Form,
            ) {
                $crate::protocol::primitives::Field::encode(&-1_i8, writer, form);
            }

            fn encode_present(
                &self,
                writer: &mut $crate::protocol::Writer,
                form: $crate::protocol::primitives::Form,
            ) {
                $crate::protocol::primitives::Field::encode(&1_i8, writer, form);
                $crate::protocol::primitives::Field::encode(self, writer, form);
            }
        }

        #[cfg(test)]
        impl $crate::protocol::arbitrary::Arbitrary for $name {
            fn arbitrary(
                random: &mut $crate::protocol::arbitrary::Random,
                form: $crate::protocol::primitives::Form,
            ) -> Self {
                let mut value = Self::default();
                $(
                    if $crate::protocol::declare::here(
                        form, bound_or!(0; $($since)?), bound_or!(i16::MAX; $($until)?), -1, -1,
                    ) {
                        let form = $crate::protocol::declare::field_form(form, bound_or!(0; $($null)?));
                        value.$field = $crate::protocol::arbitrary::Arbitrary::arbitrary(random, form);
                    }
                )*
                let _ = (&random, form);
                value
            }
        }
    };
}

/// Declares a message; see the module head.
macro_rules! message {
    (
        $(#[$meta:meta])*
        $name:ident: key $key:literal, versions $low:literal..=$high:literal, flexible $flexible:expr;
        $($fields:tt)*
    ) => {
        structure! { $(#[$meta])* $name; $($fields)* }

        impl $crate::protocol::Message for $name {
            const NAME: &'static str = stringify!($name);
            const KEY: i16 = $key;
            const VERSION_MIN: i16 = $low;
            const VERSION_MAX: i16 = $high;
            const FLEXIBLE_SINCE: i16 = $flexible;
        }
    };
}

/// A message that no version makes flexible.
pub(crate) const NEVER: i16 = i16::MAX;

use super::primitives::Form;

/// Whether a field declared for `since..=until` with `tag` (-1: none) stands at `position` (-1: the plain fields,
/// otherwise a tag number).
#[inline]
pub(crate) const fn here(form: Form, since: i16, until: i16, tag: i64, position: i64) -> bool {
    tag == position && form.version >= since && form.version <= until
}

/// The form of one field: null is allowed from version `null_since` on.
#[inline]
pub(crate) const fn field_form(form: Form, null_since: i16) -> Form {
    Form { version: form.version, flexible: form.flexible, nullable: form.version >= null_since }
}

/// Whether a field has another value than its default.
pub(crate) fn differs<T: PartialEq>(value: &T, default: &T) -> bool {
    value != default
}

/// Whether a tagged field is written: it exists in this version and differs from its default.
#[inline]
pub(crate) fn written_tag(
    form: Form,
    since: i16,
    until: i16,
    tag: i64,
    differs: impl FnOnce() -> bool,
) -> bool {
    tag >= 0 && form.version >= since && form.version <= until && differs()
}

pub(crate) use {bound_or, default_value, message, structure};
