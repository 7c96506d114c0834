//! What allocates, as the allocator of this test binary counts it.

use std::hint::black_box;

use allocation_counter::measure;
use serde::{Deserialize, Serialize};

use super::{pair, plan, record};

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Inner<'a> {
    text: &'a str,
    flag: bool,
}

/// Every kind of type that a struct can hold without owning memory.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct View<'a> {
    int: i32,
    long: i64,
    float: f32,
    double: f64,
    text: &'a str,
    bytes: &'a [u8],
    suit: Suit,
    #[serde(borrow)]
    inner: Inner<'a>,
    #[serde(borrow)]
    maybe: Option<&'a str>,
    stamp: i64,
    fixed: (u8, u8),
    pair: (i32, i32),
}

const VIEW: &str = r#"{"name":"int","type":"int"},{"name":"long","type":"long"},{"name":"float","type":"float"},
    {"name":"double","type":"double"},{"name":"text","type":"string"},{"name":"bytes","type":"bytes"},
    {"name":"suit","type":{"type":"enum","name":"Suit","symbols":["Hearts","Spades"]}},
    {"name":"inner","type":{"type":"record","name":"Inner","fields":[
        {"name":"text","type":"string"},{"name":"flag","type":"boolean"}]}},
    {"name":"maybe","type":["null","string"]},{"name":"stamp","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"fixed","type":{"type":"fixed","name":"F","size":2}},{"name":"pair","type":{"type":"array","items":"int"}}"#;

fn view() -> View<'static> {
    View {
        int: -5,
        long: 1 << 40,
        float: 0.5,
        double: 2.5,
        text: "some text, and not short",
        bytes: &[1, 2, 0xff],
        suit: Suit::Spades,
        inner: Inner { text: "ünïcödé", flag: true },
        maybe: Some("x"),
        stamp: 1_781_234_567_890,
        fixed: (3, 4),
        pair: (5, 6),
    }
}

#[test]
fn encoding_into_a_reused_buffer_allocates_nothing() {
    let (plan, view) = (plan(&record(VIEW)), view());
    let mut out = Vec::with_capacity(1024);
    let used = measure(|| {
        for _ in 0..3 {
            out.clear();
            plan.encode(black_box(&view), &mut out).unwrap();
        }
    });
    assert_eq!(used.count_total, 0);
}

#[test]
fn fields_out_of_order_are_put_in_order_in_a_buffer_that_stays() {
    #[derive(Serialize)]
    struct Scattered {
        b: i64,
        a: &'static str,
    }
    let plan = plan(&record(r#"{"name":"a","type":"string"},{"name":"b","type":"long"}"#));
    let value = Scattered { b: 1, a: "text" };
    let mut out = Vec::with_capacity(64);
    plan.encode(&value, &mut out).unwrap();
    let used = measure(|| {
        out.clear();
        plan.encode(black_box(&value), &mut out).unwrap();
    });
    assert_eq!(used.count_total, 0);
}

#[test]
fn validating_and_borrowing_allocate_nothing() {
    let plan = plan(&record(VIEW));
    let bytes = plan.encode_to_vec(&view()).unwrap();
    assert_eq!(measure(|| plan.validate(black_box(&bytes)).unwrap()).count_total, 0);
    let used = measure(|| assert_eq!(plan.decode::<View<'_>>(black_box(&bytes)), Ok(view())));
    assert_eq!(used.count_total, 0);
}

#[test]
fn what_a_reader_does_not_have_is_skipped_without_allocating() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Last<'a> {
        double: f64,
        #[serde(borrow)]
        maybe: Option<&'a str>,
        count: i64,
    }
    let reader = record(
        r#"{"name":"double","type":"double"},{"name":"maybe","type":["null","string"]},
           {"name":"count","type":"long","default":7}"#,
    );
    let bytes = plan(&record(VIEW)).encode_to_vec(&view()).unwrap();
    let resolved = pair(&record(VIEW), &reader);
    let expected = Last { double: 2.5, maybe: Some("x"), count: 7 };
    let used = measure(|| assert_eq!(resolved.decode::<Last<'_>>(black_box(&bytes)).as_ref(), Ok(&expected)));
    assert_eq!(used.count_total, 0);
}
