//! Lists client quotas (key 48).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeClientQuotas` request.
    DescribeClientQuotasRequest: key 48, versions 0..=1, flexible 1;
    components: Vec<ComponentData>;
    strict: bool;
}

structure! {
    /// A `ComponentData` of [`DescribeClientQuotasRequest`].
    ComponentData;
    entity_type: String;
    match_type: i8;
    match_text: Option<String>;
}

message! {
    /// The `DescribeClientQuotas` response.
    DescribeClientQuotasResponse: key 48, versions 0..=1, flexible 1;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    entries: Option<Vec<EntryData>>;
}

structure! {
    /// An `EntryData` of [`DescribeClientQuotasResponse`].
    EntryData;
    entity: Vec<EntityData>;
    values: Vec<ValueData>;
}

structure! {
    /// An `EntityData` of [`EntryData`].
    EntityData;
    entity_type: String;
    entity_name: Option<String>;
}

structure! {
    /// A `ValueData` of [`EntryData`].
    ValueData;
    key: String;
    value: f64;
}
