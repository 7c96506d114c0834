"""The Python steps of scripts/demo: demo_steps.py slice|evolve|corrupt REGISTRY_URL BROKER TOPIC SCHEMA FLIGHTS_CSV."""

import csv
import datetime
import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from kafka import KafkaProducer
from kafka.errors import InvalidRecordError

SLICE = 20_000
NULLABLE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
TEXT = {"carrier", "origin", "dest"}


def flights(path, limit):
    with open(path, newline="") as file:
        for _, row in zip(range(limit), csv.DictReader(file)):
            flight = {}
            for name, text in row.items():
                if name in ("hour", "minute"):
                    continue
                missing = text in ("", "NA")
                if name == "time_hour":
                    flight[name] = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
                elif name == "tailnum":
                    flight[name] = None if missing else text
                elif name in NULLABLE:
                    flight[name] = None if missing else int(text)
                else:
                    flight[name] = text if name in TEXT else int(text)
            yield flight


class Counting(Producer):
    """A producer that counts deliveries."""

    def __init__(self, broker):
        super().__init__({"bootstrap.servers": broker, "enable.idempotence": True, "linger.ms": 20})
        self.delivered, self.failures, self.places = 0, [], []

    def report(self, error, message):
        if error is None:
            self.delivered += 1
            self.places.append((message.partition(), message.offset()))
        else:
            self.failures.append(error)

    def put(self, topic, key, value):
        while True:
            try:
                return self.produce(topic, key=key, value=value, on_delivery=self.report)
            except BufferError:
                self.poll(0.1)


def slice_(registry, broker, topic, schema, path):
    context = SerializationContext(topic, MessageField.VALUE)
    serialize = AvroSerializer(registry, schema, conf={"auto.register.schemas": True})
    producer, distance, began, shown = Counting(broker), 0, time.monotonic(), time.monotonic()
    for flight in flights(path, SLICE):
        producer.put(topic, flight["tailnum"], serialize(flight, context))
        producer.poll(0)
        distance += flight["distance"]
        if time.monotonic() - shown > 0.5:
            shown = time.monotonic()
            print(f"  produced {producer.delivered} of {SLICE}", flush=True)
    assert producer.flush(60) == 0 and not producer.failures, producer.failures[:3]
    seconds = time.monotonic() - began
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "demo-python", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    deserialize, count, total = AvroDeserializer(registry), 0, 0
    deadline = time.monotonic() + 120
    while count < SLICE:
        assert time.monotonic() < deadline, f"consumed only {count}"
        for message in consumer.consume(1000, 1.0):
            assert message.error() is None, message.error()
            total += deserialize(message.value(), context)["distance"]
            count += 1
    consumer.close()
    assert total == distance, (total, distance)
    print(f"  {SLICE} flights produced by AvroSerializer in {seconds:.1f} s and consumed again; "
          f"sum of distance {total}, in the source {distance}")


def evolve(registry, broker, topic, schema, path):
    context = SerializationContext(topic, MessageField.VALUE)
    newer = json.loads(schema)
    newer["fields"].append({"name": "gate", "type": "string", "default": "unknown"})
    newer = json.dumps(newer)
    flight = next(flights(path, 1))
    producer = Counting(broker)
    old_bytes = AvroSerializer(registry, schema)(flight, context)
    new_bytes = AvroSerializer(registry, newer)(flight | {"gate": "B12"}, context)
    for value in (old_bytes, new_bytes):
        producer.put(topic, flight["tailnum"], value)
    assert producer.flush(30) == 0 and not producer.failures, producer.failures
    partition = producer.places[0][0]
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "demo-evolve"})
    consumer.assign([TopicPartition(topic, partition, min(offset for _, offset in producer.places))])
    old_reader, new_reader = AvroDeserializer(registry, schema), AvroDeserializer(registry, newer)
    for generation in ("old", "new"):
        message = consumer.poll(30)
        assert message is not None and message.error() is None, message
        as_old, as_new = old_reader(message.value(), context), new_reader(message.value(), context)
        assert "gate" not in as_old and as_new["gate"] == ("unknown" if generation == "old" else "B12")
        print(f"  {generation} record: the old reader sees {len(as_old)} fields, "
              f"the new reader {len(as_new)} with gate={as_new['gate']!r}")
    consumer.close()


def corrupt(registry, broker, topic, schema, path):
    context = SerializationContext(topic, MessageField.VALUE)
    serialize = AvroSerializer(registry, schema)
    flight = next(flights(path, 1))
    good = serialize(flight, context)
    at = good.index(b"UA")
    bad = good[:at] + b"\xff\xfe" + good[at + 2:]
    # librdkafka shows the code alone; this client also shows what the broker says about the record
    producer = KafkaProducer(bootstrap_servers=broker, acks="all")
    try:
        producer.send(topic, key=flight["tailnum"].encode(), value=bad).get(timeout=30)
    except InvalidRecordError as error:
        print(f"  {error}")
        assert "field carrier" in str(error), "the refusal does not name the field"
    else:
        sys.exit("the corrupted record was accepted")
    finally:
        producer.close()


def main(step, registry_url, broker, topic, schema_path, path):
    with open(schema_path) as file:
        schema = file.read()
    steps = {"slice": slice_, "evolve": evolve, "corrupt": corrupt}
    steps[step](SchemaRegistryClient({"url": registry_url}), broker, topic, schema, path)


main(*sys.argv[1:])
