//! Who may do what: Kafka's access rules (`StandardAuthorizer`).
//!
//! A rule allows or denies one principal, from one host, one operation on resources named literally, by prefix, or all
//! (`*`). A denial outweighs every allowance. Reading, writing, deleting and altering imply describing; altering
//! configurations implies describing them; only allowances imply. Super users are never asked. A resource that no rule
//! mentions is open when `allow.everyone.if.no.acl.found` says so, else closed.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::config::AuthorizerSettings;
use crate::connection::Principal;
use crate::log::storage::Storage;
use crate::protocol::ErrorCode;
use crate::state_file::StateFileError;

mod acl;
mod file;
mod rules;
#[cfg(test)]
pub(crate) mod tests;

pub use acl::{Acl, AclFilter, Operation, PatternType, Permission, ResourceType};
use rules::Rules;

/// Name of the one resource of type [`ResourceType::Cluster`].
pub const CLUSTER_NAME: &str = "kafka-cluster";

/// What an operation on a resource comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Allowed,
    /// It is refused with the code of the resource type.
    Denied,
}

/// The rules and what stands above them.
#[derive(Debug)]
pub struct Authorizer {
    rules: ArcSwap<Rules>,
    settings: AuthorizerSettings,
    kept: Kept,
}

/// Where rules are kept. One change at a time.
#[derive(Debug)]
struct Kept {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    changing: Mutex<()>,
}

/// Most rules at a time.
pub const ACLS_MAX: usize = 100_000;

/// Why rules were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There would be too many.
    #[error("there would be more than {ACLS_MAX} access rules")]
    TooMany,
    /// The disk failed; the rules in force are those before.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Authorizer {
    /// Reads the rules of the data folder.
    pub fn open(
        storage: Arc<dyn Storage>,
        dir: &Path,
        settings: AuthorizerSettings,
    ) -> Result<Self, StateFileError> {
        let rules = Rules::new(file::read(storage.as_ref(), dir)?);
        let kept = Kept { storage, dir: dir.to_owned(), changing: Mutex::default() };
        Ok(Self { rules: ArcSwap::from_pointee(rules), settings, kept })
    }

    /// The rules in force.
    pub fn acls(&self) -> BTreeSet<Acl> {
        self.rules.load().all().clone()
    }

    /// Changes the rules by `change`, whose result is returned. Durable and in force for every request that begins after it
    /// returns. Blocks.
    pub fn change<T>(&self, change: impl FnOnce(&mut BTreeSet<Acl>) -> T) -> Result<T, ChangeError> {
        let _one_at_a_time = self.kept.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.acls();
        let mut after = before.clone();
        let result = change(&mut after);
        if after.len() > ACLS_MAX {
            return Err(ChangeError::TooMany);
        }
        if after != before {
            file::write(self.kept.storage.as_ref(), &self.kept.dir, &after)?;
            self.rules.store(Arc::new(Rules::new(after)));
        }
        Ok(result)
    }

    fn is_super(&self, principal: &Principal) -> bool {
        self.settings.super_users.contains(principal.name())
    }

    fn authorize(
        &self,
        principal: &Principal,
        host: IpAddr,
        operation: Operation,
        resource_type: ResourceType,
        name: &str,
    ) -> Verdict {
        if self.is_super(principal) {
            return Verdict::Allowed;
        }
        let host = host.to_canonical().to_string();
        self.rules
            .load()
            .judge(principal.name(), &host, operation, resource_type, name)
            .unwrap_or_else(|| self.without_rules())
    }

    fn without_rules(&self) -> Verdict {
        if self.settings.allow_everyone_if_no_acl_found { Verdict::Allowed } else { Verdict::Denied }
    }

    fn authorize_any(
        &self,
        principal: &Principal,
        host: IpAddr,
        operation: Operation,
        resource_type: ResourceType,
    ) -> Verdict {
        if self.is_super(principal) {
            return Verdict::Allowed;
        }
        let host = host.to_canonical().to_string();
        let rules = self.rules.load();
        rules.judge_any(principal.name(), &host, operation, resource_type, self.without_rules())
    }
}

/// Who asks, from where, and what decides. Cheap to clone. Without an authorizer everything is allowed.
#[derive(Debug, Clone)]
pub struct Access {
    authorizer: Option<Arc<Authorizer>>,
    principal: Principal,
    host: IpAddr,
}

impl Default for Access {
    fn default() -> Self {
        Self::unrestricted()
    }
}

impl Access {
    /// The access of `principal` at `host`.
    pub fn new(authorizer: Option<Arc<Authorizer>>, principal: Principal, host: IpAddr) -> Self {
        Self { authorizer, principal, host }
    }

    /// Access to everything, as for the broker itself.
    pub fn unrestricted() -> Self {
        Self::new(None, Principal::Anonymous, IpAddr::from([127, 0, 0, 1]))
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The verdict on an operation on one resource.
    pub fn authorize(&self, operation: Operation, resource_type: ResourceType, name: &str) -> Verdict {
        match &self.authorizer {
            None => Verdict::Allowed,
            Some(authorizer) => {
                authorizer.authorize(&self.principal, self.host, operation, resource_type, name)
            }
        }
    }

    /// Whether [`authorize`](Self::authorize) allows it.
    pub fn allows(&self, operation: Operation, resource_type: ResourceType, name: &str) -> bool {
        self.authorize(operation, resource_type, name) == Verdict::Allowed
    }

    /// The code that a denied operation on a resource of this type is refused with.
    pub fn check(
        &self,
        operation: Operation,
        resource_type: ResourceType,
        name: &str,
    ) -> Result<(), ErrorCode> {
        match self.authorize(operation, resource_type, name) {
            Verdict::Allowed => Ok(()),
            Verdict::Denied => Err(match resource_type {
                ResourceType::Topic => ErrorCode::TopicAuthorizationFailed,
                ResourceType::Group => ErrorCode::GroupAuthorizationFailed,
                ResourceType::TransactionalId => ErrorCode::TransactionalIdAuthorizationFailed,
                ResourceType::DelegationToken => ErrorCode::DelegationTokenAuthorizationFailed,
                ResourceType::Any | ResourceType::Cluster | ResourceType::User => {
                    ErrorCode::ClusterAuthorizationFailed
                }
            }),
        }
    }

    /// Whether an operation on this cluster is allowed.
    pub fn allows_cluster(&self, operation: Operation) -> bool {
        self.allows(operation, ResourceType::Cluster, CLUSTER_NAME)
    }

    /// Whether there is any resource of this type that the operation is allowed on (KIP-679: a producer that may write
    /// some topic may write idempotently).
    pub fn allows_any(&self, operation: Operation, resource_type: ResourceType) -> bool {
        match &self.authorizer {
            None => true,
            Some(authorizer) => {
                let verdict = authorizer.authorize_any(&self.principal, self.host, operation, resource_type);
                verdict == Verdict::Allowed
            }
        }
    }

    /// The operations allowed on a resource, one bit each, as responses carry them (KIP-430).
    pub fn operations(&self, resource_type: ResourceType, name: &str) -> i32 {
        let allowed = resource_type.operations().iter().filter(|one| self.allows(**one, resource_type, name));
        allowed.fold(0, |bits, one| bits | 1 << one.code())
    }
}
