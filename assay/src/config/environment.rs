//! Environment variables as layers of settings: `ASSAY_*`, and below them the `SCHEMA_REGISTRY_*` names that
//! people bring along from a Confluent registry.
//!
//! What is not used is never an error: an orchestrator injects variables for every service it knows
//! (`SCHEMA_REGISTRY_PORT=tcp://10.0.0.1:8081` for a service called `schema-registry`), and an old compose file
//! carries dozens. They are reported together, in one line.

use std::collections::BTreeMap;

use super::{
    ConfigError,
    layer::{Layer, Source},
};

/// Variables that a test or build tool sets and that say nothing about this process.
const NOT_SETTINGS: [&str; 2] = ["ASSAY_BIN", "ASSAY_CONFIG"];

/// Variables with a name of ours or Confluent's that were not used, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ignored(pub(crate) Vec<(String, &'static str)>);

impl Ignored {
    /// One line that names every ignored variable once, grouped by reason. Empty when there is none.
    pub(crate) fn line(&self) -> Option<String> {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, reason) in &self.0 {
            reasons.entry(reason).or_default().push(name);
        }
        let groups: Vec<_> =
            reasons.iter().map(|(reason, names)| format!("{} ({reason})", names.join(", "))).collect();
        (!groups.is_empty()).then(|| format!("ignored environment variables: {}", groups.join("; ")))
    }
}

/// Reads both families from `variables`; `ASSAY_*` wins.
pub(crate) fn read(variables: &BTreeMap<String, String>) -> Result<(Layer, Ignored), ConfigError> {
    let mut ignored = Ignored::default();
    let ours = read_assay(variables, &mut ignored)?;
    let familiar = read_familiar(variables, &mut ignored)?;
    Ok((ours.over(familiar), ignored))
}

fn read_assay(variables: &BTreeMap<String, String>, ignored: &mut Ignored) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix("ASSAY_") else { continue };
        if NOT_SETTINGS.contains(&variable.as_str()) || name.starts_with("TEST_") {
            continue;
        }
        if is_injected(name, text) {
            ignored.0.push((variable.clone(), INJECTED));
            continue;
        }
        match layer.set(&name.to_ascii_lowercase(), text, &Source(variable.clone())) {
            Some(result) => result?,
            None => ignored.0.push((variable.clone(), "no such setting")),
        }
    }
    Ok(layer)
}

const INJECTED: &str = "set by the orchestrator for a service";

/// Names that Kubernetes and Docker links inject for a service: `X_PORT=tcp://...`, `X_PORT_8081_TCP_ADDR`,
/// `X_SERVICE_HOST`, `X_SERVICE_PORT`.
fn is_injected(name: &str, text: &str) -> bool {
    let address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| text.starts_with(scheme));
    address
        || name.starts_with("PORT_")
        || name.starts_with("SERVICE_HOST")
        || name.starts_with("SERVICE_PORT")
}

fn read_familiar(variables: &BTreeMap<String, String>, ignored: &mut Ignored) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix("SCHEMA_REGISTRY_") else { continue };
        if is_injected(name, text) {
            ignored.0.push((variable.clone(), INJECTED));
            continue;
        }
        let source = Source(variable.clone());
        let taken = match name {
            "LISTENERS" => {
                let Some(address) = first_http_listener(text) else {
                    ignored.0.push((variable.clone(), "only http:// listeners are served"));
                    continue;
                };
                layer.set("registry_listen", address, &source)
            }
            "SCHEMA_COMPATIBILITY_LEVEL" => layer.set("compatibility", text, &source),
            "AVRO_COMPATIBILITY_LEVEL"
                if !variables.contains_key("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL") =>
            {
                layer.set("compatibility", text, &source)
            }
            "MODE_MUTABILITY" => layer.set("mode_mutability", text, &source),
            "SHUTDOWN_GRACEFUL_MS" => {
                let seconds = text.trim().parse::<u32>().map(|millis| f64::from(millis) / 1000.0);
                layer.set("shutdown_timeout", &seconds.map_or(text.clone(), |s| s.to_string()), &source)
            }
            _ => None,
        };
        match taken {
            Some(result) => result?,
            None => ignored.0.push((variable.clone(), why_ignored(name))),
        }
    }
    Ok(layer)
}

