//! The documented table is the served one.

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
