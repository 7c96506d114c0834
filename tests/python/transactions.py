"""Confluent's client: consume, transform, produce in transactions, with aborts; a second instance fences the first."""

import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

RECORDS = 200
WAIT = 60


def transactional(broker):
    producer = Producer({"bootstrap.servers": broker, "transactional.id": "python-tx", "transaction.timeout.ms": 60000})
    producer.init_transactions(WAIT)
    return producer


def transform(broker, producer):
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "python-transform",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe(["python-in"])
    done, rounds = 0, 0
    while done < RECORDS:
        messages = consumer.consume(20, 1.0)
        if not messages:
            continue
        rounds += 1
        producer.begin_transaction()
        for message in messages:
            assert message.error() is None, message.error()
            producer.produce("python-out", key=message.key(), value=message.value())
        producer.flush(WAIT)
        if rounds % 3 == 0:
            producer.abort_transaction(WAIT)
            for place in consumer.committed(consumer.assignment(), WAIT):
                consumer.seek(TopicPartition(place.topic, place.partition, max(place.offset, 0)))
            continue
        positions = consumer.position(consumer.assignment())
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), WAIT)
        producer.commit_transaction(WAIT)
        done += len(messages)
    committed = consumer.committed([TopicPartition("python-in", 0), TopicPartition("python-in", 1)], WAIT)
    assert sum(place.offset for place in committed) == RECORDS, committed
    consumer.close()


def read(broker, isolation):
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "python-read",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition("python-out", partition, 0) for partition in range(2)])
    values, ended = [], set()
    while len(ended) < 2:
        message = consumer.poll(WAIT)
        assert message is not None, "nothing came"
        if message.error() is None:
            values.append(int(message.value()))
        else:
            ended.add(message.partition())
    consumer.close()
    return sorted(values)


def main(broker):
    admin = AdminClient({"bootstrap.servers": broker})
    topics = [NewTopic(name, 2, 1) for name in ["python-in", "python-out"]]
    for future in admin.create_topics(topics).values():
        future.result(WAIT)
    plain = Producer({"bootstrap.servers": broker})
    for number in range(RECORDS):
        plain.produce("python-in", key=str(number), value=str(number))
    plain.flush(WAIT)

    first = transactional(broker)
    transform(broker, first)
    assert read(broker, "read_committed") == list(range(RECORDS))
    assert len(read(broker, "read_uncommitted")) > RECORDS

    first.begin_transaction()
    first.produce("python-out", value="1000")
    first.flush(WAIT)
    second = transactional(broker)
    try:
        first.commit_transaction(WAIT)
        raise AssertionError("the first instance was not fenced")
    except KafkaException as error:
        assert error.args[0].fatal(), error
    second.begin_transaction()
    second.produce("python-out", value="2000")
    second.commit_transaction(WAIT)
    assert read(broker, "read_committed") == [*range(RECORDS), 2000]
    print('"ok"')


main(*sys.argv[1:])
