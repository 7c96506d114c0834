//! What a request for associations says, and the rules it must meet on its own.

use super::super::error::RegistryError;
use super::super::input::SchemaInput;
use super::Write;

/// The only resource type.
pub const RESOURCE_TYPE: &str = "topic";
/// Longest resource name and namespace, characters.
const NAME_LENGTH_MAX: usize = 256;

/// Longest resource id, bytes: it is part of index keys.
const ID_BYTES_MAX: usize = 1024;

/// Who owns a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// The topic.
    Strong,
    /// Nobody in particular.
    Weak,
}

impl Lifecycle {
    /// `STRONG` or `WEAK`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "STRONG",
            Self::Weak => "WEAK",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Strong, Self::Weak].into_iter().find(|lifecycle| lifecycle.as_str() == text)
    }

    /// Whether such an association is frozen.
    pub(super) const fn is_frozen(self) -> bool {
        matches!(self, Self::Strong)
    }
}

/// The associations to make for a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssociationRequest {
    /// Name of the resource.
    pub resource_name: String,
    /// Where the name is unique.
    pub resource_namespace: String,
    /// Id of the resource; a dry run may not know it yet.
    pub resource_id: Option<String>,
    /// `topic`, or empty for it.
    pub resource_type: String,
    /// One for each type.
    pub associations: Vec<AssociationInput>,
}

/// One association to make.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssociationInput {
    /// The subject; the default subject of the resource when a STRONG one leaves it out.
    pub subject: Option<String>,
    /// `key` or `value`; `value` when empty.
    pub association_type: String,
    /// STRONG with a schema, else WEAK, when left out.
    pub lifecycle: Option<Lifecycle>,
    /// Follows the lifecycle; may only confirm it.
    pub frozen: Option<bool>,
    /// The first schema of a subject that the topic owns.
    pub schema: Option<SchemaInput>,
    /// Whether the schema is stored in its normal form.
    pub normalize: bool,
}

pub(super) fn invalid(property: &'static str, detail: impl Into<String>) -> RegistryError {
    RegistryError::InvalidAssociation { property, detail: detail.into() }
}

/// Settles an association type: `key`, `value`, or empty for `value`.
///
/// # Errors
/// 42212 for any other.
pub fn association_type(text: &str) -> Result<&'static str, RegistryError> {
    match text {
        "" | "value" => Ok("value"),
        "key" => Ok("key"),
        _ => Err(invalid("associationType", "must be either 'key' or 'value'")),
    }
}

fn check_name(name: &str, property: &'static str) -> Result<(), RegistryError> {
    if name.is_empty() {
        return Err(invalid(property, "cannot be null or empty"));
    }
    if name.chars().count() > NAME_LENGTH_MAX {
        return Err(invalid(property, format!("exceeds max length of {NAME_LENGTH_MAX}")));
    }
    match name.chars().find(|character| !(character.is_alphanumeric() || matches!(character, '_' | '-'))) {
        Some(character) => Err(invalid(property, format!("illegal character '{character}'"))),
        None => Ok(()),
    }
}

impl AssociationRequest {
    /// The subject that the topic owns.
    pub(super) fn default_subject(&self, association_type: &str) -> String {
        format!(":.{}:{}-{association_type}", self.resource_namespace, self.resource_name)
    }

