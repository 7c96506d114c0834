//! `/compatibility` (registry-api.md 4.4).

use serde::Serialize;

use super::body;
use super::call::Call;
use super::reply::{self, Reply};
use crate::registry::{CheckAgainst, Checked, RegistryError};

pub(super) async fn with_level(call: Call) -> Reply {
    check(call, CheckAgainst::Level, "testCompatibilityForSubject.arg3").await
}

pub(super) async fn with_version(call: Call) -> Reply {
    let version = call.version()?;
    check(call, CheckAgainst::Version(version), "testCompatibilityBySubjectName.arg4").await
}

async fn check(call: Call, against: CheckAgainst, argument: &'static str) -> Reply {
    #[derive(Serialize)]
    struct CompatibilityCheckResponse {
        is_compatible: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        messages: Option<Vec<String>>,
    }
    let verbose = call.query.flag("verbose");
    let input = body::object(&call.body, argument)?.schema_input()?;
    let checked =
        call.registry().check(&call.subject()?, against, &input, call.query.flag("normalize")).await;
    let checked = match checked {
        // Asked for reasons, a schema that does not parse is one.
        Err(RegistryError::InvalidSchema(reason)) if verbose => {
            Checked { messages: vec![reason.to_string()] }
        }
        other => other?,
    };
    call.api.metrics().verdict(checked.is_compatible());
    reply::json(&CompatibilityCheckResponse {
        is_compatible: checked.is_compatible(),
        messages: verbose.then_some(checked.messages),
    })
}
