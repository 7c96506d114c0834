//! What a process does: serve the registry, the broker, or both.

/// The roles of this process; at least one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roles {
    Both,
    Registry,
    Broker,
}

/// Why a text names no roles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RoleError {
    #[error("`{0}` is no role; the roles are registry and broker")]
    Unknown(String),
}

impl Roles {
    /// Parses a comma-separated list of `registry` and `broker`, in any order.
    pub(crate) fn parse(text: &str) -> Result<Self, RoleError> {
        let (mut registry, mut broker) = (false, false);
        for part in text.split(',') {
            match part.trim() {
                "registry" => registry = true,
                "broker" => broker = true,
                other => return Err(RoleError::Unknown(other.to_owned())),
            }
        }
        match (registry, broker) {
            (true, true) => Ok(Self::Both),
            (true, false) => Ok(Self::Registry),
            (false, _) => Ok(Self::Broker),
        }
    }

    /// Whether this process serves the REST interface.
    pub(crate) fn registry(self) -> bool {
        matches!(self, Self::Both | Self::Registry)
    }

    /// Whether this process serves the Kafka protocol.
    pub(crate) fn broker(self) -> bool {
        matches!(self, Self::Both | Self::Broker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_list() {
        for (text, roles) in [
            ("registry,broker", Roles::Both),
            ("broker, registry", Roles::Both),
            ("registry", Roles::Registry),
            ("broker", Roles::Broker),
        ] {
            assert_eq!(Roles::parse(text), Ok(roles), "{text}");
        }
        assert_eq!(
            Roles::parse("console").unwrap_err().to_string(),
            "`console` is no role; the roles are registry and broker"
        );
        assert!(Roles::parse("").is_err());
    }
}