    /// Fills in defaults and checks everything that needs no look at what is stored.
    pub(super) fn check(&mut self, write: Write, dry_run: bool) -> Result<(), RegistryError> {
        check_name(&self.resource_name, "resourceName")?;
        check_name(&self.resource_namespace, "resourceNamespace")?;
        self.resource_id = self.resource_id.take().filter(|id| !id.is_empty());
        match &self.resource_id {
            None if dry_run => {}
            None => return Err(invalid("resourceId", "cannot be null or empty")),
            Some(id) if id.len() > ID_BYTES_MAX => {
                return Err(invalid("resourceId", format!("exceeds max length of {ID_BYTES_MAX}")));
            }
            Some(id) if id.chars().any(char::is_control) => {
                return Err(invalid("resourceId", "illegal control character"));
            }
            Some(_) => {}
        }
        if self.resource_type.is_empty() {
            RESOURCE_TYPE.clone_into(&mut self.resource_type);
        }
        if self.resource_type != RESOURCE_TYPE {
            return Err(invalid("resourceType", format!("must be '{RESOURCE_TYPE}'")));
        }
        if self.associations.is_empty() {
            return Err(invalid("associations", "cannot be null or empty"));
        }
        let mut inputs = std::mem::take(&mut self.associations);
        for input in &mut inputs {
            input.check(write)?;
            if write == Write::Create {
                self.check_subject(input)?;
            }
        }
        for (index, input) in inputs.iter().enumerate() {
            let (name, before) = (&input.association_type, inputs.get(..index).unwrap_or_default());
            if before.iter().any(|other| other.association_type == *name) {
                let detail = format!("may only appear once per request, but '{name}' appears more than once");
                return Err(invalid("associationType", detail));
            }
        }
        self.associations = inputs;
        Ok(())
    }

    fn check_subject(&self, input: &mut AssociationInput) -> Result<(), RegistryError> {
        let default = self.default_subject(&input.association_type);
        let subject = input.subject.get_or_insert_with(|| default.clone());
        if input.frozen == Some(true) && *subject != default {
            return Err(invalid("subject", format!("frozen associations must use subject '{default}'")));
        }
        if input.lifecycle == Some(Lifecycle::Weak) && *subject == default {
            return Err(invalid("subject", format!("WEAK associations cannot use subject '{default}'")));
        }
        Ok(())
    }
}

impl AssociationInput {
    fn check(&mut self, write: Write) -> Result<(), RegistryError> {
        let unusable = |subject: &String| subject.is_empty() || subject.chars().any(char::is_control);
        if self.subject.as_ref().is_some_and(unusable) {
            return Err(invalid("subject", "must not be empty"));
        }
        if write == Write::Create {
            self.apply_defaults()?;
        }
        association_type(&self.association_type)?.clone_into(&mut self.association_type);
        if self.lifecycle == Some(Lifecycle::Weak) {
            if self.schema.is_some() {
                return Err(invalid("lifecycle", "cannot be WEAK when schema is provided"));
            }
            if self.frozen == Some(true) {
                return Err(invalid("frozen", "association with lifecycle of WEAK cannot be frozen"));
            }
            if write == Write::Create && self.subject.is_none() {
                return Err(invalid("subject", "must be provided for WEAK associations"));
            }
        }
        Ok(())
    }

    /// Settles lifecycle and frozenness of an association that does not exist yet.
    pub(super) fn apply_defaults(&mut self) -> Result<(), RegistryError> {
        if self.schema.is_some() {
            if self.lifecycle == Some(Lifecycle::Weak) {
                return Err(invalid("lifecycle", "cannot be WEAK when schema is provided"));
            }
            if self.frozen == Some(false) {
                return Err(invalid("frozen", "cannot be false when a schema is provided"));
            }
            self.lifecycle = Some(Lifecycle::Strong);
        }
        let lifecycle = *self.lifecycle.get_or_insert(Lifecycle::Weak);
        check_frozen(lifecycle, self.frozen.unwrap_or(lifecycle.is_frozen()))?;
        self.frozen = Some(lifecycle.is_frozen());
        Ok(())
    }
}

/// STRONG associations are frozen, WEAK ones are not.
pub(super) fn check_frozen(lifecycle: Lifecycle, frozen: bool) -> Result<(), RegistryError> {
    if frozen == lifecycle.is_frozen() {
        return Ok(());
    }
    let detail = format!("association with lifecycle of {} cannot be frozen={frozen}", lifecycle.as_str());
    Err(invalid("frozen", detail))
}
