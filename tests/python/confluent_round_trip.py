"""Confluent's client: AvroSerializer, produce, consume in a group, AvroDeserializer; then an older and a newer reader."""

import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

RECORDS = 500
OLD = """{"type":"record","name":"Flight","fields":[{"name":"tailnum","type":["null","string"]},
          {"name":"delay","type":"int"}]}"""
NEW = """{"type":"record","name":"Flight","fields":[{"name":"tailnum","type":["null","string"]},
          {"name":"delay","type":"int"},{"name":"gate","type":"string","default":"?"}]}"""


def main(registry_url, broker):
    registry = SchemaRegistryClient({"url": registry_url})
    context = SerializationContext("python", MessageField.VALUE)
    admin = AdminClient({"bootstrap.servers": broker})
    config = {"confluent.value.schema.validation": "true"}
    for future in admin.create_topics([NewTopic("python", 3, 1, config=config)]).values():
        future.result(30)

    producer = Producer({"bootstrap.servers": broker, "acks": "all"})
    failures = []

    def delivered(error, _message):
        if error is not None:
            failures.append(error)

    old, new = AvroSerializer(registry, OLD), AvroSerializer(registry, NEW)
    expected = 0
    for number in range(RECORDS):
        flight = {"tailnum": None if number % 10 == 0 else f"N{number}", "delay": number - 100}
        expected += flight["delay"]
        if number % 2:
            flight["gate"] = f"G{number}"
        value = (new if number % 2 else old)(flight, context)
        producer.produce("python", key=f"N{number % 9}", value=value, on_delivery=delivered)
        producer.poll(0)
    assert producer.flush(60) == 0 and not failures, failures[:3]

    consumer = Consumer({"bootstrap.servers": broker, "group.id": "python", "auto.offset.reset": "earliest"})
    consumer.subscribe(["python"])
    old_reader, new_reader = AvroDeserializer(registry, OLD), AvroDeserializer(registry, NEW)
    count = total = gates = 0
    deadline = time.monotonic() + 60
    while count < RECORDS:
        assert time.monotonic() < deadline, f"consumed only {count}"
        message = consumer.poll(1.0)
        if message is None:
            continue
        assert message.error() is None, message.error()
        as_old, as_new = old_reader(message.value(), context), new_reader(message.value(), context)
        assert "gate" not in as_old and as_new["delay"] == as_old["delay"]
        gates += as_new["gate"] != "?"
        count += 1
        total += as_new["delay"]
    consumer.close()
    assert total == expected and gates == RECORDS // 2, (total, expected, gates)
    print(f"consumed {count}, sum {total}")


main(*sys.argv[1:])
