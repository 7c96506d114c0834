//! Subscriptions by pattern: which topics match, looked up again from time to time.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalog, Registered};
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
    /// Brings every member's matches up to date; true when any changed.
    pub(super) fn resolve(
        &mut self,
        members: &mut BTreeMap<String, Registered>,
        catalog: &dyn Catalog,
        now: Moment,
    ) -> bool {
        let wanted: BTreeSet<String> = members.values().filter_map(|member| member.pattern.clone()).collect();
        self.0.retain(|pattern, _| wanted.contains(pattern));
        for text in wanted {
            if self.0.get(&text).is_some_and(|resolved| now.tick_ms < resolved.until) {
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
            let topics = catalog.names().into_iter().filter(|name| pattern.matches(name)).collect();
            let until = now.tick_ms.saturating_add(FRESH_MS);
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
