//! Access rules (keys 29, 30 and 31). Without an authorizer the answer is 54, which tools expect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::authorizer::{
    Acl, AclFilter, Authorizer, CLUSTER_NAME, ChangeError, Operation, PatternType, Permission, ResourceType,
};
use crate::dispatch::Context;
use crate::error::denied;
use crate::protocol::ErrorCode;
use crate::protocol::messages::create_acls::{AclCreation, AclCreationResult};
use crate::protocol::messages::delete_acls::{
    DeleteAclsFilter, DeleteAclsFilterResult, DeleteAclsMatchingAcl,
};
use crate::protocol::messages::describe_acls::{AclDescription, DescribeAclsResource};
use crate::protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsRequest,
    DescribeAclsResponse,
};

type Refusal = (ErrorCode, String);

/// The authorizer, for who may do `operation` on the cluster.
fn authorizer(context: &Context, operation: Operation) -> Result<&Arc<Authorizer>, Refusal> {
    let authorizer = context.broker.authorizer().ok_or_else(|| {
        (ErrorCode::SecurityDisabled, "No Authorizer is configured on the broker".to_owned())
    })?;
    if context.access.allows_cluster(operation) {
        Ok(authorizer)
    } else {
        Err(denied(ErrorCode::ClusterAuthorizationFailed))
    }
}

pub(crate) async fn describe(context: &Context, request: DescribeAclsRequest) -> DescribeAclsResponse {
    let found = authorizer(context, Operation::Describe).and_then(|authorizer| {
        let filter = FilterFields {
            resource_type: request.resource_type_filter,
            name: request.resource_name_filter,
            pattern: request.pattern_type_filter,
            principal: request.principal_filter,
            host: request.host_filter,
            operation: request.operation,
            permission: request.permission_type,
        };
        let filter = filter.read().ok_or_else(unknown_element)?;
        Ok(authorizer.acls().into_iter().filter(|acl| filter.matches(acl)).collect::<Vec<_>>())
    });
    match found {
        Ok(acls) => DescribeAclsResponse { resources: by_resource(acls), ..Default::default() },
        Err((code, message)) => DescribeAclsResponse {
            error_code: code.code(),
            error_message: Some(message),
            ..Default::default()
        },
    }
}

fn unknown_element() -> Refusal {
    (ErrorCode::InvalidRequest, "The AclBindingFilter must not contain UNKNOWN elements".to_owned())
}

fn by_resource(acls: Vec<Acl>) -> Vec<DescribeAclsResource> {
    let mut resources: BTreeMap<_, Vec<AclDescription>> = BTreeMap::new();
    for acl in acls {
        resources.entry((acl.resource_type, acl.name, acl.pattern)).or_default().push(AclDescription {
            principal: acl.principal,
            host: acl.host,
            operation: acl.operation.code(),
            permission_type: acl.permission.code(),
        });
    }
    let resource = |((resource_type, resource_name, pattern), acls): ((ResourceType, _, PatternType), _)| {
        DescribeAclsResource {
            resource_type: resource_type.code(),
            resource_name,
            pattern_type: pattern.code(),
            acls,
        }
    };
    resources.into_iter().map(resource).collect()
}

/// Changes the rules away from the runtime's threads.
async fn change<T: Send + 'static>(
    authorizer: &Arc<Authorizer>,
    change: impl FnOnce(&mut BTreeSet<Acl>) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let authorizer = Arc::clone(authorizer);
    let changing = tokio::task::spawn_blocking(move || authorizer.change(change));
    match changing.await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error @ ChangeError::TooMany)) => Err((ErrorCode::PolicyViolation, error.to_string())),
        Ok(Err(ChangeError::Io(error))) => {
            tracing::error!(%error, "access rules were not changed");
            Err((ErrorCode::KafkaStorageError, "disk error".to_owned()))
        }
        Err(_interrupted) => Err((ErrorCode::UnknownServerError, "the change was interrupted".to_owned())),
    }
}

pub(crate) async fn create(context: &Context, request: CreateAclsRequest) -> CreateAclsResponse {
    let count = request.creations.len();
    let results = match authorizer(context, Operation::Alter) {
        Ok(authorizer) => {
            let read: Vec<Result<Acl, String>> = request.creations.into_iter().map(read_creation).collect();
            let valid: Vec<Acl> = read.iter().flatten().cloned().collect();
            let changed = change(authorizer, move |acls| acls.extend(valid)).await;
            let result = |read: Result<Acl, String>| {
                read.map_err(|reason| (ErrorCode::InvalidRequest, reason)).and_then(|_| changed.clone())
            };
            read.into_iter().map(result).collect()
        }
        Err(refusal) => vec![Err(refusal); count],
    };
    tracing::info!(principal = context.access.principal().name(), count, "access rules created");
    let result = |result: Result<(), Refusal>| match result {
        Ok(()) => AclCreationResult::default(),
        Err((code, message)) => AclCreationResult { error_code: code.code(), error_message: Some(message) },
    };
    CreateAclsResponse { results: results.into_iter().map(result).collect(), ..Default::default() }
}

