//! The words of access rules, with Kafka's codes.

macro_rules! coded {
    ($(#[$attribute:meta])* $name:ident { $($(#[doc = $doc:literal])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i8)]
        pub enum $name {
            $($(#[doc = $doc])* $variant = $code,)*
        }

        impl $name {
            /// The number on the wire.
            pub const fn code(self) -> i8 {
                self as i8
            }

            /// From the number on the wire; `None` for one without a meaning here.
            pub const fn from_code(code: i8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Kafka's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// From Kafka's name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

coded! {
    /// What is done to a resource.
    Operation {
        /// In a filter: every operation.
        Any = 1, "ANY";
        /// In a rule: every operation.
        All = 2, "ALL";
        /// Read.
        Read = 3, "READ";
        /// Write.
        Write = 4, "WRITE";
        /// Create.
        Create = 5, "CREATE";
        /// Delete.
        Delete = 6, "DELETE";
        /// Alter.
        Alter = 7, "ALTER";
        /// See that it exists, and its state.
        Describe = 8, "DESCRIBE";
        /// Act as a broker of the cluster.
        ClusterAction = 9, "CLUSTER_ACTION";
        /// See its configuration.
        DescribeConfigs = 10, "DESCRIBE_CONFIGS";
        /// Change its configuration.
        AlterConfigs = 11, "ALTER_CONFIGS";
        /// Write idempotently.
        IdempotentWrite = 12, "IDEMPOTENT_WRITE";
        /// Create delegation tokens.
        CreateTokens = 13, "CREATE_TOKENS";
        /// Describe delegation tokens.
        DescribeTokens = 14, "DESCRIBE_TOKENS";
        /// Take part in a two-phase commit.
        TwoPhaseCommit = 15, "TWO_PHASE_COMMIT";
    }
}

coded! {
    /// What a rule is about.
    ResourceType {
        /// In a filter: every type.
        Any = 1, "ANY";
        /// A topic.
        Topic = 2, "TOPIC";
        /// A consumer group.
        Group = 3, "GROUP";
        /// The cluster.
        Cluster = 4, "CLUSTER";
        /// A transactional id.
        TransactionalId = 5, "TRANSACTIONAL_ID";
        /// A delegation token.
        DelegationToken = 6, "DELEGATION_TOKEN";
        /// A user, as the owner of delegation tokens.
        User = 7, "USER";
    }
}

coded! {
    /// How a rule names resources.
    PatternType {
        /// In a filter: literal or prefixed.
        Any = 1, "ANY";
        /// In a filter: every pattern that holds for the name.
        Match = 2, "MATCH";
        /// The name itself; `*` is every name.
        Literal = 3, "LITERAL";
        /// Every name that begins so.
        Prefixed = 4, "PREFIXED";
    }
}

coded! {
    /// What a rule says.
    Permission {
        /// In a filter: both.
        Any = 1, "ANY";
        /// No.
        Deny = 2, "DENY";
        /// Yes.
        Allow = 3, "ALLOW";
    }
}

impl ResourceType {
    /// The operations that mean something on this type.
    pub const fn operations(self) -> &'static [Operation] {
        use Operation as O;
        match self {
            Self::Topic => &[
                O::Read,
                O::Write,
                O::Create,
                O::Delete,
                O::Alter,
                O::Describe,
                O::DescribeConfigs,
                O::AlterConfigs,
            ],
            Self::Group => &[O::Read, O::Delete, O::Describe, O::DescribeConfigs, O::AlterConfigs],
            Self::Cluster => &[
                O::Create,
                O::Alter,
                O::Describe,
                O::ClusterAction,
                O::DescribeConfigs,
                O::AlterConfigs,
                O::IdempotentWrite,
            ],
            Self::TransactionalId => &[O::Write, O::Describe, O::TwoPhaseCommit],
            Self::DelegationToken => &[O::Describe],
            Self::User => &[O::CreateTokens, O::DescribeTokens],
            Self::Any => &[],
        }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Acl {
    /// What it is about.
    pub resource_type: ResourceType,
    /// How it names resources: literal or prefixed.
    pub pattern: PatternType,
    /// Name or prefix; the literal `*` is every name.
    pub name: String,
    /// `User:NAME`; `User:*` is everybody.
    pub principal: String,
    /// Address of the peer; `*` is every address.
    pub host: String,
    /// What is done.
    pub operation: Operation,
    /// Yes or no.
    pub permission: Permission,
}

/// Name that stands for all, of resources and hosts.
pub(super) const WILDCARD: &str = "*";

impl Acl {
    /// Whether it names the resource `name` of its type.
    pub(super) fn names(&self, name: &str) -> bool {
        match self.pattern {
            PatternType::Literal => self.name == name || self.name == WILDCARD,
            PatternType::Prefixed => name.starts_with(&self.name),
            PatternType::Any | PatternType::Match => false,
        }
    }
}

/// Which rules are meant; `None` is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFilter {
    /// Type, or any.
    pub resource_type: ResourceType,
    /// How `name` is compared.
    pub pattern: PatternType,
    /// Name.
    pub name: Option<String>,
    /// Principal.
    pub principal: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// Operation, or any.
    pub operation: Operation,
    /// Permission, or any.
    pub permission: Permission,
}

impl AclFilter {
    /// Whether it means `acl`.
    pub fn matches(&self, acl: &Acl) -> bool {
        let type_fits = self.resource_type == ResourceType::Any || self.resource_type == acl.resource_type;
        type_fits
            && self.name_fits(acl)
            && self.principal.as_ref().is_none_or(|principal| *principal == acl.principal)
            && self.host.as_ref().is_none_or(|host| *host == acl.host)
            && (self.operation == Operation::Any || self.operation == acl.operation)
            && (self.permission == Permission::Any || self.permission == acl.permission)
    }

    fn name_fits(&self, acl: &Acl) -> bool {
        let pattern_fits = match self.pattern {
            PatternType::Any | PatternType::Match => true,
            literal_or_prefixed => literal_or_prefixed == acl.pattern,
        };
        let name_fits = match &self.name {
            None => true,
            Some(name) if self.pattern == PatternType::Match => acl.names(name),
            Some(name) => *name == acl.name,
        };
        pattern_fits && name_fits
    }
}
