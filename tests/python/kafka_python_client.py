"""kafka-python: BROKER. Prints one JSON object."""

import json
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import (
    GroupIdNotFoundError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    NonEmptyGroupError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from waiting import LIMIT, until

TOPIC, EACH = "kafka-python", 200


def refused(error, call, *arguments, **named):
    try:
        answer = call(*arguments, **named)
    except error:
        return
    raise AssertionError(f"{call.__name__}: {answer}")


def topics(admin):
    admin.create_topics([NewTopic(TOPIC, 2, 1, topic_configs={"retention.ms": "7200000"})])
    refused(TopicAlreadyExistsError, admin.create_topics, [NewTopic(TOPIC, 1, 1)])
    refused(InvalidReplicationFactorError, admin.create_topics, [NewTopic("two", 1, 2)])
    refused(InvalidTopicError, admin.create_topics, [NewTopic("a b", 1, 1)])
    admin.create_topics([NewTopic("checked", 1, 1)], validate_only=True)
    admin.create_partitions({TOPIC: NewPartitions(3)})
    assert [name for name in admin.list_topics() if not name.startswith("__")] == [TOPIC]
    [described] = admin.describe_topics([TOPIC])
    assert len(described["partitions"]) == 3, described
    resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, configs={"max.message.bytes": "2000000"})])
    text = str(admin.describe_configs([resource], config_filter="all"))
    assert "max.message.bytes" in text and "2000000" in text, text[:2000]
    cluster = admin.describe_cluster()
    assert len(cluster["brokers"]) == 1 and len(cluster["cluster_id"]) == 22, cluster
    assert TOPIC in str(admin.describe_log_dirs())


def produce(broker):
    count = 0
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        producer = KafkaProducer(bootstrap_servers=broker, compression_type=codec, linger_ms=20, acks="all",
                                 enable_idempotence=codec != "gzip")
        futures = []
        for number in range(EACH):
            futures.append(producer.send(TOPIC, f"{codec}{number}".encode(), f"k{number % 7}".encode(),
                                         headers=[("h", b"1"), ("h", b"2")], timestamp_ms=1_700_000_000_000 + count))
            count += 1
        for future in futures:
            assert future.get(LIMIT).offset >= 0
        producer.close()
    producer = KafkaProducer(bootstrap_servers=broker, max_request_size=9_000_000)
    assert producer.send("made-by-its-first-record", b"x").get(LIMIT).offset == 0
    refused(MessageSizeTooLargeError, lambda: producer.send(TOPIC, b"x" * 4_000_000).get(LIMIT))
    producer.close()
    return count


def consumer(broker, group, *subscribed):
    return KafkaConsumer(*subscribed, bootstrap_servers=broker, group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False)


def consume(broker, admin, count):
    seen = set()
    one = consumer(broker, "pure", TOPIC)

    def read():
        for messages in one.poll(200).values():
            for message in messages:
                assert list(message.headers) == [("h", b"1"), ("h", b"2")], message.headers
                seen.add(message.value)
        return len(seen) == count

    until("all records", read)
    one.commit()
    done = []
    one.commit_async(callback=lambda offsets, answer: done.append(answer))
    until("the commit without waiting", lambda: one.poll(50) is not None and done)
    assert not isinstance(done[0], Exception), done
    parts = sorted(one.assignment())
    assert len(parts) == 3 and sum(one.committed(part) for part in parts) == count
    assert "Stable" in str(admin.describe_groups(["pure"]))
    assert "NonEmpty" in str(deletion(admin, NonEmptyGroupError))
    one.seek(parts[0], 2)
    until("the sought record", lambda: any(m[0].offset == 2 for part, m in one.poll(200).items() if part == parts[0]))
    assert one.beginning_offsets(parts)[parts[0]] == 0
    assert sum(one.end_offsets(parts).values()) == count
    assert one.offsets_for_times({parts[0]: 1_700_000_000_000})[parts[0]].offset == 0
    assert one.offsets_for_times({parts[0]: 9_999_999_999_999})[parts[0]] is None
    one.close()
    assert sum(offset.offset for offset in admin.list_group_offsets("pure")["pure"].values()) == count


def deletion(admin, error):
    """What deletion of the group says, be it raised or returned."""
    try:
        return repr(admin.delete_groups(["pure"]))
    except error as raised:
        return repr(raised)


def finish(broker, admin):
    part = TopicPartition(TOPIC, 0)
    admin.alter_group_offsets("pure", {part: OffsetAndMetadata(1, "note", -1)})
    altered = admin.list_group_offsets("pure")["pure"][part]
    assert (altered.offset, altered.metadata) == (1, "note"), altered
    assert "pure" in str(admin.list_groups())
    assert "NotFound" not in deletion(admin, GroupIdNotFoundError)
    assert "NotFound" in deletion(admin, GroupIdNotFoundError)
    admin.delete_records({part: 2})
    reader = consumer(broker, None)
    assert reader.beginning_offsets([part])[part] == 2
    reader.close()
    admin.delete_topics([TOPIC])
    refused(UnknownTopicOrPartitionError, admin.delete_topics, [TOPIC])


def main(broker):
    admin = KafkaAdminClient(bootstrap_servers=broker)
    topics(admin)
    count = produce(broker)
    consume(broker, admin, count)
    finish(broker, admin)
    admin.close()
    print(json.dumps({"records": count}))


main(*sys.argv[1:])
