"""Clients against listeners with TLS, passwords and access rules: STEP, then its arguments as JSON."""

import asyncio
import json
import ssl
import sys
import uuid

from waiting import LIMIT, until


def librdkafka(way):
    config = {"bootstrap.servers": way["address"], "security.protocol": way["protocol"]}
    if "ca" in way:
        config["ssl.ca.location"] = way["ca"]
    if "certificate" in way:
        config["ssl.certificate.location"] = way["certificate"]
        config["ssl.key.location"] = way["key"]
    if "mechanism" in way:
        config["sasl.mechanism"] = way["mechanism"]
        config["sasl.username"] = way["user"]
        config["sasl.password"] = way["password"]
    return config


def pure_python(way):
    config = {"bootstrap_servers": way["address"], "security_protocol": way["protocol"]}
    if "mechanism" in way:
        config["sasl_mechanism"] = way["mechanism"]
        config["sasl_plain_username"] = way["user"]
        config["sasl_plain_password"] = way["password"]
    return config


def with_confluent(way, topic):
    from confluent_kafka import Consumer, Producer

    producer = Producer({**librdkafka(way), "message.timeout.ms": 1000 * LIMIT})
    failed = []
    for number in range(10):
        producer.produce(topic, str(number), on_delivery=lambda error, _: error and failed.append(error))
    assert producer.flush(LIMIT) == 0 and not failed, failed
    consumer = Consumer({**librdkafka(way), "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    got = []

    def poll():
        message = consumer.poll(1)
        if message is not None and not message.error():
            got.append(message.value().decode())
        return len(got) == 10

    until("the records", poll)
    consumer.close()
    return got


def with_kafka_python(way, topic):
    from kafka import KafkaConsumer, KafkaProducer

    config = pure_python(way)
    if "ca" in way:
        config["ssl_cafile"] = way["ca"]
    if "certificate" in way:
        config["ssl_certfile"], config["ssl_keyfile"] = way["certificate"], way["key"]
    producer = KafkaProducer(**config)
    for number in range(10):
        producer.send(topic, str(number).encode()).get(LIMIT)
    producer.close()
    consumer = KafkaConsumer(
        topic, group_id=topic, auto_offset_reset="earliest", consumer_timeout_ms=1000 * LIMIT, **config
    )
    got = []
    for message in consumer:
        got.append(message.value.decode())
        if len(got) == 10:
            break
    consumer.close()
    return got


def with_aiokafka(way, topic):
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    async def run():
        config = pure_python(way)
        if "ca" in way:
            context = ssl.create_default_context(cafile=way["ca"])
            if "certificate" in way:
                context.load_cert_chain(way["certificate"], way["key"])
            config["ssl_context"] = context
        producer = AIOKafkaProducer(**config)
        await producer.start()
        for number in range(10):
            await producer.send_and_wait(topic, str(number).encode())
        await producer.stop()
        consumer = AIOKafkaConsumer(topic, group_id=topic, auto_offset_reset="earliest", **config)
        await consumer.start()
        got = [(await asyncio.wait_for(consumer.getone(), LIMIT)).value.decode() for _ in range(10)]
        await consumer.stop()
        return got

    return asyncio.run(run())


def round_trips(ways):
    """Every client over every way: ten records there and back."""
    expected = [str(number) for number in range(10)]
    for way in ways:
        for client in [with_confluent, with_kafka_python, with_aiokafka]:
            got = client(way, f"t-{uuid.uuid4()}")
            assert sorted(got) == expected, (client.__name__, way, got)
            print(client.__name__, way["protocol"], way.get("mechanism", ""), "ok")


def wrong_password(way):
    """The text that librdkafka reports."""
    from confluent_kafka import Producer

    texts = []
    producer = Producer({**librdkafka(way), "error_cb": lambda error: texts.append(error.str())})
    until("an error", lambda: producer.poll(0.1) or any("uthentication" in text for text in texts))
    print("librdkafka:", next(text for text in texts if "uthentication" in text))


def rules(root, ann):
    """ann may write by a rule that root makes, and neither before it nor after it."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import (
        AclBinding,
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        AdminClient,
        NewTopic,
        ResourcePatternType,
        ResourceType,
    )

    admin = AdminClient(librdkafka(root))
    for future in admin.create_topics([NewTopic("orders", 1, 1), NewTopic("hidden", 1, 1)]).values():
        future.result(LIMIT)

    def write(expected):
        codes = []
        # a fresh producer each time: librdkafka keeps a refusal for a while
        producer = Producer({**librdkafka(ann), "message.timeout.ms": 1000 * LIMIT})
        producer.produce("orders", "x", on_delivery=lambda error, _: codes.append(error.name() if error else "OK"))
        assert producer.flush(LIMIT) == 0
        assert codes == [expected], (codes, expected)
        print("write:", expected)

    def seen():
        return set(AdminClient(librdkafka(ann)).list_topics(timeout=LIMIT).topics)

    write("TOPIC_AUTHORIZATION_FAILED")
    assert seen() == set(), seen()
    kind, pattern = ResourceType.TOPIC, ResourcePatternType.PREFIXED
    rule = AclBinding(kind, "ord", pattern, "User:ann", "*", AclOperation.WRITE, AclPermissionType.ALLOW)
    for future in admin.create_acls([rule]).values():
        future.result(LIMIT)
    write("OK")
    assert seen() == {"orders"}, seen()
    every = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    listed = admin.describe_acls(every).result(LIMIT)
    assert listed == [rule], listed
    for future in admin.delete_acls([every]).values():
        assert future.result(LIMIT) == [rule]
    write("TOPIC_AUTHORIZATION_FAILED")
    for future in admin.create_acls([rule]).values():
        future.result(LIMIT)


def still_ruled(ann):
    """The rule is there after a restart."""
    from confluent_kafka.admin import AdminClient

    print(sorted(AdminClient(librdkafka(ann)).list_topics(timeout=LIMIT).topics))


def manage_users(root, carl):
    """root makes carl by Kafka's request, and carl comes in."""
    from confluent_kafka.admin import (
        AdminClient,
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialDeletion,
        UserScramCredentialUpsertion,
    )

    admin = AdminClient(librdkafka(root))
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192)
    upsertion = UserScramCredentialUpsertion(carl["user"], info, carl["password"].encode())
    for future in admin.alter_user_scram_credentials([upsertion]).values():
        future.result(LIMIT)
    described = admin.describe_user_scram_credentials([carl["user"]])[carl["user"]].result(LIMIT)
    assert described.scram_credential_infos[0].iterations == 8192
    assert AdminClient(librdkafka(carl)).list_topics(timeout=LIMIT).brokers
    gone = UserScramCredentialDeletion(carl["user"], ScramMechanism.SCRAM_SHA_512)
    for future in admin.alter_user_scram_credentials([gone]).values():
        future.result(LIMIT)
    print("users ok")


def certificate(address):
    """The certificate that the listener shows."""
    host, port = address.rsplit(":", 1)
    print(ssl.get_server_certificate((host, int(port))))


if __name__ == "__main__":
    globals()[sys.argv[1]](*[json.loads(argument) for argument in sys.argv[2:]])
