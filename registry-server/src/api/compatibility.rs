//! `/compatibility` (registry-api.md 4.4).

use assay_schema_core::Version;
use assay_schema_core::compatibility::{Direction, Problem};
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

/// One broken rule, for `explain=true`. `path` is the place in the reader, which is the new schema when `direction` is `BACKWARD`.
#[derive(Serialize)]
struct Explained {
    rule: &'static str,
    path: String,
    direction: &'static str,
    version: Version,
    reason: String,
}

impl From<&Problem> for Explained {
    fn from(problem: &Problem) -> Self {
        Self {
            rule: problem.incompatibility.kind.as_str(),
            path: problem.incompatibility.location.clone(),
            direction: match problem.direction {
                Direction::Backward => "BACKWARD",
                Direction::Forward => "FORWARD",
            },
            version: problem.version,
            reason: problem.incompatibility.message.clone(),
        }
    }
}

async fn check(call: Call, against: CheckAgainst, argument: &'static str) -> Reply {
    #[derive(Serialize)]
    struct CompatibilityCheckResponse {
        is_compatible: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        messages: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        problems: Option<Vec<Explained>>,
    }
    let verbose = call.query.flag("verbose");
    let input = body::object(&call.body, argument)?.schema_input()?;
    let checked =
        call.registry().check(&call.subject()?, against, &input, call.query.flag("normalize")).await;
    let checked = match checked {
        // Asked for reasons, a schema that does not parse is one.
        Err(RegistryError::InvalidSchema(reason)) if verbose => {
            Checked { messages: vec![reason.to_string()], ..Checked::default() }
        }
        other => other?,
    };
    call.api.metrics().verdict(checked.is_compatible());
    reply::json(&CompatibilityCheckResponse {
        is_compatible: checked.is_compatible(),
        problems: call.query.flag("explain").then(|| checked.problems.iter().map(Explained::from).collect()),
        messages: verbose.then_some(checked.messages),
    })
}
