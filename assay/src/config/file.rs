//! The TOML file as a layer of settings. Unknown names are refused, so that a misspelt one is noticed.

use std::path::Path;

use toml::Value;

use super::{
    ConfigError,
    layer::{Layer, Source, bad},
};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Names in the file, by table, and the setting each one is.
const NAMES: [(&str, &str); 15] = [
    ("data_dir", "data_dir"),
    ("roles", "roles"),
    ("log", "log"),
    ("log_format", "log_format"),
    ("shutdown_timeout", "shutdown_timeout"),
    ("registry.listen", "registry_listen"),
    ("registry.database_url", "database_url"),
    ("registry.compatibility", "compatibility"),
    ("registry.mode_mutability", "mode_mutability"),
    ("broker.listen", "broker_listen"),
    ("broker.advertise", "broker_advertise"),
    ("broker.registry_url", "registry_url"),
    ("broker.config", "broker_config"),
    ("broker.server_properties", "server_properties"),
    ("database_url", "database_url"),
];

/// Reads and parses the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Layer, ConfigError> {
    let failed = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let metadata = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(failed(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let display = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    parse(&text, &display).map_err(|error| match error {
        ConfigError::Toml { reason } => failed(reason),
        other => other,
    })
}

/// Parses the text of a file that is called `file` in messages.
pub(crate) fn parse(text: &str, file: &str) -> Result<Layer, ConfigError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(1, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
        ConfigError::Toml { reason: format!("line {line}: {}", error.message()) }
    })?;
    let mut layer = Layer::default();
    for (name, value) in &table {
        match value {
            Value::Table(inner) if name == "registry" || name == "broker" => {
                for (key, value) in inner {
                    set(&mut layer, &format!("{name}.{key}"), value, file)?;
                }
            }
            value => set(&mut layer, name, value, file)?,
        }
    }
    Ok(layer)
}

fn set(layer: &mut Layer, name: &str, value: &Value, file: &str) -> Result<(), ConfigError> {
    let source = Source(format!("{file}: {name}"));
    let Some((_, setting)) = NAMES.iter().find(|(written, _)| *written == name) else {
        return Err(bad(&source, "there is no such setting".to_owned()));
    };
    if let (Value::Table(pairs), "broker_config") = (value, *setting) {
        for (key, value) in pairs {
            layer.broker_config.insert(key.clone(), text_of(value, &source)?);
        }
        return Ok(());
    }
    let text = text_of(value, &source)?;
    layer.set(setting, &text, &source).transpose().map(|_set| ())
}

/// A scalar as text; an array of scalars as a comma-separated list.
fn text_of(value: &Value, source: &Source) -> Result<String, ConfigError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(flag) => Ok(flag.to_string()),
        Value::Array(list) => {
            let parts = list.iter().map(|one| text_of(one, source)).collect::<Result<Vec<_>, _>>()?;
            Ok(parts.join(","))
        }
        Value::Table(_) | Value::Datetime(_) => {
            Err(bad(source, "a text, number, boolean or list is expected".to_owned()))
        }
    }
}