/// The address of the first plain listener in `http://HOST:PORT,https://HOST:PORT`.
fn first_http_listener(text: &str) -> Option<&str> {
    text.split(',').find_map(|one| {
        let one = one.trim();
        let (before, address) = one.split_once("://")?;
        (!before.eq_ignore_ascii_case("https")).then_some(address.trim_end_matches('/'))
    })
}

fn why_ignored(name: &str) -> &'static str {
    if name.starts_with("KAFKASTORE_") || name.starts_with("KAFKAGROUP_") {
        "schemas are kept in the database, not in Kafka"
    } else if name.starts_with("LEADER_") || name.starts_with("MASTER_") || name == "SCHEMA_REGISTRY_GROUP_ID"
    {
        "there is no leader: every node reads and writes"
    } else if name == "HOST_NAME" || name == "HOST_PORT" || name.starts_with("INTER_INSTANCE_") {
        "nodes do not call one another"
    } else if name.starts_with("JMX") || name.starts_with("METRIC") || name.starts_with("HEAP") {
        "there is no Java virtual machine"
    } else {
        "no such setting"
    }
}

#[cfg(test)]
mod tests {
    use assay_schema_core::CompatibilityLevel;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Result<(Layer, Ignored), ConfigError> {
        read(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn variables_injected_by_kubernetes_are_only_mentioned() {
        let (layer, ignored) = environment(&[
            ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081"),
            ("SCHEMA_REGISTRY_PORT_8081_TCP", "tcp://10.0.0.1:8081"),
            ("SCHEMA_REGISTRY_PORT_8081_TCP_PORT", "8081"),
            ("SCHEMA_REGISTRY_SERVICE_HOST", "10.0.0.1"),
            ("SCHEMA_REGISTRY_SERVICE_PORT_HTTP", "8081"),
            ("ASSAY_PORT", "tcp://10.0.0.2:8081"),
            ("ASSAY_SERVICE_HOST", "10.0.0.2"),
        ])
        .unwrap();
        assert_eq!(layer, Layer::default());
        let line = ignored.line().unwrap();
        assert!(line.contains("SCHEMA_REGISTRY_PORT,") && line.contains("ASSAY_SERVICE_HOST"), "{line}");
        assert_eq!(line.matches("set by the orchestrator").count(), 1, "{line}");
    }

    #[test]
    fn familiar_names_are_taken_and_ours_win() {
        let (layer, ignored) = environment(&[
            ("SCHEMA_REGISTRY_LISTENERS", "https://0.0.0.0:8443,http://0.0.0.0:18081"),
            ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "full"),
            ("SCHEMA_REGISTRY_AVRO_COMPATIBILITY_LEVEL", "none"),
            ("SCHEMA_REGISTRY_SHUTDOWN_GRACEFUL_MS", "2500"),
            ("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "kafka:9092"),
            ("SCHEMA_REGISTRY_HOST_NAME", "registry"),
            ("ASSAY_COMPATIBILITY", "FORWARD"),
            ("ASSAY_TEST_POSTGRES_URL", "postgres://x"),
            ("UNRELATED", "x"),
        ])
        .unwrap();
        assert_eq!(layer.registry_listen.unwrap().to_string(), "0.0.0.0:18081");
        assert_eq!(layer.compatibility, Some(CompatibilityLevel::Forward));
        assert_eq!(layer.shutdown_timeout.unwrap().as_millis(), 2500);
        let line = ignored.line().unwrap();
        assert!(line.contains("KAFKASTORE_BOOTSTRAP_SERVERS (schemas are kept in the database"), "{line}");
        assert!(line.contains("HOST_NAME (nodes do not call one another)"), "{line}");
        assert!(!line.contains("ASSAY_TEST"), "{line}");
    }

    #[test]
    fn a_misspelt_variable_is_mentioned_and_a_bad_value_is_refused() {
        let (_, ignored) = environment(&[("ASSAY_DATADIR", "x")]).unwrap();
        assert_eq!(ignored.line().unwrap(), "ignored environment variables: ASSAY_DATADIR (no such setting)");
        let error = environment(&[("ASSAY_REGISTRY_LISTEN", "8081")]).unwrap_err();
        assert_eq!(error.to_string(), "ASSAY_REGISTRY_LISTEN: `8081` is not HOST:PORT");
    }
}
