//! Random messages for the codec's tests: every field that exists in a version gets a random value, every other
//! keeps its default.

#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "random bits")]

use bytes::Bytes;
use uuid::Uuid;

use super::primitives::{Form, Nullable};
use super::records::Records;

/// A small deterministic generator (splitmix64).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> usize {
        (self.next() % bound) as usize
    }
}

/// A value as a peer of this version could send it.
pub(crate) trait Arbitrary: Sized {
    fn arbitrary(random: &mut Random, form: Form) -> Self;
}

macro_rules! numbers {
    ($($ty:ty)*) => {$(
        impl Arbitrary for $ty {
            fn arbitrary(random: &mut Random, _: Form) -> Self {
                match random.below(6) {
                    0 => 0,
                    1 => !0,
                    2 => <$ty>::MAX,
                    3 => <$ty>::MIN,
                    _ => random.next() as $ty,
                }
            }
        }
    )*};
}

numbers! { i8 i16 u16 i32 i64 }

impl Arbitrary for f64 {
    fn arbitrary(random: &mut Random, form: Form) -> Self {
        i32::arbitrary(random, form).into()
    }
}

impl Arbitrary for bool {
    fn arbitrary(random: &mut Random, _: Form) -> Self {
        random.below(2) == 1
    }
}

impl Arbitrary for Uuid {
    fn arbitrary(random: &mut Random, _: Form) -> Self {
        Uuid::from_u64_pair(random.next(), random.next())
    }
}

impl Arbitrary for String {
    fn arbitrary(random: &mut Random, _: Form) -> Self {
        let length = if random.below(20) == 0 { 300 } else { random.below(6) };
        (0..length).map(|_| ['a', 'Z', '-', 'é', '語', '\u{1f980}'][random.below(6)]).collect()
    }
}

impl Arbitrary for Bytes {
    fn arbitrary(random: &mut Random, _: Form) -> Self {
        let length = random.below(40);
        (0..length).map(|_| random.next() as u8).collect()
    }
}

impl Arbitrary for Records {
    fn arbitrary(random: &mut Random, _: Form) -> Self {
        let length = if random.below(4) == 0 { 1024 + random.below(1000) } else { random.below(40) };
        Records::from((0..length).map(|_| random.next() as u8).collect::<Bytes>())
    }
}

impl<T: Arbitrary> Arbitrary for Vec<T> {
    fn arbitrary(random: &mut Random, form: Form) -> Self {
        (0..random.below(4)).map(|_| T::arbitrary(random, Form { nullable: false, ..form })).collect()
    }
}

impl<T: Arbitrary + Nullable> Arbitrary for Option<T> {
    fn arbitrary(random: &mut Random, form: Form) -> Self {
        (!form.nullable || random.below(4) > 0).then(|| T::arbitrary(random, form))
    }
}
