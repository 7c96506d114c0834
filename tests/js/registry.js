// Both JavaScript registry clients: registry URL. Prints one JSON object.
'use strict';

const assert = require('node:assert/strict');
const { AvroDeserializer, AvroSerializer, RestError, SchemaRegistryClient, SerdeType } =
  require('@confluentinc/schemaregistry');
const { SchemaRegistry, SchemaType, COMPATIBILITY } = require('@kafkajs/confluent-schema-registry');

const record = (...fields) => JSON.stringify({ type: 'record', name: 'User', namespace: 'js', fields });
const NAME = { name: 'name', type: 'string' };
const AGE = { name: 'age', type: ['null', 'int'], default: null };
const first = { schemaType: 'AVRO', schema: record(NAME) };
const second = { schemaType: 'AVRO', schema: record(NAME, AGE) };
const incompatible = { schemaType: 'AVRO', schema: record({ name: 'name', type: 'int' }) };

async function refused(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof RestError, String(error));
    assert.deepEqual([error.status, error.errorCode], [status, code]);
    return true;
  });
}

async function confluent(url) {
  const client = new SchemaRegistryClient({ baseURLs: [url] });
  const fresh = () => new SchemaRegistryClient({ baseURLs: [url] });
  const id = await client.register('user', first);
  const full = await client.registerFullResponse('user', second);
  assert.equal(full.id, id + 1);
  assert.equal((await fresh().getBySubjectAndId('user', id)).schema, first.schema);
  assert.equal(await fresh().getId('user', second), full.id);
  assert.equal((await fresh().getIdFullResponse('user', second)).version, 2);
  const latest = await fresh().getLatestSchemaMetadata('user');
  assert.deepEqual([latest.id, latest.version, latest.schema], [full.id, 2, second.schema]);
  assert.equal((await fresh().getSchemaMetadata('user', 1)).id, id);
  assert.equal((await fresh().getByGuid(latest.guid)).schema, second.schema);
  assert.deepEqual(await client.getAllVersions('user'), [1, 2]);
  assert.equal(await fresh().getVersion('user', first), 1);
  assert.deepEqual(await client.getAllSubjects(), ['user']);
  await refused(fresh().getSchemaMetadata('user', 9), 404, 40402);
  await refused(fresh().getLatestSchemaMetadata('nobody'), 404, 40401);
  await refused(fresh().getBySubjectAndId('user', 4711), 404, 40403);
  await refused(fresh().getId('user', incompatible), 404, 40403);
  await refused(client.register('broken', { schemaType: 'AVRO', schema: '{' }), 422, 42201);
  await refused(client.register('user', incompatible), 409, 40901);

  assert.equal(await client.testSubjectCompatibility('user', incompatible), false);
  assert.equal(await client.testCompatibility('user', 1, second), true);
  assert.equal(await client.getDefaultCompatibility(), 'BACKWARD');
  await refused(client.getCompatibility('user'), 404, 40408);
  assert.equal(await client.updateCompatibility('user', 'FULL'), 'FULL');
  assert.equal(await client.getCompatibility('user'), 'FULL');
  assert.equal(await client.updateDefaultCompatibility('FORWARD_TRANSITIVE'), 'FORWARD_TRANSITIVE');
  await client.updateDefaultConfig({ compatibility: 'BACKWARD' });
  assert.equal((await client.getDefaultConfig()).compatibilityLevel, 'BACKWARD');
  await client.updateConfig('user', { compatibility: 'NONE', normalize: true });
  const config = await client.getConfig('user');
  assert.deepEqual([config.compatibilityLevel, config.normalize], ['NONE', true]);

  const contract = { ...first, metadata: { properties: { owner: 'js' } } };
  await client.register('contract', contract);
  const owned = await fresh().getLatestWithMetadata('contract', { owner: 'js' });
  assert.equal(owned.metadata.properties.owner, 'js');
  await refused(fresh().getLatestWithMetadata('contract', { owner: 'nobody' }), 404, 40403);

  const serializer = new AvroSerializer(client, SerdeType.VALUE, { autoRegisterSchemas: false, useLatestVersion: true });
  const bytes = await serializer.serialize('topic', { name: 'Ada', age: null }).catch((error) => error);
  assert.ok(bytes instanceof Error, 'topic-value is not registered yet');
  await client.register('topic-value', second);
  const framed = await serializer.serialize('topic', { name: 'Ada', age: 36 });
  assert.equal(framed.readUInt32BE(1), full.id);
  const read = await new AvroDeserializer(fresh(), SerdeType.VALUE, {}).deserialize('topic', framed);
  assert.equal(read.name, 'Ada');

  assert.equal(await client.deleteSubjectVersion('user', 2), 2);
  assert.equal((await fresh().getSchemaMetadata('user', 2, true)).version, 2);
  assert.equal(await client.deleteSubjectVersion('user', 2, true), 2);
  await refused(client.deleteSubject('contract', true), 404, 40405);
  assert.deepEqual(await client.deleteSubject('contract'), [1]);
  assert.deepEqual(await client.deleteSubject('contract', true), [1]);
  client.close();
}

async function kafkajs(url) {
  const registry = new SchemaRegistry({ host: url });
  const people = { type: SchemaType.AVRO, schema: first.schema };
  const { id } = await registry.register(people, { subject: 'people-value' });
  assert.equal(await registry.getLatestSchemaId('people-value'), id);
  assert.equal(await registry.getRegistryId('people-value', 1), id);
  assert.equal(await registry.getRegistryIdBySchema('people-value', people), id);
  const newer = await registry.register({ type: SchemaType.AVRO, schema: second.schema },
    { subject: 'people-value', compatibility: COMPATIBILITY.BACKWARD });
  assert.notEqual(newer.id, id);
  await assert.rejects(registry.register({ type: SchemaType.AVRO, schema: incompatible.schema }, { subject: 'people-value' }),
    (error) => error.status === 409 || /incompatible/i.test(error.message));
  const bytes = await registry.encode(id, { name: 'Ada' });
  assert.equal(bytes.readUInt32BE(1), id);
  assert.deepEqual({ ...(await new SchemaRegistry({ host: url }).decode(bytes)) }, { name: 'Ada' });
  const asNewer = await registry.decode(bytes, { [SchemaType.AVRO]: { readerSchema: JSON.parse(second.schema) } });
  assert.equal(asNewer.age, null);
  await assert.rejects(registry.getLatestSchemaId('nobody'));
  await assert.rejects(registry.getSchema(4711));
  const named = await registry.register({ type: SchemaType.AVRO, schema: first.schema });
  assert.equal(named.id, id);
}

async function main(url) {
  await confluent(url);
  await kafkajs(url);
  console.log(JSON.stringify({ done: true }));
  process.exit(0);
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
