"""The pure Python client: produce with each acks, consume in a group, commit."""

import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

RECORDS = 500


def main(broker):
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(name="pure", num_partitions=3, replication_factor=1)])
    admin.close()
    for acks, part in ((1, range(0, 250)), ("all", range(250, RECORDS))):
        producer = KafkaProducer(bootstrap_servers=broker, acks=acks)
        futures = [producer.send("pure", key=b"k%d" % (n % 9), value=b"%d" % n) for n in part]
        for future in futures:
            future.get(timeout=60)
        producer.close()
    consumer = KafkaConsumer(
        "pure",
        bootstrap_servers=broker,
        group_id="pure",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=60000,
    )
    values = set()
    for message in consumer:
        values.add(int(message.value))
        if len(values) == RECORDS:
            break
    consumer.commit()
    consumer.close()
    assert values == set(range(RECORDS)), sorted(set(range(RECORDS)) - values)[:5]
    print(f"consumed {len(values)}")


main(*sys.argv[1:])
