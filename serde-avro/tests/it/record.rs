//! What the tests write and read.

use assay_registry_server::testing::Registry;
use assay_serde_avro::{CachedClient, RegistryClient};
use serde::{Deserialize, Serialize};

pub(crate) const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"item","type":"string"},{"name":"note","type":["null","string"],"default":null}]}"#;
pub(crate) const ORDER_V2: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"item","type":"string"},{"name":"note","type":["null","string"],"default":null},{"name":"quantity","type":"int","default":1}]}"#;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) item: String,
    pub(crate) note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrderV2 {
    pub(crate) id: i64,
    pub(crate) item: String,
    pub(crate) note: Option<String>,
    pub(crate) quantity: i32,
}

pub(crate) fn order() -> Order {
    Order { id: 7, item: "tea".into(), note: None }
}

/// The datum of [`order`]: 7, "tea", null.
pub(crate) const ORDER_DATUM: &[u8] = &[14, 6, b't', b'e', b'a', 0];

/// A real registry, a client of it, and its caches.
pub(crate) async fn real() -> (Registry, RegistryClient, CachedClient) {
    let server = Registry::start().await.unwrap();
    let client = RegistryClient::new(&server.url()).unwrap();
    let cached = CachedClient::new(client.clone());
    (server, client, cached)
}
