//! The registry's numeric errors: code, HTTP status, meaning. Texts with data in them belong to whoever has the data.

/// A code of the contract, besides the plain HTTP statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the meaning of each is in its table row")]
pub enum ErrorCode {
    SubjectNotFound,
    VersionNotFound,
    SchemaNotFound,
    SubjectSoftDeleted,
    SubjectNotSoftDeleted,
    VersionSoftDeleted,
    VersionNotSoftDeleted,
    SubjectLevelNotConfigured,
    SubjectModeNotConfigured,
    AssociationNotFound,
    IncompatibleSchema,
    TooManyAssociations,
    AssociationExistsForResource,
    AssociationExistsForSubject,
    StrongAssociationExists,
    NoActiveVersion,
    AssociationFrozen,
    InvalidSchema,
    InvalidVersion,
    InvalidLevel,
    InvalidMode,
    OperationNotPermitted,
    ReferenceExists,
    IdDoesNotMatch,
    InvalidSubject,
    SchemaTooLarge,
    InvalidRuleSet,
    ContextNotEmpty,
    InvalidAssociation,
    StoreError,
    OperationTimeout,
    ForwardingFailed,
    UnknownLeader,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 33] = [
        Self::SubjectNotFound,
        Self::VersionNotFound,
        Self::SchemaNotFound,
        Self::SubjectSoftDeleted,
        Self::SubjectNotSoftDeleted,
        Self::VersionSoftDeleted,
        Self::VersionNotSoftDeleted,
        Self::SubjectLevelNotConfigured,
        Self::SubjectModeNotConfigured,
        Self::AssociationNotFound,
        Self::IncompatibleSchema,
        Self::TooManyAssociations,
        Self::AssociationExistsForResource,
        Self::AssociationExistsForSubject,
        Self::StrongAssociationExists,
        Self::NoActiveVersion,
        Self::AssociationFrozen,
        Self::InvalidSchema,
        Self::InvalidVersion,
        Self::InvalidLevel,
        Self::InvalidMode,
        Self::OperationNotPermitted,
        Self::ReferenceExists,
        Self::IdDoesNotMatch,
        Self::InvalidSubject,
        Self::SchemaTooLarge,
        Self::InvalidRuleSet,
        Self::ContextNotEmpty,
        Self::InvalidAssociation,
        Self::StoreError,
        Self::OperationTimeout,
        Self::ForwardingFailed,
        Self::UnknownLeader,
    ];

    /// The number and what it says: the whole table.
    const fn row(self) -> (u32, &'static str) {
        match self {
            Self::SubjectNotFound => (40401, "subject unknown, or all its versions soft-deleted"),
            Self::VersionNotFound => (40402, "no such version of the subject"),
            Self::SchemaNotFound => (40403, "no such schema by id, guid or content"),
            Self::SubjectSoftDeleted => (40404, "subject is soft-deleted already"),
            Self::SubjectNotSoftDeleted => {
                (40405, "subject must be soft-deleted before it is deleted for good")
            }
            Self::VersionSoftDeleted => (40406, "version is soft-deleted already"),
            Self::VersionNotSoftDeleted => {
                (40407, "version must be soft-deleted before it is deleted for good")
            }
            Self::SubjectLevelNotConfigured => (40408, "subject has no compatibility level of its own"),
            Self::SubjectModeNotConfigured => (40409, "subject has no mode of its own"),
            Self::AssociationNotFound => (40410, "no such association"),
            Self::IncompatibleSchema => (40901, "schema is incompatible with an earlier version"),
            Self::TooManyAssociations => (40902, "resource has all the associations it may have"),
            Self::AssociationExistsForResource => (40903, "resource has an association of that type"),
            Self::AssociationExistsForSubject => (40904, "subject has an association"),
            Self::StrongAssociationExists => (40905, "subject has a strong association"),
            Self::NoActiveVersion => (40907, "subject has no live version"),
            Self::AssociationFrozen => (40908, "association is frozen"),
            Self::InvalidSchema => (42201, "schema, reference or explicit version is invalid"),
            Self::InvalidVersion => (42202, "not a version"),
            Self::InvalidLevel => (42203, "not a compatibility level"),
            Self::InvalidMode => (42204, "not a mode, or not one for this scope"),
            Self::OperationNotPermitted => (42205, "the mode forbids it"),
            Self::ReferenceExists => (42206, "another schema refers to it"),
            Self::IdDoesNotMatch => (42207, "the imported id differs"),
            Self::InvalidSubject => (42208, "not a subject name"),
            Self::SchemaTooLarge => (42209, "schema exceeds the size limit"),
            Self::InvalidRuleSet => (42210, "rule set is invalid"),
            Self::ContextNotEmpty => (42211, "context still holds subjects"),
            Self::InvalidAssociation => (42212, "association property is invalid"),
            Self::StoreError => (50001, "the store failed"),
            Self::OperationTimeout => (50002, "the store did not answer in time"),
            Self::ForwardingFailed => (50003, "the request could not be forwarded"),
            Self::UnknownLeader => (50004, "no node can write now"),
        }
    }

    /// The number in `error_code`.
    pub const fn code(self) -> u32 {
        self.row().0
    }

    /// What it means, for people and documents; not the message of the contract.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status it travels with.
    pub fn status(self) -> u16 {
        status_of(self.code())
    }

    /// The code of a number.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// The HTTP status a number travels with: its first three digits, or the number itself when it is a status.
pub fn status_of(code: u32) -> u16 {
    let status = if code >= 10_000 { code / 100 } else { code };
    u16::try_from(status).ok().filter(|status| (100..=599).contains(status)).unwrap_or(500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_name_their_status() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(code.code()), Some(code));
            assert!(matches!(code.status(), 404 | 409 | 422 | 500));
            assert!(!code.meaning().is_empty());
        }
        assert_eq!(ErrorCode::InvalidSchema.status(), 422);
        assert_eq!(status_of(409), 409);
        assert_eq!(ErrorCode::from_code(40499), None);
    }
}
