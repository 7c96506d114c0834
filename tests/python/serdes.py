"""Confluent's Python serializers against serde-avro: command, registry URL, broker address. "produce" fills the topics
python-prefix and python-header; "consume" reads what serde-avro wrote to rust-prefix and rust-header. Prints one JSON object."""

import json
import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry import header_schema_id_serializer, prefix_schema_id_serializer
from confluent_kafka.serialization import MessageField, SerializationContext

COUNT = 20  # keys are longer than five bytes: this reader takes no shorter payload, even without a prefix
ITEM = json.dumps({"type": "record", "name": "Item", "namespace": "shop", "fields": [
    {"name": "sku", "type": "string"}, {"name": "price", "type": "double"}]})
ORDER = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": None},
    {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
    {"name": "items", "type": {"type": "array", "items": "shop.Item"}},
    {"name": "tags", "type": {"type": "map", "values": "int"}}, {"name": "raw", "type": "bytes"}]})
KEY = '"string"'


def order(number):
    return {
        "id": number,
        "note": f"n{number}" if number % 2 else None,
        "status": "PAID" if number % 3 else "NEW",
        "items": [{"sku": f"s{number}", "price": number + 0.5}, {"sku": "", "price": -1.0}],
        "tags": {"a": number, "b": -number},
        "raw": bytes([0, number, 255]),
    }


def produce(registry, broker):
    registry.register_schema("item", Schema(ITEM, "AVRO"))
    value_schema = Schema(ORDER, "AVRO", [SchemaReference("shop.Item", "item", 1)])
    producer = Producer({"bootstrap.servers": broker, "acks": "all"})
    failures = []
    for topic, framing in [("python-prefix", prefix_schema_id_serializer), ("python-header", header_schema_id_serializer)]:
        config = {"schema.id.serializer": framing}
        keys = AvroSerializer(registry, KEY, conf=config)
        values = AvroSerializer(registry, value_schema, conf=config)
        for number in range(COUNT):
            headers = []
            key = keys(f"key-{number}", SerializationContext(topic, MessageField.KEY, headers))
            value = values(order(number), SerializationContext(topic, MessageField.VALUE, headers))
            producer.produce(topic, key=key, value=value, headers=headers, partition=0,
                             on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(60) == 0 and not failures, failures
    return {"produced": COUNT}


def consume(registry, broker):
    read = {}
    keys, values = AvroDeserializer(registry), AvroDeserializer(registry)
    for topic in ["rust-prefix", "rust-header"]:
        consumer = Consumer({"bootstrap.servers": broker, "group.id": f"python-{topic}", "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        number, deadline = 0, time.monotonic() + 90
        while number < COUNT:
            assert time.monotonic() < deadline, f"{topic}: only {number}"
            message = consumer.poll(0.5)
            if message is None:
                continue
            assert message.error() is None, message.error()
            headers = message.headers() or []
            assert any(name == "__value_schema_id" for name, _ in headers) == (topic == "rust-header"), headers
            key = keys(message.key(), SerializationContext(topic, MessageField.KEY, headers))
            value = values(message.value(), SerializationContext(topic, MessageField.VALUE, headers))
            assert (key, value) == (f"key-{number}", order(number)), (key, value)
            number += 1
        consumer.close()
        read[topic] = number
    return read


command, url, broker = sys.argv[1:]
print(json.dumps({"produce": produce, "consume": consume}[command](SchemaRegistryClient({"url": url}), broker)))
