// kafkajs: broker address. Prints one JSON object.
'use strict';

const assert = require('node:assert/strict');
const { CompressionTypes, Kafka, KafkaJSProtocolError, logLevel } = require('kafkajs');

const TOPIC = 'js';
const EACH = 200;

async function until(what, look) {
  const deadline = Date.now() + 60000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `${what} did not come`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

const refused = (call, type) => assert.rejects(call, (error) => {
  const cause = error instanceof KafkaJSProtocolError ? error : error.cause ?? error;
  const types = [cause.type, error.type, ...(error.errors ?? []).map((one) => one.type),
    ...(error.groups ?? []).map((one) => one.error.type)];
  assert.ok(types.includes(type), `${type} expected: ${error.name} ${types} ${error.message}`);
  return true;
});

async function topics(admin) {
  const configEntries = [{ name: 'retention.ms', value: '7200000' }];
  assert.equal(await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2, configEntries }] }), true);
  assert.equal(await admin.createTopics({ topics: [{ topic: TOPIC }] }), false);
  await refused(admin.createTopics({ topics: [{ topic: 'a b' }] }), 'INVALID_TOPIC_EXCEPTION');
  await admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count: 3 }] });
  assert.deepEqual((await admin.listTopics()).filter((name) => !name.startsWith('__')), [TOPIC]);
  const { topics: [topic] } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
  assert.equal(topic.partitions.length, 3);
  await refused(admin.fetchTopicMetadata({ topics: ['nobody'] }), 'UNKNOWN_TOPIC_OR_PARTITION');
  const resource = { type: 2, name: TOPIC };
  await admin.alterConfigs({ validateOnly: false,
    resources: [{ ...resource, configEntries: [{ name: 'max.message.bytes', value: '2000000' }] }] });
  const { resources: [{ configEntries: entries }] } =
    await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
  const value = (name) => entries.find((entry) => entry.configName === name).configValue;
  assert.deepEqual([value('max.message.bytes'), value('retention.ms')], ['2000000', '604800000']);
  const cluster = await admin.describeCluster();
  assert.equal(cluster.brokers.length, 1);
  assert.equal(cluster.clusterId.length, 22);
}

async function produce(kafka) {
  let count = 0;
  for (const [idempotent, acks, compression] of [
    [true, -1, CompressionTypes.None], [true, -1, CompressionTypes.GZIP], [false, 1, CompressionTypes.GZIP],
    [false, 0, CompressionTypes.None]]) {
    const producer = kafka.producer({ idempotent, maxInFlightRequests: idempotent ? 1 : 5 });
    await producer.connect();
    const messages = [];
    for (let number = 0; number < EACH; number += 1, count += 1) {
      messages.push({ key: `k${number % 7}`, value: `${count}`, timestamp: `${1700000000000 + count}`,
        headers: { h: ['one', 'two'], empty: '' } });
    }
    const answers = await producer.send({ topic: TOPIC, acks, compression, messages });
    assert.ok(acks === 0 || answers.every((answer) => answer.errorCode === 0));
    await producer.disconnect();
  }
  const producer = kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } });
  await producer.connect();
  await refused(producer.send({ topic: 'nobody', messages: [{ value: 'x' }] }), 'UNKNOWN_TOPIC_OR_PARTITION');
  await refused(producer.send({ topic: TOPIC, messages: [{ value: 'x'.repeat(3000000) }] }), 'MESSAGE_TOO_LARGE');
  await producer.disconnect();
  return count;
}

async function consume(kafka, admin, count) {
  const seen = new Map();
  let joins = 0;
  let committing = true;
  const start = async () => {
    const consumer = kafka.consumer({ groupId: 'js', sessionTimeout: 30000 });
    await consumer.connect();
    consumer.on(consumer.events.GROUP_JOIN, () => { joins += 1; });
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: async ({ partition, message }) => {
      assert.deepEqual(message.headers.h.map(String), ['one', 'two']);
      seen.set(`${message.value}`, partition);
      const offset = `${BigInt(message.offset) + 1n}`;
      if (committing && Number(message.value) % 50 === 0) await consumer.commitOffsets([{ topic: TOPIC, partition, offset }]);
    } });
    return consumer;
  };
  const consumers = [await start(), await start()];
  await until('all records', () => seen.size === count);
  const { groups: [group] } = await admin.describeGroups(['js']);
  assert.ok(['Stable', 'PreparingRebalance', 'CompletingRebalance'].includes(group.state), group.state);
  await refused(admin.deleteGroups(['js']), 'NON_EMPTY_GROUP');
  committing = false;
  const ends = await admin.fetchTopicOffsets(TOPIC);
  await consumers[1].disconnect();
  const offsets = ends.map(({ partition, offset }) => ({ topic: TOPIC, partition, offset }));
  await until('the commit after the rebalance', async () => {
    try {
      await consumers[0].commitOffsets(offsets);
      return true;
    } catch (error) {
      if (['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].includes(error.type)) return false;
      throw error;
    }
  });
  seen.clear();
  await until('a record after the seek', () => {
    consumers[0].seek({ topic: TOPIC, partition: seen.size % 3, offset: '0' });
    return seen.size > 0;
  });
  await consumers[0].disconnect();
  assert.equal(ends.reduce((sum, { high }) => sum + Number(high), 0), count);
  return joins;
}

async function offsets(admin, count) {
  const [{ partitions }] = await admin.fetchOffsets({ groupId: 'js', topics: [TOPIC] });
  assert.equal(partitions.reduce((sum, { offset }) => sum + Number(offset), 0), count);
  await admin.setOffsets({ groupId: 'js', topic: TOPIC, partitions: [{ partition: 0, offset: '1' }] });
  await admin.resetOffsets({ groupId: 'js', topic: TOPIC, earliest: true });
  const byTime = await admin.fetchTopicOffsetsByTimestamp(TOPIC, 1700000000000);
  assert.ok(byTime.every(({ offset }) => offset === '0'), JSON.stringify(byTime));
  assert.deepEqual((await admin.listGroups()).groups.map(({ groupId }) => groupId), ['js']);
  await admin.deleteGroups(['js']);
  await refused(admin.deleteGroups(['js']), 'GROUP_ID_NOT_FOUND');
  await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: '2' }] });
  const [{ low }] = (await admin.fetchTopicOffsets(TOPIC)).filter(({ partition }) => partition === 0);
  assert.equal(low, '2');
  await admin.deleteTopics({ topics: [TOPIC] });
  await refused(admin.deleteTopics({ topics: [TOPIC] }), 'UNKNOWN_TOPIC_OR_PARTITION');
}

async function main(broker) {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin({ retry: { retries: 1 } });
  await admin.connect();
  await topics(admin);
  const count = await produce(kafka);
  const joins = await consume(kafka, admin, count);
  await offsets(admin, count);
  await admin.disconnect();
  console.log(JSON.stringify({ records: count, joins }));
  process.exit(0);
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
