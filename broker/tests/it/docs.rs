//! The documented table is the served one.

use assay_broker::config::KEYS;
use assay_broker::dispatch::SERVED;

#[test]
fn protocol_support_lists_what_is_served() {
    let page = include_str!("../../../docs/protocol-support.md");
    let documented: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_digit))
        .collect();
    let served: Vec<String> = SERVED
        .iter()
        .map(|row| {
            let (key, name) = (row.api.code(), row.api.name());
            format!("| {key} | {name} | {}–{} |", row.version_min, row.version_max)
        })
        .collect();
    for (served, line) in served.iter().zip(&documented) {
        assert!(line.starts_with(served.as_str()), "the page says {line:?}, the table {served:?}");
    }
    assert_eq!(served.len(), documented.len(), "rows");
}

#[test]
fn every_broker_setting_is_documented_with_its_default() {
    let page = include_str!("../../../docs/configuration.md");
    for key in KEYS {
        let default = match key.default {
            "" => "none".to_owned(),
            text => format!("`{}`", text.replace(',', "`, `")),
        };
        let row = format!("| `{}` | {default} |", key.name);
        assert!(page.contains(&row), "docs/configuration.md has no row that begins {row}");
    }
}
