use assay_schema_core::CompatibilityLevel;
use assay_schema_core::avro::{CheckError, Located, ParseMode, Schema, check, diff, edits, explain};

use crate::generate::{Random, damaged, evolved, schema};

const PAIRS: u64 = 3_000;

/// Pairs of schemas that both parse: most of them a schema and an evolution of it. Old first.
fn pairs() -> impl Iterator<Item = (u64, Schema, Schema)> {
    (0..PAIRS).filter_map(|seed| {
        let mut random = Random::new(seed);
        let old = schema(&mut random);
        let new = if random.chance(90) { evolved(&mut random, &old) } else { schema(&mut random) };
        let parse = |value: &serde_json::Value| Schema::parse(&value.to_string(), ParseMode::Lax).ok();
        Some((seed, parse(&old)?, parse(&new)?))
    })
}

#[test]
fn generated_pairs_are_of_every_kind() {
    let (mut all, mut compatible, mut incompatible, mut ambiguous) = (0, 0, 0, 0);
    for (_, old, new) in pairs() {
        all += 1;
        match check(&new, &old) {
            Ok(found) if found.is_empty() => compatible += 1,
            Ok(_) => incompatible += 1,
            Err(_) => ambiguous += 1,
        }
    }
    assert!(all > PAIRS * 7 / 10, "{all} of {PAIRS} parse");
    assert!(
        compatible > 400 && incompatible > 400 && ambiguous > 5,
        "{compatible} {incompatible} {ambiguous}"
    );
}

#[test]
fn a_difference_breaks_a_direction_exactly_when_the_check_fails() {
    for (seed, old, new) in pairs() {
        let changes = diff::diff(&Located::canonical(&old), &Located::canonical(&new));
        let shown = || format!("seed {seed}\nold {old:?}\nnew {new:?}\n{changes:#?}");
        for (reader, writer, broken) in [
            (&new, &old, changes.iter().any(|change| change.breaks_backward)),
            (&old, &new, changes.iter().any(|change| change.breaks_forward)),
        ] {
            match check(reader, writer) {
                Ok(found) => assert_eq!(broken, !found.is_empty(), "{found:?} {}", shown()),
                // a field that matches twice may be part of both schemas
                Err(CheckError::Ambiguous(_)) => {
                    assert!(broken || check(reader, reader).is_err(), "{}", shown());
                }
                Err(CheckError::TooComplex) => panic!("{}", shown()),
            }
        }
    }
}

#[test]
fn a_difference_is_empty_exactly_when_nothing_differs() {
    for (seed, old, new) in pairs() {
        let located = Located::canonical(&old);
        assert_eq!(diff::diff(&located, &located), []);
        let changes = diff::diff(&located, &Located::canonical(&new));
        if changes.is_empty() {
            assert!(old.equivalent(&new), "seed {seed}");
            assert_eq!(check(&old, &new).is_ok_and(|found| found.is_empty()), check(&old, &old).is_ok());
        } else if old.equivalent(&new) {
            let flag = diff::ChangeKind::ErrorFlagChanged;
            assert!(changes.iter().all(|change| change.kind == flag), "seed {seed}: {changes:?}");
        }
    }
}

/// Every place an explanation or a difference names exists in the text, and holds what it says.
#[test]
fn places_lead_to_what_they_show() {
    let words = explain::Words { reader: "the new schema", writer: "version 1" };
    for (seed, old, new) in pairs() {
        let (located_old, located_new) = (Located::canonical(&old), Located::canonical(&new));
        let text = |schema: &Schema| serde_json::from_str::<serde_json::Value>(schema.canonical()).unwrap();
        let (old_text, new_text) = (text(&old), text(&new));
        let found = explain::explain(&located_new, &located_old, words);
        assert_eq!(found.is_empty(), check(&new, &old).is_ok_and(|found| found.is_empty()), "seed {seed}");
        let mut open: Vec<&explain::Explanation> = found.iter().collect();
        while let Some(one) = open.pop() {
            for (side, text) in [(&one.reader, &new_text), (&one.writer, &old_text)] {
                assert!(text.pointer(&side.pointer).is_some(), "seed {seed}: {side:?} in {text}");
            }
            assert!(one.why.ends_with('.') && one.why.starts_with(char::is_uppercase), "{}", one.why);
            open.extend(&one.causes);
        }
        for change in diff::diff(&located_old, &located_new) {
            for (side, text) in [(&change.new, &new_text), (&change.old, &old_text)] {
                let there = text.pointer(&side.pointer);
                assert!(there.is_some() || side.json.is_none(), "seed {seed}: {change:?}");
                if let (Some(serde_json::Value::String(shown)), Some(serde_json::Value::String(there))) =
                    (&side.json, there)
                {
                    assert!(shown.ends_with(there.as_str()), "seed {seed}: {change:?}");
                }
            }
        }
    }
}

