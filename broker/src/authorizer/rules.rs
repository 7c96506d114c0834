//! Rules indexed by what they name.

use std::collections::{BTreeSet, HashMap};

use super::Verdict;
use super::acl::{Acl, Operation, PatternType, Permission, ResourceType, WILDCARD};

/// An immutable set of rules.
#[derive(Debug, Default)]
pub(super) struct Rules {
    all: BTreeSet<Acl>,
    literal: HashMap<ResourceType, HashMap<String, Vec<Acl>>>,
    prefixed: HashMap<ResourceType, HashMap<String, Vec<Acl>>>,
    /// Lengths of prefixes, in bytes.
    lengths: BTreeSet<usize>,
}

impl Rules {
    pub(super) fn new(all: BTreeSet<Acl>) -> Self {
        let mut rules = Self::default();
        for acl in &all {
            let index = if acl.pattern == PatternType::Prefixed {
                rules.lengths.insert(acl.name.len());
                &mut rules.prefixed
            } else {
                &mut rules.literal
            };
            let named = index.entry(acl.resource_type).or_default();
            named.entry(acl.name.clone()).or_default().push(acl.clone());
        }
        Self { all, ..rules }
    }

    pub(super) fn all(&self) -> &BTreeSet<Acl> {
        &self.all
    }

    /// Every rule that names the resource.
    fn naming<'a>(&'a self, resource_type: ResourceType, name: &'a str) -> impl Iterator<Item = &'a Acl> {
        let literal = self.literal.get(&resource_type);
        let prefixed = self.prefixed.get(&resource_type);
        let everything = (name != WILDCARD).then_some(WILDCARD);
        let literal =
            [Some(name), everything].into_iter().flatten().filter_map(move |name| literal?.get(name));
        let lengths = self.lengths.range(..=name.len());
        let prefixed = lengths.filter_map(move |length| prefixed?.get(name.get(..*length)?));
        literal.chain(prefixed).flatten()
    }

    /// The verdict of the rules that name the resource; `None` when none does.
    pub(super) fn judge(
        &self,
        principal: &str,
        host: &str,
        operation: Operation,
        resource_type: ResourceType,
        name: &str,
    ) -> Option<Verdict> {
        let (mut named, mut allowed) = (false, false);
        for acl in self.naming(resource_type, name) {
            named = true;
            if !is_about(acl, principal, host) {
                continue;
            }
            if acl.permission == Permission::Deny && is_or_all(acl.operation, operation) {
                return Some(Verdict::Denied);
            }
            allowed |= acl.permission == Permission::Allow && implies(acl.operation, operation);
        }
        match (named, allowed) {
            (false, _) => None,
            (true, true) => Some(Verdict::Allowed),
            (true, false) => Some(Verdict::Denied),
        }
    }

    /// Whether some resource of the type is allowed: an allowance that no denial covers whole.
    pub(super) fn judge_any(
        &self,
        principal: &str,
        host: &str,
        operation: Operation,
        resource_type: ResourceType,
        otherwise: Verdict,
    ) -> Verdict {
        let of_type = || {
            self.all.iter().filter(|acl| acl.resource_type == resource_type && is_about(acl, principal, host))
        };
        let denials: Vec<&Acl> = of_type()
            .filter(|acl| acl.permission == Permission::Deny && is_or_all(acl.operation, operation))
            .collect();
        let is_everything = |acl: &Acl| acl.pattern == PatternType::Literal && acl.name == WILDCARD;
        if denials.iter().any(|denial| is_everything(denial)) {
            return Verdict::Denied;
        }
        let covered = |allowance: &Acl| {
            denials.iter().any(|denial| match denial.pattern {
                PatternType::Prefixed => {
                    !is_everything(allowance) && allowance.name.starts_with(&denial.name)
                }
                _ => allowance.pattern == PatternType::Literal && denial.name == allowance.name,
            })
        };
        let found = of_type()
            .filter(|acl| acl.permission == Permission::Allow && implies(acl.operation, operation))
            .any(|allowance| !covered(allowance));
        if found { Verdict::Allowed } else { otherwise }
    }
}

fn is_about(acl: &Acl, principal: &str, host: &str) -> bool {
    (acl.principal == principal || acl.principal == "User:*") && (acl.host == WILDCARD || acl.host == host)
}

fn is_or_all(ruled: Operation, asked: Operation) -> bool {
    ruled == Operation::All || ruled == asked
}

/// Whether an allowance of `ruled` is one of `asked` too.
fn implies(ruled: Operation, asked: Operation) -> bool {
    use Operation::{Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    is_or_all(ruled, asked)
        || match asked {
            Describe => matches!(ruled, Read | Write | Delete | Alter),
            DescribeConfigs => ruled == AlterConfigs,
            _ => false,
        }
}
