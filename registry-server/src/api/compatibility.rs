//! `/compatibility` (registry-api.md 4.4).

use serde::Serialize;

use super::body;
use super::call::Call;
use super::reply::{self, Refused, Reply};
use crate::registry::{CheckAgainst, Checked, Place, RegistryError};

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
        #[serde(flatten)]
        refusal: Option<Refused>,
        /// Where a text that does not parse is wrong.
        #[serde(flatten)]
        place: Option<Place>,
    }
    let verbose = call.query.flag("verbose");
    let input = body::object(&call.body, argument)?.schema_input()?;
    let (subject, normalize) = (call.subject()?, call.query.flag("normalize"));
    let mut place = None;
    let checked = match call.registry().check(&subject, against, &input, normalize).await {
        // Asked for reasons, a schema that does not parse is one.
        Err(RegistryError::InvalidSchema(reason)) if verbose => {
            place = reason.place().cloned();
            Checked { messages: vec![reason.to_string()], ..Checked::default() }
        }
        other => other?,
    };
    let refusal = if call.query.flag("explain") && place.is_none() {
        Some(Refused::from(call.registry().explain(&subject, against, &input, normalize).await?))
    } else {
        None
    };
    call.api.metrics().verdict(checked.is_compatible());
    reply::json(&CompatibilityCheckResponse {
        is_compatible: checked.is_compatible(),
        messages: verbose.then_some(checked.messages),
        refusal,
        place,
    })
}
