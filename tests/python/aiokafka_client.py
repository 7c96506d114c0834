"""aiokafka: BROKER. Prints one JSON object."""

import asyncio
import json
import logging
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

TOPIC, EACH, LIMIT = "aiokafka", 200, 60


def codes(answer):
    """Error codes of an answer, by topic."""
    return {row[0]: row[1] for row in getattr(answer, "topic_errors", None) or answer.topic_error_codes}


async def topics(admin):
    assert codes(await admin.create_topics([NewTopic(TOPIC, 2, 1, topic_configs={"retention.ms": "7200000"})])) == {TOPIC: 0}
    answer = await admin.create_topics([NewTopic(TOPIC, 1, 1), NewTopic("two", 1, 2), NewTopic("a b", 1, 1)])
    assert codes(answer) == {TOPIC: 36, "two": 38, "a b": 17}, answer
    await admin.create_partitions({TOPIC: NewPartitions(3)})
    assert [name for name in await admin.list_topics() if not name.startswith("__")] == [TOPIC]
    [described] = await admin.describe_topics([TOPIC])
    assert len(described["partitions"]) == 3, described
    resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC, configs={"max.message.bytes": "2000000"})
    await admin.alter_configs([resource])
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC)])
    configs = {row[0]: row[1] for row in answer.resources[0][4]}
    assert configs["max.message.bytes"] == "2000000" and configs["retention.ms"] == "604800000", configs
    assert len((await admin.describe_cluster())["brokers"]) == 1


async def produce(broker):
    count = 0
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        producer = AIOKafkaProducer(bootstrap_servers=broker, compression_type=codec, linger_ms=20, acks="all",
                                    enable_idempotence=codec != "gzip")
        await producer.start()
        sent = []
        for number in range(EACH):
            sent.append(await producer.send(TOPIC, f"{codec}{number}".encode(), f"k{number % 7}".encode(),
                                            headers=[("h", b"1"), ("h", b"2")], timestamp_ms=1_700_000_000_000 + count))
            count += 1
        for future in sent:
            assert (await future).offset >= 0
        await producer.stop()
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_request_size=9_000_000)
    await producer.start()
    try:
        await producer.send_and_wait(TOPIC, b"x" * 4_000_000)
        raise AssertionError("too large, and accepted")
    except MessageSizeTooLargeError:
        pass
    await producer.stop()
    return count


async def consume(broker, admin, count):
    settings = dict(bootstrap_servers=broker, group_id="aio", auto_offset_reset="earliest", enable_auto_commit=False)
    one = AIOKafkaConsumer(TOPIC, **settings)
    await one.start()
    seen = set()
    while len(seen) < count:
        for messages in (await one.getmany(timeout_ms=500)).values():
            for message in messages:
                assert message.headers == (("h", b"1"), ("h", b"2")), message.headers
                seen.add(message.value)
    await one.commit()
    parts = sorted(one.assignment())
    assert len(parts) == 3 and sum([await one.committed(part) for part in parts]) == count
    [described] = await admin.describe_consumer_groups(["aio"])
    assert "Stable" in str(described), described
    assert ("aio", "consumer") in await admin.list_consumer_groups()
    two = AIOKafkaConsumer(TOPIC, **settings)
    await two.start()
    while not two.assignment() or len(one.assignment()) + len(two.assignment()) != 3:
        await asyncio.sleep(0.05)
    await two.stop()
    while len(one.assignment()) != 3:
        await asyncio.sleep(0.05)
    one.pause(*parts[1:])
    one.seek(parts[0], 2)
    message = await one.getone(parts[0])
    assert message.offset == 2, message
    assert (await one.beginning_offsets(parts))[parts[0]] == 0
    assert sum((await one.end_offsets(parts)).values()) == count
    assert (await one.offsets_for_times({parts[0]: 1_700_000_000_000}))[parts[0]].offset == 0
    await one.stop()
    listed = await admin.list_consumer_group_offsets("aio")
    assert sum(offset.offset for offset in listed.values()) == count, listed


async def finish(broker, admin):
    part = TopicPartition(TOPIC, 0)
    reader = AIOKafkaConsumer(bootstrap_servers=broker)
    await reader.start()
    reader.assign([part])
    await reader.seek_to_end(part)
    end = await reader.position(part)
    assert end == (await reader.end_offsets([part]))[part] > 0
    await reader.stop()
    assert codes(await admin.delete_topics([TOPIC])) == {TOPIC: 0}
    assert codes(await admin.delete_topics([TOPIC])) == {TOPIC: 3}


async def main(broker):
    logging.disable(logging.CRITICAL)
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await topics(admin)
    count = await produce(broker)
    await consume(broker, admin, count)
    await finish(broker, admin)
    await admin.close()
    print(json.dumps({"records": count}))


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 3 * LIMIT))
