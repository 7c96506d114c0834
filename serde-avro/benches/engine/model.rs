//! The record under test: an order of 13 fields, one nested record, an enum, a nullable union, an array of three
//! records, a map and a timestamp; 262 bytes, 267 with the five of the frame.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub(crate) const WRITER: &str = include_str!("order.avsc");
/// `priority` is promoted to long, `email` is gone, `note` is new.
pub(crate) const READER: &str = include_str!("order_v2.avsc");

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    New,
    Paid,
    Shipped,
    Cancelled,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Address {
    street: String,
    city: String,
    zip: String,
    country: String,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct LineItem {
    sku: String,
    quantity: i32,
    price: f64,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename = "OrderPlaced")]
#[expect(clippy::struct_field_names, reason = "the schema's names")]
pub(crate) struct Order {
    order_id: String,
    customer_id: i64,
    email: String,
    status: Status,
    total: f64,
    currency: String,
    coupon: Option<String>,
    placed_at: i64,
    gift: bool,
    priority: i32,
    address: Address,
    items: Vec<LineItem>,
    attributes: HashMap<String, String>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename = "OrderPlaced")]
pub(crate) struct OrderV2 {
    order_id: String,
    customer_id: i64,
    note: Option<String>,
    status: Status,
    total: f64,
    currency: String,
    coupon: Option<String>,
    placed_at: i64,
    gift: bool,
    priority: i64,
    address: Address,
    items: Vec<LineItem>,
    attributes: HashMap<String, String>,
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only decoded")]
pub(crate) struct AddressRef<'a> {
    street: &'a str,
    city: &'a str,
    zip: &'a str,
    country: &'a str,
}

#[derive(Deserialize, Debug)]
#[expect(dead_code, reason = "only decoded")]
pub(crate) struct LineItemRef<'a> {
    sku: &'a str,
    quantity: i32,
    price: f64,
}

#[derive(Deserialize, Debug)]
#[serde(rename = "OrderPlaced")]
#[expect(dead_code, reason = "only decoded")]
pub(crate) struct OrderRef<'a> {
    order_id: &'a str,
    customer_id: i64,
    email: &'a str,
    status: Status,
    total: f64,
    currency: &'a str,
    coupon: Option<&'a str>,
    placed_at: i64,
    gift: bool,
    priority: i32,
    #[serde(borrow)]
    address: AddressRef<'a>,
    #[serde(borrow)]
    items: Vec<LineItemRef<'a>>,
    #[serde(borrow)]
    attributes: HashMap<&'a str, &'a str>,
}

pub(crate) fn sample() -> Order {
    let item = |sku: &str, quantity, price| LineItem { sku: sku.to_owned(), quantity, price };
    Order {
        order_id: "3f2b8c1e-9d47-4a55-b0c2-7e61a9d4f810".to_owned(),
        customer_id: 8_812_345_671,
        email: "anneliese.vandenberg@example.org".to_owned(),
        status: Status::Paid,
        total: 219.85,
        currency: "EUR".to_owned(),
        coupon: Some("SPRING-2026-15".to_owned()),
        placed_at: 1_781_234_567_890,
        gift: false,
        priority: 3,
        address: Address {
            street: "Lange Voorhout 74".to_owned(),
            city: "Den Haag".to_owned(),
            zip: "2514 EH".to_owned(),
            country: "NL".to_owned(),
        },
        items: vec![
            item("SKU-001-4471", 2, 49.95),
            item("SKU-882-0093", 1, 99.95),
            item("SKU-310-7720", 4, 4.995),
        ],
        attributes: HashMap::from([
            ("channel".to_owned(), "mobile-app".to_owned()),
            ("campaign".to_owned(), "newsletter-17".to_owned()),
        ]),
    }
}
