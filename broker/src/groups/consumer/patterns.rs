//! Subscriptions by pattern: which topics match, looked up again from time to time.
//!
//! A pattern is looked up for all members that have it when one of them says something, and matches what that one may
//! describe.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalog, Heartbeat, Registered};
use crate::authorizer::{Operation, ResourceType};
use crate::groups::Pattern;
use crate::groups::state::Moment;

/// How long a look at the topics holds.
const FRESH_MS: u64 = 1000;

/// A pattern and what it matched last.
#[derive(Debug)]
struct Resolved {
    pattern: Pattern,
    topics: BTreeSet<String>,
    until: u64,
}

/// The patterns of a group's members.
#[derive(Debug, Default)]
pub(super) struct Patterns(BTreeMap<String, Resolved>);

impl Patterns {
    /// Brings the pattern of the member that `beat` is of up to date, for every member that has it; true when matches changed.
    pub(super) fn resolve(
        &mut self,
        members: &mut BTreeMap<String, Registered>,
        beat: &Heartbeat,
        catalog: &dyn Catalog,
        now: Moment,
    ) -> bool {
        let own = members.get(&beat.member_id).and_then(|member| member.pattern.clone());
        let visible = |name: &str| beat.access.allows(Operation::Describe, ResourceType::Topic, name);
        let wanted: BTreeSet<String> = members.values().filter_map(|member| member.pattern.clone()).collect();
        self.0.retain(|pattern, _| wanted.contains(pattern));
        for text in wanted {
            let is_own = own.as_ref() == Some(&text);
            if self.0.get(&text).is_some_and(|resolved| !is_own || now.tick_ms < resolved.until) {
                continue;
            }
            let pattern = match self.0.remove(&text) {
                Some(resolved) => resolved.pattern,
                // One that a newer version stored and this one does not understand matches nothing.
                None => match Pattern::new(&text) {
                    Ok(pattern) => pattern,
                    Err(_) => continue,
                },
            };
            let matching = catalog.names().into_iter().filter(|name| pattern.matches(name));
            // After a start the others' have matched nothing yet: what they match anew holds until they say something.
            let topics = matching.filter(|name| !is_own || visible(name)).collect();
            let until = if is_own { now.tick_ms.saturating_add(FRESH_MS) } else { 0 };
            self.0.insert(text, Resolved { pattern, topics, until });
        }
        let mut changed = false;
        for member in members.values_mut() {
            let matched = member.pattern.as_ref().and_then(|pattern| self.0.get(pattern));
            let same = match matched {
                Some(resolved) => member.matched == resolved.topics,
                None => member.matched.is_empty(),
            };
            if !same {
                member.matched = matched.map(|resolved| resolved.topics.clone()).unwrap_or_default();
                changed = true;
            }
        }
        changed
    }
}
