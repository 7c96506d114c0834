// Both JavaScript serializers against serde-avro: command, registry URL, broker address. `produce` fills the topics
// js-prefix, js-header and js-kafkajs; `consume` reads what serde-avro wrote to rust-prefix and rust-header. Prints one JSON object.
'use strict';

const assert = require('node:assert/strict');
const { AvroDeserializer, AvroSerializer, HeaderSchemaIdSerializer, SchemaRegistryClient, SerdeType } =
  require('@confluentinc/schemaregistry');
const { SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry');
const { Kafka, Partitioners, logLevel } = require('kafkajs');

const [command, url, broker] = process.argv.slice(2);
const COUNT = 20;
const ITEM = JSON.stringify({ type: 'record', name: 'Item', namespace: 'shop', fields: [
  { name: 'sku', type: 'string' }, { name: 'price', type: 'double' }] });
const ORDER = JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields: [
  { name: 'id', type: 'long' }, { name: 'note', type: ['null', 'string'], default: null },
  { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID'] } },
  { name: 'items', type: { type: 'array', items: 'shop.Item' } },
  { name: 'tags', type: { type: 'map', values: 'int' } }, { name: 'raw', type: 'bytes' }] });
const REFERENCES = [{ name: 'shop.Item', subject: 'item', version: 1 }];
const TEXT = JSON.stringify({ type: 'record', name: 'Text', namespace: 'shop', fields: [{ name: 'text', type: 'string' }] });
const KEY = '"string"';

const kafka = new Kafka({ clientId: 'js', brokers: [broker], logLevel: logLevel.NOTHING });

function order(id) {
  return {
    id, note: id % 2 ? `n${id}` : null, status: id % 3 ? 'PAID' : 'NEW',
    items: [{ sku: `s${id}`, price: id + 0.5 }, { sku: '', price: -1 }],
    tags: { a: id, b: 0 - id }, raw: Buffer.from([0, id, 255]),
  };
}

function check(found, id) {
  const wanted = order(id);
  assert.equal(Number(found.id), wanted.id);
  const note = found.note && typeof found.note === 'object' ? found.note.string : found.note;
  assert.equal(note, wanted.note);
  assert.equal(found.status, wanted.status);
  assert.deepEqual(found.items.map(({ sku, price }) => ({ sku, price })), wanted.items);
  assert.deepEqual({ ...found.tags }, wanted.tags);
  assert.deepEqual([...found.raw], [...wanted.raw]);
}

async function produce() {
  const client = new SchemaRegistryClient({ baseURLs: [url] });
  await client.register('item', { schemaType: 'AVRO', schema: ITEM });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (const topic of ['js-prefix', 'js-header']) {
    await client.register(`${topic}-key`, { schemaType: 'AVRO', schema: KEY });
    await client.register(`${topic}-value`, { schemaType: 'AVRO', schema: ORDER, references: REFERENCES });
    const config = { useLatestVersion: true };
    if (topic === 'js-header') config.schemaIdSerializer = HeaderSchemaIdSerializer;
    const keys = new AvroSerializer(client, SerdeType.KEY, config);
    const values = new AvroSerializer(client, SerdeType.VALUE, config);
    for (let id = 0; id < COUNT; id += 1) {
      const headers = {};
      const key = await keys.serialize(topic, `key-${id}`, headers);
      const value = await values.serialize(topic, order(id), headers);
      await producer.send({ topic, acks: -1, messages: [{ key, value, headers, partition: 0 }] });
    }
  }
  const plain = new SchemaRegistry({ host: url });
  const { id: schema } = await plain.register({ type: SchemaType.AVRO, schema: TEXT }, { subject: 'js-kafkajs-value' });
  for (let id = 0; id < COUNT; id += 1) {
    const value = await plain.encode(schema, { text: `v${id}` });
    await producer.send({ topic: 'js-kafkajs', acks: -1, messages: [{ key: `k${id}`, value, partition: 0 }] });
  }
  await producer.disconnect();
  return { produced: COUNT };
}

async function readTopic(topic, each) {
  const consumer = kafka.consumer({ groupId: `js-${topic}`, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let count = 0;
  await new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${topic}: only ${count}`)), 90000).unref();
    consumer.run({ eachMessage: async ({ message }) => {
      try {
        await each(message, count);
        count += 1;
        if (count === COUNT) resolve();
      } catch (error) { reject(error); }
    } }).catch(reject);
  });
  await consumer.disconnect();
  return count;
}

async function consume() {
  const client = new SchemaRegistryClient({ baseURLs: [url] });
  const read = {};
  for (const topic of ['rust-prefix', 'rust-header']) {
    const keys = new AvroDeserializer(client, SerdeType.KEY, {});
    const values = new AvroDeserializer(client, SerdeType.VALUE, {});
    read[topic] = await readTopic(topic, async (message, id) => {
      assert.equal(await keys.deserialize(topic, message.key, message.headers), `key-${id}`);
      check(await values.deserialize(topic, message.value, message.headers), id);
      assert.equal(Boolean(message.headers.__value_schema_id), topic === 'rust-header');
    });
  }
  const plain = new SchemaRegistry({ host: url });
  read.kafkajs = await readTopic('rust-plain', async (message, id) => {
    assert.equal((await plain.decode(message.value)).text, `v${id}`);
  });
  return read;
}

({ produce, consume })[command]().then((answer) => {
  console.log(JSON.stringify(answer));
  process.exit(0);
}, (error) => {
  console.error(error);
  process.exit(1);
});
