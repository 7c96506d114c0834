//! The file of users.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{FILE, OfUser, ScramCredential, ScramMechanism, Users};
use crate::state_file::{StateFileError, VERSION};

pub(super) fn write(users: &Users) -> Value {
    let credential = |credential: &ScramCredential| {
        json!({
            "salt": STANDARD.encode(&credential.salt),
            "stored_key": STANDARD.encode(&credential.stored_key),
            "server_key": STANDARD.encode(&credential.server_key),
            "iterations": credential.iterations,
        })
    };
    let of_user = |of_user: &OfUser| -> Map<String, Value> {
        of_user.iter().map(|(mechanism, one)| (mechanism.name().to_owned(), credential(one))).collect()
    };
    let users: Map<String, Value> =
        users.iter().map(|(user, mechanisms)| (user.clone(), of_user(mechanisms).into())).collect();
    json!({"version": VERSION, "users": users})
}

pub(super) fn read(value: &Value) -> Result<Users, StateFileError> {
    let malformed = || StateFileError::Malformed { file: FILE };
    let users = value.get("users").and_then(Value::as_object).ok_or_else(malformed)?;
    let mut found = Users::new();
    for (user, mechanisms) in users {
        let mut of_user = OfUser::new();
        for (mechanism, credential) in mechanisms.as_object().ok_or_else(malformed)? {
            let mechanism = ScramMechanism::from_name(mechanism).ok_or_else(malformed)?;
            let credential = read_credential(credential).ok_or_else(malformed)?;
            of_user.insert(mechanism, credential);
        }
        found.insert(user.clone(), of_user);
    }
    Ok(found)
}

fn read_credential(value: &Value) -> Option<ScramCredential> {
    let bytes = |name: &str| STANDARD.decode(value.get(name)?.as_str()?).ok();
    Some(ScramCredential {
        salt: bytes("salt")?,
        stored_key: bytes("stored_key")?,
        server_key: bytes("server_key")?,
        iterations: u32::try_from(value.get("iterations")?.as_u64()?).ok()?,
    })
}
