"""confluent-kafka without a registry, of today and of old: BROKER. Prints one JSON object."""

import json
import sys

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from waiting import LIMIT, until

TOPIC, EACH = "confluent", 200
NEW = confluent_kafka.libversion()[1] >= 0x02060000


def result(futures):
    return [future.result(LIMIT) for future in futures.values()]


def refused(code, call):
    try:
        call()
    except KafkaException as error:
        assert error.args[0].code() == code, error
        return
    raise AssertionError(f"not refused with {code}")


def topics(admin):
    result(admin.create_topics([NewTopic(TOPIC, 2, 1, config={"retention.ms": "7200000"})]))
    refused(KafkaError.TOPIC_ALREADY_EXISTS, lambda: result(admin.create_topics([NewTopic(TOPIC, 1, 1)])))
    refused(KafkaError.INVALID_REPLICATION_FACTOR, lambda: result(admin.create_topics([NewTopic("two", 1, 2)])))
    refused(KafkaError.TOPIC_EXCEPTION, lambda: result(admin.create_topics([NewTopic("a b", 1, 1)])))
    refused(KafkaError.INVALID_CONFIG,
            lambda: result(admin.create_topics([NewTopic("bad", 1, 1, config={"retention.ms": "soon"})])))
    result(admin.create_topics([NewTopic("checked", 1, 1)], validate_only=True))
    result(admin.create_partitions([NewPartitions(TOPIC, 3)]))
    until("the third partition", lambda: len(admin.list_topics(timeout=LIMIT).topics[TOPIC].partitions) == 3)
    listed = admin.list_topics(timeout=LIMIT)
    names = [name for name in listed.topics if not name.startswith("__")]
    assert names == [TOPIC], names
    assert len(listed.cluster_id) == 22 and list(listed.brokers) == [listed.controller_id]
    unknown = admin.list_topics("nobody", timeout=LIMIT).topics["nobody"].error
    assert unknown.code() == KafkaError.UNKNOWN_TOPIC_OR_PART, unknown
    resource = ConfigResource(ConfigResource.Type.TOPIC, TOPIC, set_config={"max.message.bytes": "2000000"})
    result(admin.alter_configs([resource]))
    [configs] = result(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, TOPIC)]))
    assert configs["max.message.bytes"].value == "2000000" and configs["retention.ms"].value == "604800000"
    [broker] = result(admin.describe_configs([ConfigResource(ConfigResource.Type.BROKER, str(listed.controller_id))]))
    assert broker["num.partitions"].value == "1"
    if NEW:
        newer_topics(admin, resource)


def newer_topics(admin, resource):
    from confluent_kafka import TopicCollection
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

    entry = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND)
    change = ConfigResource(ConfigResource.Type.TOPIC, TOPIC, incremental_configs=[entry])
    result(admin.incremental_alter_configs([change]))
    [configs] = result(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, TOPIC)]))
    assert configs["cleanup.policy"].value == "delete,compact", configs["cleanup.policy"]
    entry = ConfigEntry("cleanup.policy", "delete", incremental_operation=AlterConfigOpType.SET)
    result(admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, TOPIC, incremental_configs=[entry])]))
    [topic] = result(admin.describe_topics(TopicCollection([TOPIC])))
    assert len(topic.partitions) == 3 and topic.partitions[0].leader is not None
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: result(admin.describe_topics(TopicCollection(["lost"]))))
    assert len(admin.describe_cluster().result(LIMIT).nodes) == 1


def produce(broker):
    count, failures = 0, []

    def delivered(error, message):
        if error is not None:
            failures.append(error)

    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = Producer({"bootstrap.servers": broker, "compression.type": codec, "enable.idempotence": codec != "gzip",
                             "linger.ms": 20})
        for number in range(EACH):
            producer.produce(TOPIC, f"{codec}{number}", f"k{number % 7}", timestamp=1_700_000_000_000 + count,
                             headers=[("h", b"1"), ("h", None)], on_delivery=delivered)
            count += 1
        assert producer.flush(LIMIT) == 0
    assert not failures, failures[:3]
    producer = Producer({"bootstrap.servers": broker, "allow.auto.create.topics": False, "message.max.bytes": 8_000_000,
                         "topic.metadata.propagation.max.ms": 500})
    for topic, value, code in (("nobody", b"x", KafkaError._UNKNOWN_TOPIC), (TOPIC, b"x" * 4_000_000, KafkaError.MSG_SIZE_TOO_LARGE)):
        producer.produce(topic, value, on_delivery=delivered)
        assert producer.flush(LIMIT) == 0
        error = failures.pop()
        assert error.code() in (code, KafkaError.UNKNOWN_TOPIC_OR_PART), error
    return count


def consumer(broker, **settings):
    names = {key if key == "on_commit" else key.replace("_", "."): value for key, value in settings.items()}
    return Consumer({"bootstrap.servers": broker, "auto.offset.reset": "earliest", "enable.auto.commit": False, **names})


