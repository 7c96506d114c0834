//! The hot path with a warm cache allocates nothing beyond the caller's buffer and the value itself.

use allocation_counter::measure;
use assay_serde_avro::{Deserializer, Framing, Generic, Serializer};
use futures_util::FutureExt;
use serde::Deserialize;

use crate::record::{ORDER, Order, order, real};

#[derive(Debug, PartialEq, Deserialize)]
struct OrderRef<'a> {
    id: i64,
    item: &'a str,
    note: Option<&'a str>,
}

#[tokio::test]
async fn a_warm_encode_into_a_buffer_allocates_nothing() {
    let (_server, _client, registry) = real().await;
    for framing in [Framing::Prefix, Framing::Header] {
        let serializer =
            Serializer::<Order>::builder(&registry).schema(ORDER).framing(framing).build().unwrap();
        let prepared = serializer.prepare("orders").await.unwrap();
        let (value, mut buffer) = (order(), Vec::with_capacity(64));
        let synchronous = measure(|| {
            buffer.clear();
            prepared.encode_into(&value, &mut buffer).unwrap();
        });
        assert_eq!(synchronous.count_total, 0, "{framing:?}");
        let asynchronous = measure(|| {
            buffer.clear();
            let encoded = serializer.encode_into("orders", &value, &mut buffer).now_or_never();
            assert_eq!(encoded.unwrap().unwrap(), prepared.header());
        });
        assert_eq!(asynchronous.count_total, 0, "{framing:?}");
    }
}

#[tokio::test]
async fn a_warm_decode_allocates_what_the_value_owns() {
    let (_server, _client, registry) = real().await;
    let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build().unwrap();
    let payload = serializer.encode("orders", &order()).await.unwrap().payload;
    let deserializer = Deserializer::<Generic>::new(&registry);
    deserializer.decode(&payload).await.unwrap();
    let borrowed = measure(|| {
        let read: OrderRef<'_> = deserializer.try_decode_as(&payload).unwrap();
        assert_eq!(read.item, "tea");
    });
    assert_eq!(borrowed.count_total, 0);
    let owned = measure(|| {
        let read: Order = deserializer.try_decode_as(&payload).unwrap();
        assert_eq!(read.item, "tea");
    });
    // one string; the note is null
    assert_eq!(owned.count_total, 1);
}