/// A rule that may be made, or what is wrong with it.
fn read_creation(creation: AclCreation) -> Result<Acl, String> {
    let resource_type =
        ResourceType::from_code(creation.resource_type).filter(|one| *one != ResourceType::Any);
    let resource_type = resource_type.ok_or("Invalid resource type")?;
    let pattern = PatternType::from_code(creation.resource_pattern_type)
        .filter(|pattern| matches!(pattern, PatternType::Literal | PatternType::Prefixed))
        .ok_or("Invalid pattern type")?;
    let operation = Operation::from_code(creation.operation).filter(|one| *one != Operation::Any);
    let operation = operation.ok_or("Invalid operation")?;
    let permission = Permission::from_code(creation.permission_type).filter(|one| *one != Permission::Any);
    let permission = permission.ok_or("Invalid permission type")?;
    if creation.resource_name.is_empty() {
        return Err("Resource name should not be empty".to_owned());
    }
    if resource_type == ResourceType::Cluster && creation.resource_name != CLUSTER_NAME {
        return Err(format!("The only valid name for the CLUSTER resource is {CLUSTER_NAME}"));
    }
    if !creation.principal.contains(':') {
        return Err(format!(
            "Could not parse principal from `{}` (no colon is present separating the principal type from the \
             principal name)",
            creation.principal
        ));
    }
    if creation.host.is_empty() {
        return Err("Host should not be empty; * is every host".to_owned());
    }
    Ok(Acl {
        resource_type,
        pattern,
        name: creation.resource_name,
        principal: creation.principal,
        host: creation.host,
        operation,
        permission,
    })
}

pub(crate) async fn delete(context: &Context, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let count = request.filters.len();
    let results = match authorizer(context, Operation::Alter) {
        Ok(authorizer) => {
            let filters: Vec<Option<AclFilter>> =
                request.filters.into_iter().map(|filter| FilterFields::from(filter).read()).collect();
            let wanted = filters.clone();
            let changed = change(authorizer, move |acls| {
                let matching: Vec<Vec<Acl>> = wanted
                    .iter()
                    .map(|filter| {
                        let matches = |acl: &&Acl| filter.as_ref().is_some_and(|filter| filter.matches(acl));
                        acls.iter().filter(matches).cloned().collect()
                    })
                    .collect();
                acls.retain(|acl| !matching.iter().flatten().any(|gone| gone == acl));
                matching
            });
            match changed.await {
                Ok(matching) => filters
                    .into_iter()
                    .zip(matching)
                    .map(|(filter, acls)| filter.map(|_| acls).ok_or_else(unknown_element))
                    .collect(),
                Err(refusal) => vec![Err(refusal); count],
            }
        }
        Err(refusal) => vec![Err(refusal); count],
    };
    tracing::info!(principal = context.access.principal().name(), filters = count, "access rules deleted");
    let result = |result: Result<Vec<Acl>, Refusal>| match result {
        Ok(acls) => DeleteAclsFilterResult {
            matching_acls: acls.into_iter().map(deleted).collect(),
            ..Default::default()
        },
        Err((code, message)) => DeleteAclsFilterResult {
            error_code: code.code(),
            error_message: Some(message),
            ..Default::default()
        },
    };
    DeleteAclsResponse { filter_results: results.into_iter().map(result).collect(), ..Default::default() }
}

fn deleted(acl: Acl) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl {
        error_code: 0,
        error_message: None,
        resource_type: acl.resource_type.code(),
        resource_name: acl.name,
        pattern_type: acl.pattern.code(),
        principal: acl.principal,
        host: acl.host,
        operation: acl.operation.code(),
        permission_type: acl.permission.code(),
    }
}

/// A filter as it comes.
struct FilterFields {
    resource_type: i8,
    name: Option<String>,
    pattern: i8,
    principal: Option<String>,
    host: Option<String>,
    operation: i8,
    permission: i8,
}

impl From<DeleteAclsFilter> for FilterFields {
    fn from(filter: DeleteAclsFilter) -> Self {
        Self {
            resource_type: filter.resource_type_filter,
            name: filter.resource_name_filter,
            pattern: filter.pattern_type_filter,
            principal: filter.principal_filter,
            host: filter.host_filter,
            operation: filter.operation,
            permission: filter.permission_type,
        }
    }
}

impl FilterFields {
    fn read(self) -> Option<AclFilter> {
        Some(AclFilter {
            resource_type: ResourceType::from_code(self.resource_type)?,
            pattern: PatternType::from_code(self.pattern)?,
            name: self.name,
            principal: self.principal,
            host: self.host,
            operation: Operation::from_code(self.operation)?,
            permission: Permission::from_code(self.permission)?,
        })
    }
}
