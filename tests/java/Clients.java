import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidGroupIdException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The Java clients: producer, consumer with both group protocols, admin: BROKER. */
public final class Clients {
    private static final int RECORDS = 200;
    private static final String TEXT = "org.apache.kafka.common.serialization.StringSerializer";
    private static final String FROM_TEXT = "org.apache.kafka.common.serialization.StringDeserializer";
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static int done = 0;

    private static void equal(String what, Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError(what + ": got " + got + ", want " + want);
        }
        done++;
    }

    private static void refused(String what, Future<?> future, Class<? extends Exception> why) throws Exception {
        try {
            future.get();
        } catch (ExecutionException error) {
            if (why.isInstance(error.getCause())) {
                done++;
                return;
            }
            throw new AssertionError(what + ": " + error.getCause(), error.getCause());
        }
        throw new AssertionError(what + " was not refused");
    }

    private static Properties properties(String broker, String... settings) {
        Properties all = new Properties();
        all.put("bootstrap.servers", broker);
        for (int at = 0; at < settings.length; at += 2) {
            all.put(settings[at], settings[at + 1]);
        }
        return all;
    }

    private static KafkaProducer<String, String> producer(String broker, String... settings) {
        Properties all = properties(broker, settings);
        all.put("key.serializer", TEXT);
        all.put("value.serializer", TEXT);
        return new KafkaProducer<>(all);
    }

    private static KafkaConsumer<String, String> consumer(String broker, String group, String protocol) {
        Properties all = properties(broker, "group.id", group, "group.protocol", protocol, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "key.deserializer", FROM_TEXT, "value.deserializer", FROM_TEXT);
        return new KafkaConsumer<>(all);
    }

    private static void topics(Admin admin) throws Exception {
        admin.createTopics(List.of(
            new NewTopic("java", 3, (short) 1).configs(Map.of("retention.ms", "7200000")),
            new NewTopic("defaults", Optional.empty(), Optional.empty()))).all().get();
        refused("topic again", admin.createTopics(List.of(new NewTopic("java", 1, (short) 1))).all(), TopicExistsException.class);
        refused("bad name", admin.createTopics(List.of(new NewTopic("a/b", 1, (short) 1))).all(), InvalidTopicException.class);
        refused("two replicas", admin.createTopics(List.of(new NewTopic("two", 1, (short) 2))).all(),
            InvalidReplicationFactorException.class);
        refused("no partitions", admin.createTopics(List.of(new NewTopic("none", 0, (short) 1))).all(),
            InvalidPartitionsException.class);
        refused("bad config", admin.createTopics(List.of(new NewTopic("bad", 1, (short) 1)
            .configs(Map.of("no.such.config", "1")))).all(), InvalidConfigurationException.class);
        refused("unknown topic", admin.describeTopics(List.of("nobody")).allTopicNames(), UnknownTopicOrPartitionException.class);
        TopicDescription topic = admin.describeTopics(List.of("java")).allTopicNames().get().get("java");
        equal("partitions", topic.partitions().size(), 3);
        equal("in sync", topic.partitions().get(2).isr().size(), 1);
        Uuid id = topic.topicId();
        equal("by id", admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id).name(), "java");
        refused("unknown id", admin.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds(),
            UnknownTopicIdException.class);
        refused("impossible name", admin.describeTopics(List.of("a b")).allTopicNames(), InvalidTopicException.class);
        refused("config without a value", admin.createTopics(List.of(new NewTopic("null", 1, (short) 1)
            .configs(Collections.singletonMap("retention.ms", null)))).all(), InvalidConfigurationException.class);
        equal("names", admin.listTopics().names().get(), Set.of("java", "defaults"));
        admin.createPartitions(Map.of("java", NewPartitions.increaseTo(4))).all().get();
        refused("fewer partitions", admin.createPartitions(Map.of("java", NewPartitions.increaseTo(2))).all(),
            InvalidPartitionsException.class);
    }

    private static void configs(Admin admin) throws Exception {
        ConfigResource java = new ConfigResource(ConfigResource.Type.TOPIC, "java");
        ConfigResource impossible = new ConfigResource(ConfigResource.Type.TOPIC, "a b");
        refused("impossible name", admin.describeConfigs(List.of(impossible)).all(), InvalidTopicException.class);
        Config before = admin.describeConfigs(List.of(java)).all().get().get(java);
        equal("set at creation", before.get("retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
        equal("value", before.get("retention.ms").value(), "7200000");
        Config all = admin.describeConfigs(List.of(java), new DescribeConfigsOptions().includeSynonyms(true)).all().get().get(java);
        equal("named for the broker", all.get("max.message.bytes").synonyms().get(0).name(), "message.max.bytes");
        equal("default", before.get("cleanup.policy").source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
        admin.incrementalAlterConfigs(Map.of(java, List.of(
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND),
            new AlterConfigOp(new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE)))).all().get();
        Config after = admin.describeConfigs(List.of(java)).all().get().get(java);
        equal("appended", after.get("cleanup.policy").value(), "delete,compact");
        equal("back to the default", after.get("retention.ms").value(), "604800000");
        admin.incrementalAlterConfigs(Map.of(java, List.of(
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "delete"), AlterConfigOp.OpType.SET)))).all().get();
        refused("not a number", admin.incrementalAlterConfigs(Map.of(java, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "soon"), AlterConfigOp.OpType.SET)))).all(),
            InvalidConfigurationException.class);
        int node = admin.describeCluster().nodes().get().iterator().next().id();
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(node));
        equal("broker", admin.describeConfigs(List.of(broker)).all().get().get(broker).get("num.partitions").value(), "1");
        if (admin.describeCluster().clusterId().get().length() != 22) {
            throw new AssertionError("the cluster id is no UUID: " + admin.describeCluster().clusterId().get());
        }
        equal("controller", admin.describeCluster().controller().get().id(), node);
        equal("log folder", admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node).values().iterator().next()
            .replicaInfos().containsKey(new TopicPartition("java", 0)), true);
    }

    /** Produces with every compression, and gives the number of records by then. */
    private static int produce(String broker) throws Exception {
        int sent = 0;
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            try (KafkaProducer<String, String> producer =
                    producer(broker, "acks", "all", "compression.type", codec, "linger.ms", "20", "enable.idempotence", "true")) {
                List<Future<RecordMetadata>> waiting = new ArrayList<>();
                for (int number = 0; number < RECORDS; number++, sent++) {
                    ProducerRecord<String, String> record =
                        new ProducerRecord<>("java", null, 1_700_000_000_000L + sent, "k" + number % 7, codec + number,
                            List.of(new RecordHeader("h", new byte[] {1}), new RecordHeader("h", null)));
                    waiting.add(producer.send(record));
                }
                for (Future<RecordMetadata> one : waiting) {
                    one.get();
                }
            }
        }
        try (KafkaProducer<String, String> producer = producer(broker, "acks", "1", "enable.idempotence", "false")) {
            refused("too large", producer(broker, "max.request.size", "9000000", "buffer.memory", "20000000")
                .send(new ProducerRecord<>("java", "x".repeat(2_000_000))), RecordTooLargeException.class);
            producer.send(new ProducerRecord<>("auto", "made by its first record")).get();
        }
        return sent;
    }

    private static void consume(String broker, Admin admin, String protocol, int records) throws Exception {
        String group = "java-" + protocol;
        Map<String, Integer> seen = new HashMap<>();
        try (KafkaConsumer<String, String> consumer = consumer(broker, group, protocol)) {
            consumer.subscribe(List.of("java"));
            long deadline = System.nanoTime() + LIMIT.toNanos();
            int count = 0;
            while (count < records) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError(group + " consumed " + count + " of " + records);
                }
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    count++;
                    seen.merge(record.value(), 1, Integer::sum);
                    List<byte[]> headers = new ArrayList<>();
                    record.headers().headers("h").forEach(header -> headers.add(header.value()));
                    if (headers.size() != 2 || headers.get(0)[0] != 1 || headers.get(1) != null) {
                        throw new AssertionError("headers of " + record);
                    }
                }
            }
            equal("each once", seen.size(), records);
            consumer.commitSync(LIMIT);
            AtomicBoolean committed = new AtomicBoolean();
            consumer.commitAsync((offsets, error) -> committed.set(error == null));
            while (!committed.get() && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(50));
            }
            equal("committed without waiting", committed.get(), true);
            stable(admin, group, protocol);
            Set<TopicPartition> mine = consumer.assignment();
            equal("assignment", mine.size(), 4);
            refused("group in use", admin.deleteConsumerGroups(List.of(group)).all(), GroupNotEmptyException.class);
            seek(consumer, mine);
        }
        long total = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values().stream()
            .mapToLong(OffsetAndMetadata::offset).sum();
        equal("committed of " + group, total, (long) records);
    }

    private static void seek(KafkaConsumer<String, String> consumer, Collection<TopicPartition> mine) {
        TopicPartition one = mine.stream().filter(partition -> consumer.endOffsets(mine).get(partition) > 3).findFirst()
            .orElseThrow();
        consumer.pause(mine);
        consumer.resume(List.of(one));
        consumer.seek(one, 2);
        ConsumerRecord<String, String> record = null;
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (record == null && System.nanoTime() < deadline) {
            record = consumer.poll(Duration.ofMillis(200)).records(one).stream().findFirst().orElse(null);
        }
        equal("sought", record == null ? -1 : record.offset(), 2L);
        OffsetAndTimestamp by = consumer.offsetsForTimes(Map.of(one, record.timestamp())).get(one);
        equal("by time", by.offset(), record.offset());
        equal("by a time to come", consumer.offsetsForTimes(Map.of(one, Long.MAX_VALUE - 1)).get(one), null);
        equal("beginning", consumer.beginningOffsets(List.of(one)).get(one), 0L);
    }

    private static void stable(Admin admin, String group, String protocol) throws Exception {
        ConsumerGroupDescription described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        equal("state", described.groupState(), GroupState.STABLE);
        equal("protocol", described.type().toString().toLowerCase(), protocol);
        equal("members", described.members().size(), 1);
        equal("assigned", described.members().iterator().next().assignment().topicPartitions().size(), 4);
    }

    private static void offsets(String broker, Admin admin) throws Exception {
        TopicPartition one = new TopicPartition("java", 0);
        TopicPartition two = new TopicPartition("java", 1);
        admin.alterConsumerGroupOffsets("made", Map.of(one, new OffsetAndMetadata(2, "note"))).all().get();
        OffsetAndMetadata made = admin.listConsumerGroupOffsets("made").partitionsToOffsetAndMetadata().get().get(one);
        equal("altered offset", made.offset() + made.metadata(), "2note");
        admin.deleteConsumerGroupOffsets("made", Set.of(one)).all().get();
        equal("deleted offset", admin.listConsumerGroupOffsets("made").partitionsToOffsetAndMetadata().get().get(one), null);
        List<String> groups = new ArrayList<>(List.of("java-classic", "java-consumer"));
        for (String group : groups) {
            long waited = System.nanoTime() + LIMIT.toNanos();
            while (admin.describeConsumerGroups(List.of(group)).all().get().get(group).groupState() != GroupState.EMPTY
                    && System.nanoTime() < waited) {
                Thread.sleep(50);
            }
        }
        admin.deleteConsumerGroups(groups).all().get();
        refused("group gone", admin.describeConsumerGroups(List.of("java-classic")).all(), GroupIdNotFoundException.class);
        refused("no name", admin.describeConsumerGroups(List.of("")).all(), InvalidGroupIdException.class);
        refused("no group", admin.deleteConsumerGroups(List.of("nobody")).all(), GroupIdNotFoundException.class);

        for (TopicPartition partition : List.of(one, two)) {
            long end = admin.listOffsets(Map.of(partition, OffsetSpec.latest())).partitionResult(partition).get().offset();
            long most = admin.listOffsets(Map.of(partition, OffsetSpec.maxTimestamp())).partitionResult(partition).get().offset();
            equal("offset of the largest timestamp in " + partition, most, end - 1);
        }
        equal("low watermark", admin.deleteRecords(Map.of(one, RecordsToDelete.beforeOffset(3))).lowWatermarks().get(one).get()
            .lowWatermark(), 3L);
        equal("earliest", admin.listOffsets(Map.of(one, OffsetSpec.earliest())).partitionResult(one).get().offset(), 3L);
        refused("offsets of nobody", admin.listOffsets(Map.of(new TopicPartition("nobody", 0), OffsetSpec.latest())).all(),
            UnknownTopicOrPartitionException.class);
        equal("features", admin.describeFeatures().featureMetadata().get() != null, true);
        admin.deleteTopics(List.of("java", "defaults")).all().get();
        refused("deleted", admin.deleteTopics(List.of("java")).all(), UnknownTopicOrPartitionException.class);
    }

    public static void main(String[] arguments) throws Exception {
        String broker = arguments[0];
        Properties patient = properties(broker, "default.api.timeout.ms", "10000", "request.timeout.ms", "9000");
        try (Admin admin = Admin.create(patient)) {
            topics(admin);
            configs(admin);
            int records = produce(broker);
            consume(broker, admin, "classic", records);
            consume(broker, admin, "consumer", records);
            offsets(broker, admin);
        } catch (AssertionError | ExecutionException wrong) {
            wrong.printStackTrace();
            System.exit(1);
        }
        System.out.println("{\"done\":" + done + "}");
    }
}
