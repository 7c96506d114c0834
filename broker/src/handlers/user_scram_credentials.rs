//! `DescribeUserScramCredentials` (key 50) and `AlterUserScramCredentials` (key 51): users, as Kafka's tools manage them
//! (KIP-554). The client hashes the password; a change of one user is made whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::authorizer::Operation;
use crate::credentials::{
    Change, ITERATIONS_MAX, ITERATIONS_MIN, OfUser, ScramCredential, ScramMechanism, USER_BYTES_MAX, Users,
};
use crate::dispatch::Context;
use crate::error::denied;
use crate::protocol::ErrorCode;
use crate::protocol::messages::alter_user_scram_credentials::{
    AlterUserScramCredentialsResult, ScramCredentialDeletion, ScramCredentialUpsertion,
};
use crate::protocol::messages::describe_user_scram_credentials::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use crate::protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
};

type Refusal = (ErrorCode, String);

/// Longest salt that is stored, in bytes.
const SALT_BYTES_MAX: usize = 1024;

async fn users(context: &Context) -> Result<std::sync::Arc<Users>, Refusal> {
    let broker = context.broker.clone();
    match tokio::task::spawn_blocking(move || broker.credentials().users()).await {
        Ok(Ok(users)) => Ok(users),
        Ok(Err(error)) => {
            tracing::error!(%error, "users cannot be read");
            Err((ErrorCode::KafkaStorageError, "disk error".to_owned()))
        }
        Err(_interrupted) => Err((ErrorCode::UnknownServerError, "interrupted".to_owned())),
    }
}

pub(crate) async fn describe(
    context: &Context,
    request: DescribeUserScramCredentialsRequest,
) -> DescribeUserScramCredentialsResponse {
    let found = if context.access.allows_cluster(Operation::Describe) {
        users(context).await
    } else {
        Err(denied(ErrorCode::ClusterAuthorizationFailed))
    };
    let users = match found {
        Ok(users) => users,
        Err((code, message)) => {
            return DescribeUserScramCredentialsResponse {
                error_code: code.code(),
                error_message: Some(message),
                ..Default::default()
            };
        }
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    match request.users {
        Some(wanted) if !wanted.is_empty() => {
            for user in wanted {
                *counts.entry(user.name).or_default() += 1;
            }
        }
        _ => counts.extend(users.keys().map(|user| (user.clone(), 1))),
    }
    let results = counts.into_iter().map(|(user, count)| described(&users, user, count));
    DescribeUserScramCredentialsResponse { results: results.collect(), ..Default::default() }
}

fn described(users: &Users, user: String, times: usize) -> DescribeUserScramCredentialsResult {
    let refused = |user: String, code: ErrorCode, message: String| DescribeUserScramCredentialsResult {
        user,
        error_code: code.code(),
        error_message: Some(message),
        ..Default::default()
    };
    if times > 1 {
        let message =
            format!("Cannot describe SCRAM credentials for the same user twice in a single request: {user}");
        return refused(user, ErrorCode::DuplicateResource, message);
    }
    let Some(of_user) = users.get(&user) else {
        let message = format!("Attempt to describe a user credential that does not exist: {user}");
        return refused(user, ErrorCode::ResourceNotFound, message);
    };
    let info = |(mechanism, credential): (&ScramMechanism, &ScramCredential)| CredentialInfo {
        mechanism: mechanism.code(),
        iterations: i32::try_from(credential.iterations).unwrap_or(i32::MAX),
    };
    let credential_infos = of_user.iter().map(info).collect();
    DescribeUserScramCredentialsResult { user, credential_infos, ..Default::default() }
}

pub(crate) async fn alter(
    context: &Context,
    request: AlterUserScramCredentialsRequest,
) -> AlterUserScramCredentialsResponse {
    let names = request.deletions.iter().map(|one| &one.name);
    let names: BTreeSet<String> =
        names.chain(request.upsertions.iter().map(|one| &one.name)).cloned().collect();
    let mut outcomes: BTreeMap<String, Result<(), Refusal>> = BTreeMap::new();
    let found = if context.access.allows_cluster(Operation::Alter) {
        users(context).await
    } else {
        Err(denied(ErrorCode::ClusterAuthorizationFailed))
    };
    match found {
        Err(refusal) => outcomes.extend(names.into_iter().map(|name| (name, Err(refusal.clone())))),
        Ok(users) => {
            let mut changes = Vec::new();
            for name in names {
                let outcome =
                    changes_of(&request, &name, users.get(&name)).map(|of_user| changes.extend(of_user));
                outcomes.insert(name, outcome);
            }
            if let Err(refusal) = apply(context, changes).await {
                for outcome in outcomes.values_mut().filter(|outcome| outcome.is_ok()) {
                    *outcome = Err(refusal.clone());
                }
            }
        }
    }
    let result = |(user, outcome): (String, Result<(), Refusal>)| match outcome {
        Ok(()) => AlterUserScramCredentialsResult { user, ..Default::default() },
        Err((code, message)) => {
            AlterUserScramCredentialsResult { user, error_code: code.code(), error_message: Some(message) }
        }
    };
    let results = outcomes.into_iter().map(result).collect();
    AlterUserScramCredentialsResponse { results, ..Default::default() }
}

async fn apply(context: &Context, changes: Vec<Change>) -> Result<(), Refusal> {
    if changes.is_empty() {
        return Ok(());
    }
    let broker = context.broker.clone();
    match tokio::task::spawn_blocking(move || broker.credentials().apply(changes)).await {
        Ok(Ok(())) => {
            tracing::info!(principal = context.access.principal().name(), "users changed");
            Ok(())
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "users were not changed");
            Err((ErrorCode::KafkaStorageError, "disk error".to_owned()))
        }
        Err(_interrupted) => Err((ErrorCode::UnknownServerError, "interrupted".to_owned())),
    }
}

