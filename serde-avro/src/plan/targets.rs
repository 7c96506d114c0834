//! Which structs take a record's fields one after the other, without their names.

use std::any::type_name;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::program::Step;

/// What is known about the structs that a record was read into.
///
/// The fields of a static list never change, so a list is known by its address, and a visitor by the address of its
/// type's name. Races only cost a second comparison: each fact holds on its own.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// Fields that a struct is given: all steps but the skipped ones.
    given: usize,
    /// The list of names last found equal to the record's.
    fields: AtomicUsize,
    /// The visitor last found to be derived.
    visitor: AtomicUsize,
    /// The list and the visitor last refused.
    refused: AtomicUsize,
}

impl Targets {
    pub(crate) fn of(steps: &[Step]) -> Self {
        let given = steps.iter().filter(|step| name(step).is_some()).count();
        Self { given, ..Self::default() }
    }

    /// Whether a visitor takes the record's fields as a sequence: serde derived it, and its struct has exactly the
    /// record's fields in this order.
    ///
    /// A derived visitor accepts a sequence of its fields as well as a map, and then needs neither their names nor
    /// the bookkeeping for fields that are missing or come twice. One written by hand may accept maps only, so those
    /// get a map. The name of the visitor's type is what tells them apart; it decides about speed alone, because a
    /// derived visitor gives the same value either way. Where an alias makes two names of the list one field, the
    /// struct takes fewer values than there are names, which the caller checks.
    #[inline]
    pub(crate) fn take_in_order<V>(&self, steps: &[Step], fields: &'static [&'static str]) -> bool {
        let visitor = type_name::<V>();
        (self.visitor.load(Ordering::Relaxed) == visitor.as_ptr().addr()
            && self.fields.load(Ordering::Relaxed) == fields.as_ptr().addr()
            && self.given == fields.len())
            || self.compare(steps, fields, visitor)
    }

    #[inline(never)]
    fn compare(&self, steps: &[Step], fields: &'static [&'static str], visitor: &'static str) -> bool {
        let (list, visitor_at) = (fields.as_ptr().addr(), visitor.as_ptr().addr());
        let both = list ^ visitor_at.rotate_left(1);
        if fields.len() != self.given || self.refused.load(Ordering::Relaxed) == both {
            return false;
        }
        if !is_derived(visitor) || !steps.iter().filter_map(name).eq(fields.iter().copied()) {
            self.refused.store(both, Ordering::Relaxed);
            return false;
        }
        self.fields.store(list, Ordering::Relaxed);
        self.visitor.store(visitor_at, Ordering::Relaxed);
        true
    }
}

/// Whether a visitor has the name that serde's derive gives.
fn is_derived(visitor: &str) -> bool {
    let path = match (visitor.strip_suffix('>'), visitor.find("::__Visitor<")) {
        // the type's own parameters, which may name other visitors
        (Some(_), Some(at)) => visitor.get(..at + "::__Visitor".len()).unwrap_or_default(),
        _ => visitor,
    };
    // inside the brackets of another type it is only a parameter
    let balanced = path.matches('<').count() == path.matches('>').count();
    path.ends_with("::__Visitor") && path.contains(">::deserialize::") && balanced
}

fn name(step: &Step) -> Option<&str> {
    match step {
        Step::Read { name, .. } | Step::Default { name, .. } => Some(name),
        Step::Skip { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_visitors_are_known_by_name() {
        for (path, derived) in [
            ("shop::_::<impl serde_core::de::Deserialize for shop::Order>::deserialize::__Visitor", true),
            (
                "shop::_::<impl serde_core::de::Deserialize for shop::Page<T>>::deserialize::__Visitor<i32>",
                true,
            ),
            ("shop::<impl serde_core::de::Deserialize for shop::Order>::deserialize::OrderVisitor", false),
            (
                "wrap::Wrap<shop::_::<impl serde_core::de::Deserialize for shop::Order>::deserialize::__Visitor>",
                false,
            ),
            ("wrap::Wrap<a::<impl D for a::P<T>>::deserialize::__Visitor<i32>>", false),
            ("shop::__Visitor", false),
        ] {
            assert_eq!(is_derived(path), derived, "{path}");
        }
    }
}
