//! Rules that a schema carries and this crate cannot run.
//!
//! A rule may encrypt a field or check a value; passing over it could write data that its owner wants protected. So a
//! schema with an enabled rule for the current direction is refused, unless the configuration says otherwise.

use assay_schema_core::{Rule, RuleMode};

use super::RegisteredSchema;
use crate::error::Error;

/// What a schema is about to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Writing records with it.
    Write,
    /// Reading records that were written with it.
    ReadWriter,
    /// Reading records of other versions as it describes them.
    ReadReader,
}

impl RegisteredSchema {
    /// Refuses a schema that has rules for this use.
    pub(crate) fn refuse_rules(&self, purpose: Use) -> Result<(), Error> {
        let Some(rules) = &self.rule_set else { return Ok(()) };
        let direction = match purpose {
            Use::Write => RuleMode::Write,
            Use::ReadWriter | Use::ReadReader => RuleMode::Read,
        };
        let both = rules.domain_rules.iter().chain(&rules.encoding_rules);
        let rule =
            both.filter(|rule| rule.mode == direction || rule.mode == RuleMode::WriteRead).find(enabled);
        let migration = || match purpose {
            Use::ReadReader => rules.migration_rules.iter().find(enabled),
            Use::Write | Use::ReadWriter => None,
        };
        match rule.or_else(migration) {
            None => Ok(()),
            Some(rule) => Err(Error::UnsupportedRule {
                subject: self.subject.clone().unwrap_or_default(),
                rule: rule.name.clone().unwrap_or_default(),
                rule_type: rule.rule_type.clone().unwrap_or_default(),
            }),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that Iterator::find asks for")]
fn enabled(rule: &&Rule) -> bool {
    !rule.disabled
}