/// What the request asks of one user, or the first thing that is wrong with it.
fn changes_of(
    request: &AlterUserScramCredentialsRequest,
    name: &str,
    before: Option<&OfUser>,
) -> Result<Vec<Change>, Refusal> {
    let mut seen = BTreeSet::new();
    let mut changes = Vec::new();
    for deletion in request.deletions.iter().filter(|one| one.name == name) {
        changes.push(deleted(deletion, before)?);
        seen.insert(deletion.mechanism);
    }
    for upsertion in request.upsertions.iter().filter(|one| one.name == name) {
        changes.push(put(upsertion)?);
        seen.insert(upsertion.mechanism);
    }
    if seen.len() < changes.len() {
        let message = "A user credential cannot be altered twice in the same request".to_owned();
        return Err((ErrorCode::DuplicateResource, message));
    }
    Ok(changes)
}

fn mechanism(name: &str, code: i8) -> Result<ScramMechanism, Refusal> {
    if name.is_empty() || name.len() > USER_BYTES_MAX {
        let message = if name.is_empty() { "Username must not be empty" } else { "Username is too long" };
        return Err((ErrorCode::UnacceptableCredential, message.to_owned()));
    }
    ScramMechanism::from_code(code)
        .ok_or_else(|| (ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism".to_owned()))
}

fn deleted(deletion: &ScramCredentialDeletion, before: Option<&OfUser>) -> Result<Change, Refusal> {
    let mechanism = mechanism(&deletion.name, deletion.mechanism)?;
    if before.is_some_and(|of_user| of_user.contains_key(&mechanism)) {
        return Ok(Change::Remove(deletion.name.clone(), mechanism));
    }
    let message = "Attempt to delete a user credential that does not exist".to_owned();
    Err((ErrorCode::ResourceNotFound, message))
}

fn put(upsertion: &ScramCredentialUpsertion) -> Result<Change, Refusal> {
    let mechanism = mechanism(&upsertion.name, upsertion.mechanism)?;
    let unacceptable = |message: &str| (ErrorCode::UnacceptableCredential, message.to_owned());
    let iterations = match u32::try_from(upsertion.iterations) {
        Ok(iterations) if iterations > ITERATIONS_MAX => return Err(unacceptable("Too many iterations")),
        Ok(iterations) if iterations >= ITERATIONS_MIN => iterations,
        _ => return Err(unacceptable("Too few iterations")),
    };
    if upsertion.salt.is_empty() || upsertion.salt.len() > SALT_BYTES_MAX {
        return Err(unacceptable("The salt is empty or too long"));
    }
    if upsertion.salted_password.len() != mechanism.hash_bytes() {
        return Err(unacceptable("The salted password does not have the length of the hash"));
    }
    let salt = upsertion.salt.to_vec();
    let credential = ScramCredential::from_salted(mechanism, &upsertion.salted_password, salt, iterations);
    Ok(Change::Put(upsertion.name.clone(), mechanism, credential))
}