def consume(broker, admin, count, group, **settings):
    committed, seen = [], {}
    one = consumer(broker, group_id=group, on_commit=lambda error, parts: committed.append(error), **settings)
    two = consumer(broker, group_id=group, **settings)
    members = [one, two]
    for member in members:
        member.subscribe([TOPIC])

    def read():
        for member in members:
            message = member.poll(0.05)
            while message is not None:
                assert message.error() is None, message.error()
                assert message.headers() == [("h", b"1"), ("h", None)], message.headers()
                assert message.timestamp()[0] == confluent_kafka.TIMESTAMP_CREATE_TIME
                seen[message.value()] = (message.partition(), message.offset())
                message = member.poll(0)
        return len(seen) == count

    until("all records", read)
    until("both members", lambda: read() and one.assignment() and two.assignment())
    assert sorted(p.partition for member in members for p in member.assignment()) == [0, 1, 2]
    for member in members:
        ends = [TopicPartition(TOPIC, part.partition, member.get_watermark_offsets(part)[1]) for part in member.assignment()]
        assert all(part.error is None for part in member.commit(offsets=ends, asynchronous=False))
    committed.clear()
    one.commit(offsets=one.committed(one.assignment()), asynchronous=True)
    until("the commit without waiting", lambda: one.poll(0.05) is None and committed)
    assert committed[-1] is None, committed
    two.close()
    until("all partitions", lambda: one.poll(0.05) is None and len(one.assignment()) == 3)
    one.seek(TopicPartition(TOPIC, 0, 2))
    message = until("the sought record", lambda: one.poll(0.1))
    assert (message.partition(), message.offset()) == (0, 2), message.offset()
    described(admin, group)
    one.close()
    offsets = committed_offsets(broker, group)
    assert sum(offsets) == count, offsets


def described(admin, group):
    [future] = admin.describe_consumer_groups([group]).values()
    described = future.result(LIMIT)
    assert described.state.name == "STABLE" and len(described.members) == 1, described.state
    assert len(described.members[0].assignment.topic_partitions) == 3
    assert group in [one.group_id for one in admin.list_consumer_groups().result(LIMIT).valid]
    refused(KafkaError.NON_EMPTY_GROUP, lambda: result(admin.delete_consumer_groups([group])))


def committed_offsets(broker, group):
    reader = consumer(broker, group_id=group)
    found = reader.committed([TopicPartition(TOPIC, partition) for partition in range(3)], timeout=LIMIT)
    reader.close()
    return [one.offset for one in found]


def offsets(broker, admin, group, count):
    reader = consumer(broker, group_id="reader")
    marks = [reader.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=LIMIT) for partition in range(3)]
    assert sum(high - low for low, high in marks) == count, marks
    early = reader.offsets_for_times([TopicPartition(TOPIC, 0, 1_700_000_000_000)], timeout=LIMIT)
    late = reader.offsets_for_times([TopicPartition(TOPIC, 0, 9_999_999_999_999)], timeout=LIMIT)
    assert early[0].offset == 0 and late[0].offset == -1, (early, late)
    reader.close()
    change = ConsumerGroupTopicPartitions(group, [TopicPartition(TOPIC, 0, 1)])
    result(admin.alter_consumer_group_offsets([change]))
    [listed] = result(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    assert {one.partition: one.offset for one in listed.topic_partitions}[0] == 1
    result(admin.delete_consumer_groups([group]))
    refused(KafkaError.GROUP_ID_NOT_FOUND, lambda: result(admin.delete_consumer_groups([group])))
    if NEW:
        from confluent_kafka.admin import OffsetSpec

        [deleted] = result(admin.delete_records([TopicPartition(TOPIC, 0, 2)]))
        assert deleted.low_watermark == 2, deleted
        [first] = result(admin.list_offsets({TopicPartition(TOPIC, 0): OffsetSpec.earliest()}))
        [most] = result(admin.list_offsets({TopicPartition(TOPIC, 0): OffsetSpec.max_timestamp()}))
        assert first.offset == 2 and most.offset == marks[0][1] - 1, (first, most)


def main(broker):
    admin = AdminClient({"bootstrap.servers": broker, "allow.auto.create.topics": False})
    topics(admin)
    count = produce(broker)
    groups = {"range": {}, "sticky": {"partition_assignment_strategy": "cooperative-sticky"}}
    if NEW:
        groups["kip848"] = {"group_protocol": "consumer"}
    for name, settings in groups.items():
        consume(broker, admin, count, name, **settings)
    offsets(broker, admin, "range", count)
    result(admin.delete_topics([TOPIC]))
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: result(admin.delete_topics([TOPIC])))
    print(json.dumps({"records": count, "groups": list(groups), "client": confluent_kafka.libversion()[0]}))


main(*sys.argv[1:])