/// Whatever is offered parses, passes the level against every version, and is what its patch makes of the posted text.
#[test]
fn suggested_edits_always_verify() {
    let (mut refused, mut mended) = (0, 0);
    for seed in 0..PAIRS / 3 {
        let mut random = Random::new(seed + 1_000_000);
        let oldest = schema(&mut random);
        let values = [evolved(&mut random, &oldest), oldest];
        let new = evolved(&mut random, &values[0]);
        let olds: Vec<Schema> =
            values.iter().filter_map(|old| Schema::parse(&old.to_string(), ParseMode::Strict).ok()).collect();
        let olds: Vec<&Schema> = olds.iter().collect();
        let level = *random.pick(&CompatibilityLevel::ALL);
        let taking_part = match level {
            CompatibilityLevel::None => 0,
            level if level.is_transitive() => olds.len(),
            _ => olds.len().min(1),
        };
        let accepted = |schema: &Schema| {
            olds[..taking_part].iter().all(|old| {
                let reads = |reader: &Schema, writer: &Schema| {
                    check(reader, writer).is_ok_and(|found| found.is_empty())
                };
                (!level.checks_backward() || reads(schema, old))
                    && (!level.checks_forward() || reads(old, schema))
            })
        };
        let text = new.to_string();
        let Ok(parsed) = Schema::parse(&text, ParseMode::Strict) else { continue };
        let posted = edits::Posted { text: &text, references: &[], mode: ParseMode::Strict };
        let found = edits::suggest(&posted, &olds, level);
        if accepted(&parsed) {
            assert_eq!(found, [], "seed {seed}");
            continue;
        }
        // a history that breaks its own level may leave no way out
        if !olds[..taking_part].iter().all(|old| accepted(old)) {
            continue;
        }
        refused += 1;
        mended += u32::from(!found.is_empty());
        for edit in found {
            let edited = edits::apply(&new, &edit.patch).unwrap();
            assert_eq!(edited.to_string(), edit.schema, "seed {seed}");
            let edited = Schema::parse(&edit.schema, ParseMode::Strict).unwrap();
            assert!(accepted(&edited), "seed {seed} {level}: {edit:?}");
        }
    }
    println!("{mended} of {refused} refused schemas mended");
    assert!(refused > 150 && mended * 100 > refused * 95, "{mended} of {refused}");
}

#[test]
fn a_transitive_level_implies_the_plain_one_and_verdicts_survive_normalising() {
    use assay_schema_core::Version;
    use assay_schema_core::compatibility::{OldVersion, check_against};
    for seed in 0..PAIRS / 3 {
        let mut random = Random::new(seed + 2_000_000);
        let mut values = vec![schema(&mut random)];
        for _ in 0..3 {
            let next = evolved(&mut random, &values[0]);
            values.insert(0, next);
        }
        let parsed: Vec<Schema> = values
            .iter()
            .filter_map(|value| Schema::parse(&value.to_string(), ParseMode::Lax).ok())
            .collect();
        let Some((new, olds)) = parsed.split_first() else { continue };
        let mut versions: Vec<OldVersion<'_>> = (1..)
            .zip(olds.iter().rev())
            .map(|(number, schema)| OldVersion {
                version: Version::new(number).unwrap(),
                schema,
                text: schema.canonical(),
            })
            .collect();
        versions.reverse();
        let compatible = |level, new| check_against(level, new, &versions).compatible;
        let normal = new.normalized().unwrap();
        for level in CompatibilityLevel::ALL {
            assert_eq!(compatible(level, new), compatible(level, &normal), "seed {seed} {level}");
        }
        for (transitive, plain) in [
            (CompatibilityLevel::BackwardTransitive, CompatibilityLevel::Backward),
            (CompatibilityLevel::ForwardTransitive, CompatibilityLevel::Forward),
            (CompatibilityLevel::FullTransitive, CompatibilityLevel::Full),
            (CompatibilityLevel::Full, CompatibilityLevel::Backward),
            (CompatibilityLevel::Full, CompatibilityLevel::Forward),
        ] {
            assert!(!compatible(transitive, new) || compatible(plain, new), "seed {seed} {transitive}");
        }
    }
}

/// Anything that can be parsed can be explained, compared and edited.
#[test]
fn odd_schemas_have_explanations_differences_and_edits() {
    let mut parsed = 0;
    let words = explain::Words { reader: "the new schema", writer: "version 1" };
    for seed in 0..PAIRS {
        let mut random = Random::new(seed + 3_000_000);
        let value = schema(&mut random);
        let texts = [damaged(&mut random, &value), evolved(&mut random, &value).to_string()];
        let parse = |text: &String| Schema::parse(text, ParseMode::Lax).ok();
        let [Some(new), Some(old)] = texts.each_ref().map(parse) else { continue };
        parsed += 1;
        let (located_new, located_old) = (Located::in_text(&new, &texts[0]), Located::canonical(&old));
        diff::diff(&located_old, &located_new);
        let found = explain::explain(&located_new, &located_old, words);
        assert_eq!(found.is_empty(), check(&new, &old) == Ok(Vec::new()));
        let posted = edits::Posted { text: &texts[0], references: &[], mode: ParseMode::Lax };
        for edit in edits::suggest(&posted, &[&old], CompatibilityLevel::Backward) {
            let edited = Schema::parse(&edit.schema, ParseMode::Lax).unwrap();
            assert_eq!(check(&edited, &old), Ok(Vec::new()), "seed {seed}");
        }
    }
    assert!(parsed > 150, "{parsed}");
}
