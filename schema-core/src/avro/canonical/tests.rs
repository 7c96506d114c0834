use crate::avro::{ParseMode, Schema};

fn canonical(text: &str) -> String {
    let schema = Schema::parse(text, ParseMode::Strict).unwrap_or_else(|error| panic!("{text}: {error}"));
    let printed = schema.canonical().to_owned();
    let again = Schema::parse(&printed, ParseMode::Strict).unwrap();
    assert_eq!(again.canonical(), printed, "printing is a fixed point");
    printed
}

#[test]
fn the_worked_examples_print_as_recorded() {
    for (text, expected) in [
        (r#"{"type":"string"}"#, r#""string""#),
        (
            r#"{"type":"record","name":"a.b.R","fields":[]}"#,
            r#"{"type":"record","name":"R","namespace":"a.b","fields":[]}"#,
        ),
        (
            r#"{"fields":[{"zz":1,"aliases":["q"],"order":"descending","default":"x","doc":"fd","type":"string","name":"a"}],"aliases":["old"],"aa":2,"doc":"d","namespace":"n.s","name":"R","zz":{"y":1,"x":2},"type":"record"}"#,
            r#"{"type":"record","name":"R","namespace":"n.s","doc":"d","fields":[{"name":"a","type":"string","doc":"fd","default":"x","order":"descending","aliases":["q"],"zz":1}],"aa":2,"zz":{"y":1,"x":2},"aliases":["old"]}"#,
        ),
        (
            r#"{"scale":2,"type":"bytes","precision":5,"x":1,"logicalType":"decimal"}"#,
            r#"{"type":"bytes","scale":2,"precision":5,"x":1,"logicalType":"decimal"}"#,
        ),
        (
            r#"{"type":"record","name":"x.r","fields":[{"name":"b","type":{"type":"record","name":"B","namespace":"","fields":[]}}]}"#,
            r#"{"type":"record","name":"r","namespace":"x","fields":[{"name":"b","type":{"type":"record","name":"B","namespace":"","fields":[]}}]}"#,
        ),
    ] {
        assert_eq!(canonical(text), expected);
    }
}

#[test]
fn names_print_as_short_as_they_may() {
    for (text, expected) in [
        // later mentions: simple in the same namespace, full elsewhere
        (
            r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"fixed","name":"b.F","size":1}},{"name":"g","type":"b.F"},{"name":"h","type":["null","R"]}]}"#,
            r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":{"type":"fixed","name":"F","namespace":"b","size":1}},{"name":"g","type":"b.F"},{"name":"h","type":["null","R"]}]}"#,
        ),
        // a type keyword stays full
        (
            r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"fixed","name":"map","size":1}},{"name":"g","type":"a.map"}]}"#,
            r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":{"type":"fixed","name":"map","size":1}},{"name":"g","type":"a.map"}]}"#,
        ),
        // aliases: simple in the type's own namespace
        (
            r#"{"type":"fixed","name":"a.F","size":1,"aliases":["G","a.H","b.I"]}"#,
            r#"{"type":"fixed","name":"F","namespace":"a","size":1,"aliases":["G","H","b.I"]}"#,
        ),
        // a leading dot means the null namespace
        (r#"{"type":"fixed","name":".c","size":1}"#, r#"{"type":"fixed","name":"c","size":1}"#),
        // the name's own namespace beats the attribute
        (
            r#"{"type":"fixed","name":"x.y.F","namespace":"z","size":1}"#,
            r#"{"type":"fixed","name":"F","namespace":"x.y","size":1}"#,
        ),
        // arrays and maps pass the namespace through
        (
            r#"{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"array","items":{"type":"map","values":{"type":"enum","name":"E","symbols":[]}}}}]}"#,
            r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":{"type":"array","items":{"type":"map","values":{"type":"enum","name":"E","symbols":[]}}}}]}"#,
        ),
        // a definition moves to its first use
        (
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":"E"},{"name":"g","type":{"type":"enum","name":"E","symbols":["A"]}}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"g","type":"E"}]}"#,
        ),
        // a null-namespace type is found from inside a namespace
        (
            r#"[{"type":"fixed","name":"F","size":1},{"type":"record","name":"a.R","fields":[{"name":"f","type":"F"}]}]"#,
            r#"[{"type":"fixed","name":"F","size":1},{"type":"record","name":"R","namespace":"a","fields":[{"name":"f","type":"F"}]}]"#,
        ),
        // the null namespace inside another is spelt out, also by null
        (
            r#"{"type":"error","name":"E","namespace":null,"fields":[{"name":"f","type":{"type":"E"},"namespace":"q"}]}"#,
            r#"{"type":"error","name":"E","fields":[{"name":"f","type":"E","namespace":"q"}]}"#,
        ),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn attributes_stay_and_reserved_keys_go() {
    for (text, expected) in [
        (
            r#"{"type":"int","doc":"d","name":"n","default":3,"x":null}"#,
            r#"{"type":"int","default":3,"x":null}"#,
        ),
        (
            r#"{"type":"array","items":"int","aliases":["a"],"size":1,"b":[1,{"c":2}]}"#,
            r#"{"type":"array","items":"int","b":[1,{"c":2}]}"#,
        ),
        (
            r#"{"type":"enum","name":"E","doc":5,"symbols":["A"],"default":null}"#,
            r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        ),
        (
            r#"{"type":"fixed","name":"F","size":2,"default":"x","doc":""}"#,
            r#"{"type":"fixed","name":"F","doc":"","size":2,"default":"x"}"#,
        ),
        (r#"{"type":"fixed","name":"F","size":2,"aliases":[]}"#, r#"{"type":"fixed","name":"F","size":2}"#),
        ("[]", "[]"),
        (r#"["int"]"#, r#"["int"]"#),
        (r#"{"type":"int","a":1,"b":2,"a":3}"#, r#"{"type":"int","a":3,"b":2}"#),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn numbers_and_strings_print_as_java_does() {
    for (given, printed) in [
        ("1", "1"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.0", "1.0"),
        ("1.50", "1.5"),
        ("1e3", "1000.0"),
        ("9999999.0", "9999999.0"),
        ("10000000.0", "1.0E7"),
        ("123456789.0", "1.23456789E8"),
        ("0.001", "0.001"),
        ("0.0009", "9.0E-4"),
        ("1e-7", "1.0E-7"),
        ("-12.5e1", "-125.0"),
        ("1.7976931348623157e308", "1.7976931348623157E308"),
        ("1e400", "\"Infinity\""),
        (r#""\u0041\/\u00e9\n\u0001\"\\""#, r#""A/é\n\u0001\"\\""#),
        (r#""\u001f\b\f\t\r""#, r#""\u001F\b\f\t\r""#),
        (r#""\ud83d\ude00 <&>""#, "\"😀 <&>\""),
    ] {
        let expected = format!(r#"{{"type":"int","x":{printed}}}"#);
        assert_eq!(canonical(&format!(r#"{{"type":"int","x":{given}}}"#)), expected);
    }
}

#[test]
fn comments_are_read_and_not_kept() {
    assert_eq!(canonical("/* a */ { // b\n\"type\" /* c */ : \"int\" }"), "\"int\"");
}

#[test]
fn textual_numbers_become_numbers_for_floating_fields() {
    for (default, printed) in [
        ("\"1.5\"", "1.5"),
        ("\" 2d\"", "2.0"),
        ("\"NaN\"", "\"NaN\""),
        ("\"-Infinity\"", "\"-Infinity\""),
        ("1", "1"),
    ] {
        let text = |default: &str| {
            format!(
                r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":"double","default":{default}}}]}}"#
            )
        };
        assert_eq!(canonical(&text(default)), text(printed));
    }
}

#[test]
fn references_print_as_names_and_resolve_inline() {
    let inner = r#"{"type":"record","name":"a.Inner","fields":[{"name":"d","type":{"type":"fixed","name":"Deep","size":1}}]}"#;
    let parse = |text: &str| Schema::parse_with_references(text, &[inner], ParseMode::Strict).unwrap();
    for (text, stored, resolved) in [
        (
            r#"{"type":"record","name":"a.R","fields":[{"name":"i","type":"Inner"}]}"#,
            r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"i","type":"Inner"}]}"#,
            r#"{"type":"record","name":"R","namespace":"a","fields":[{"name":"i","type":{"type":"record","name":"Inner","fields":[{"name":"d","type":{"type":"fixed","name":"Deep","size":1}}]}}]}"#,
        ),
        (
            r#"{"type":"array","items":"a.Deep"}"#,
            r#"{"type":"array","items":{"type":"fixed","name":"Deep","namespace":"a","size":1}}"#,
            r#"{"type":"array","items":{"type":"fixed","name":"Deep","namespace":"a","size":1}}"#,
        ),
        (
            r#""a.Inner""#,
            r#""a.Inner""#,
            r#"{"type":"record","name":"Inner","namespace":"a","fields":[{"name":"d","type":{"type":"fixed","name":"Deep","size":1}}]}"#,
        ),
        // the same definition once more is legal and prints as the name
        (
            inner,
            r#""a.Inner""#,
            r#"{"type":"record","name":"Inner","namespace":"a","fields":[{"name":"d","type":{"type":"fixed","name":"Deep","size":1}}]}"#,
        ),
    ] {
        let schema = parse(text);
        assert_eq!(schema.canonical(), stored);
        assert_eq!(schema.resolved(), resolved);
        // the stored text needs its references again
        assert_eq!(parse(schema.canonical()).canonical(), stored);
        let standalone = Schema::parse(resolved, ParseMode::Strict).unwrap();
        assert!(standalone.equivalent(&schema));
        assert_eq!(standalone.parsing_canonical_form(), schema.parsing_canonical_form());
    }
    let other = r#"{"type":"record","name":"a.Inner","fields":[]}"#;
    let error = Schema::parse_with_references(other, &[inner], ParseMode::Strict).unwrap_err();
    assert_eq!(error.to_string(), "Can't redefine: a.Inner");
    let dependent = r#"{"type":"record","name":"a.First","fields":[{"name":"i","type":"Inner"}]}"#;
    let error =
        Schema::parse_with_references("\"a.First\"", &[dependent, inner], ParseMode::Strict).unwrap_err();
    assert_eq!(error.to_string(), "Undefined schema: a.Inner");
    assert_eq!(error.reference(), Some(0));
}
