//! What has no Avro form is refused where it stands, with a way out.

use syn::DeriveInput;

/// What the compiler says of a type; nothing when it has a schema.
fn refusal(source: &str) -> Option<String> {
    let input: DeriveInput = syn::parse_str(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    super::expand(&input).err().map(|error| error.to_string())
}

#[test]
fn types_that_serde_writes_in_no_avro_form_do_not_compile() {
    for (source, message) in [
        ("struct A(i32, String);", "fields of several types need names"),
        ("struct A();", "leave the parentheses out"),
        ("struct A(#[serde(skip)] i32);", "leave the parentheses out"),
        ("union A { a: i32 }", "a union has no Avro schema"),
        (
            r#"#[serde(tag = "kind")] enum A { B { c: i32 } }"#,
            "Avro tells variants apart by a union's branch",
        ),
        (r#"#[serde(tag = "t", content = "c")] enum A { B(i32) }"#, "leave the tag out"),
        ("enum A { B(i32, String) }", "fields of several types need names"),
        ("enum A { B(i32), #[serde(untagged)] C(String) }", "on the whole enum only"),
        (r#"#[serde(into = "String")] struct A { b: i32 }"#, "implement AvroSchema by hand"),
        ("#[serde(transparent)] struct A { b: i32, c: i32 }", "takes one field"),
        (
            r#"struct A { #[serde(with = "my::functions")] b: i32 }"#,
            r#"needs its type spelt out: #[avro(schema = "...")]"#,
        ),
        (
            r#"struct A { #[serde(rename(serialize = "x", deserialize = "y"))] b: i32 }"#,
            "one schema has one name",
        ),
        (r#"#[serde(rename_all = "Shouting")] struct A { b: i32 }"#, "not a rule that serde knows"),
        ("struct A { #[avro(default)] b: i32 }", r#"the default of a field is JSON: default = "...""#),
        ("enum A { #[avro(default)] B, #[avro(default)] C }", "one variant is the default"),
        ("struct A { #[avro(colour)] b: i32 }", "not one of doc, default, schema, logical, precision, scale"),
        ("#[avro(colour)] struct A { b: i32 }", "not one of name, namespace, doc, alias"),
    ] {
        let said = refusal(source).unwrap_or_else(|| panic!("accepted: {source}"));
        assert!(said.contains(message), "{source}: {said}");
    }
}

#[test]
fn every_form_of_struct_and_enum_that_has_one_compiles() {
    for source in [
        "struct A;",
        "struct A(i32);",
        "struct A(f64, f64, f64);",
        "struct A(f64, f64, #[serde(skip)] String);",
        "struct A<T>(Vec<T>);",
        "enum A { B, C }",
        "enum A { Null, B { c: i32 }, D(E), Array(i32, i32) }",
        "#[serde(untagged)] enum A { B(i32), C(String) }",
        r#"struct A { #[serde(with = "serde_bytes")] b: Option<Vec<u8>> }"#,
    ] {
        assert_eq!(refusal(source), None, "{source}");
    }
}
