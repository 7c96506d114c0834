//! The flags as a layer of settings.

use super::{
    ConfigError,
    layer::{Layer, Source},
};
use crate::cli::ServeArgs;

/// Parses the flags. A repeatable flag that was given several times is one list.
pub(crate) fn read(arguments: &ServeArgs) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    let lists = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
    for (name, text) in [
        ("data_dir", arguments.data_dir.clone()),
        ("roles", arguments.roles.clone()),
        ("registry_listen", arguments.registry_listen.clone()),
        ("broker_listen", lists(&arguments.broker_listen)),
        ("broker_advertise", lists(&arguments.broker_advertise)),
        ("database_url", arguments.database_url.clone()),
        ("registry_url", arguments.registry_url.clone()),
        ("server_properties", arguments.server_properties.clone()),
        ("compatibility", arguments.compatibility.clone()),
        ("mode_mutability", arguments.mode_mutability.clone()),
        ("shutdown_timeout", arguments.shutdown_timeout.clone()),
        ("log_format", arguments.log_format.clone()),
    ] {
        if let Some(text) = text {
            let source = Source(format!("--{}", name.replace('_', "-")));
            layer.set(name, &text, &source).transpose()?;
        }
    }
    let source = Source("--broker-config".to_owned());
    for pair in &arguments.broker_config {
        layer.set_one_broker_config(pair, &source)?;
    }
    Ok(layer)
}
