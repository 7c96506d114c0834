import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DeletedRecords;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;

/** The pages that show and send records. */
final class ConsoleRecords {
    private static final String TEXT = "org.apache.kafka.common.serialization.StringSerializer";
    private static final String FROM_TEXT = "org.apache.kafka.common.serialization.StringDeserializer";
    /** Records of each partition of the topic, one a second. */
    static final int EACH = 40;
    private static final long FIRST = System.currentTimeMillis() / 1000 * 1000 - 600_000;
    /** Offset that partition 0 begins at, once records have been deleted. */
    private static final long KEPT = 10;
    static final List<TopicPartition> PARTITIONS =
        IntStream.range(0, 3).mapToObj(index -> new TopicPartition("shown", index)).toList();

    private ConsoleRecords() {
    }

    static KafkaConsumer<String, String> consumer(String broker, String... settings) {
        Properties all = Consoles.properties(broker, settings);
        all.put("key.deserializer", FROM_TEXT);
        all.put("value.deserializer", FROM_TEXT);
        all.putIfAbsent("enable.auto.commit", "false");
        all.putIfAbsent("auto.offset.reset", "earliest");
        all.put("allow.auto.create.topics", "false");
        return new KafkaConsumer<>(all);
    }

    static KafkaProducer<String, String> producer(String broker, String... settings) {
        Properties all = Consoles.properties(broker, settings);
        all.put("key.serializer", TEXT);
        all.put("value.serializer", TEXT);
        return new KafkaProducer<>(all);
    }

    private static void produce(String broker) throws Exception {
        try (KafkaProducer<String, String> producer = producer(broker, "compression.type", "lz4")) {
            for (int at = 0; at < EACH; at++) {
                for (TopicPartition to : PARTITIONS) {
                    String key = "k" + at;
                    producer.send(new ProducerRecord<>("shown", to.partition(), FIRST + 1000 * at, key, "v" + at)).get();
                }
            }
        }
    }

    private static Map<Integer, Long> offsets(Admin admin, OffsetSpec spec) throws Exception {
        Map<TopicPartition, ListOffsetsResultInfo> found = admin.listOffsets(
            PARTITIONS.stream().collect(Collectors.toMap(partition -> partition, partition -> spec))).all().get();
        return found.entrySet().stream().collect(Collectors.toMap(one -> one.getKey().partition(), one -> one.getValue().offset()));
    }

    private static void offsets(Admin admin, Outcomes outcome) {
        outcome.of("earliest", "{0=10, 1=0, 2=0}", () -> offsets(admin, OffsetSpec.earliest()));
        outcome.of("latest", "{0=40, 1=40, 2=40}", () -> offsets(admin, OffsetSpec.latest()));
        outcome.of("of the largest time", "{0=39, 1=39, 2=39}", () -> offsets(admin, OffsetSpec.maxTimestamp()));
        outcome.of("of a time", "{0=20, 1=20, 2=20}", () -> offsets(admin, OffsetSpec.forTimestamp(FIRST + 19_500)));
        outcome.of("of a time too early", "{0=10, 1=0, 2=0}", () -> offsets(admin, OffsetSpec.forTimestamp(0)));
        outcome.of("of a time too late", "{0=-1, 1=-1, 2=-1}", () -> offsets(admin, OffsetSpec.forTimestamp(FIRST * 2)));
        outcome.of("earliest here", "{0=10, 1=0, 2=0}", () -> offsets(admin, OffsetSpec.earliestLocal()));
        outcome.of("latest elsewhere", "{0=-1, 1=-1, 2=-1}", () -> offsets(admin, OffsetSpec.latestTiered()));
        outcome.of("offsets of nobody", "UnknownTopicOrPartitionException",
            () -> admin.listOffsets(Map.of(new TopicPartition("nobody", 0), OffsetSpec.latest())).all());
    }

    private static void deleted(Admin admin, Outcomes outcome) {
        TopicPartition first = PARTITIONS.get(0);
        outcome.of("records deleted", "10", () -> {
            DeletedRecords gone = admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(KEPT))).lowWatermarks().get(first)
                .get();
            return gone.lowWatermark();
        });
        outcome.of("records deleted past the end", "OffsetOutOfRangeException",
            () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(EACH + 1))).all());
    }

    /** Where a partition begins and ends, asked for as a console asks. */
    private static void bounds(KafkaConsumer<String, String> consumer, Outcomes outcome) {
        outcome.of("partitions of a topic", "3", () -> consumer.partitionsFor("shown").size());
        outcome.of("partitions of no topic", "[]", () -> consumer.partitionsFor("nobody"));
        outcome.of("beginning", "{shown-0=10, shown-1=0, shown-2=0}", () -> consumer.beginningOffsets(PARTITIONS));
        outcome.of("end", "{shown-0=40, shown-1=40, shown-2=40}", () -> consumer.endOffsets(PARTITIONS));
        outcome.of("beginning by time", "{0=10, 1=0, 2=0}", () -> times(consumer, 0));
        outcome.of("by time", "{0=31, 1=31, 2=31}", () -> times(consumer, FIRST + 31_000));
        outcome.of("by a time to come", "{0=-1, 1=-1, 2=-1}", () -> times(consumer, FIRST * 2));
    }

    private static Map<Integer, Long> times(KafkaConsumer<String, String> consumer, long time) {
        Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(
            PARTITIONS.stream().collect(Collectors.toMap(partition -> partition, partition -> time)));
        Map<Integer, Long> offsets = new TreeMap<>();
        found.forEach((partition, at) -> offsets.put(partition.partition(), at == null ? -1 : at.offset()));
        return offsets;
    }

    /** Polls until each partition has given what it has up to an offset; those that have are paused. */
    private static List<ConsumerRecord<String, String>> page(KafkaConsumer<String, String> consumer,
            Map<TopicPartition, Long> from, Map<TopicPartition, Long> to) {
        consumer.assign(from.keySet());
        from.forEach(consumer::seek);
        List<ConsumerRecord<String, String>> page = new ArrayList<>();
        Collection<TopicPartition> left = new ArrayList<>(from.keySet());
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (!left.isEmpty() && System.nanoTime() < deadline) {
            consumer.poll(Duration.ofMillis(500)).forEach(record -> {
                if (record.offset() < to.get(new TopicPartition(record.topic(), record.partition()))) {
                    page.add(record);
                }
            });
            List<TopicPartition> over = left.stream().filter(one -> consumer.position(one) >= to.get(one)).toList();
            consumer.pause(over);
            left.removeAll(over);
        }
        consumer.resume(from.keySet());
        return page;
    }

    private static String summary(List<ConsumerRecord<String, String>> page) {
        Map<Integer, List<Long>> offsets = page.stream().collect(Collectors.groupingBy(ConsumerRecord::partition,
            Collectors.mapping(ConsumerRecord::offset, Collectors.toList())));
        return new TreeMap<>(offsets).entrySet().stream()
            .map(one -> one.getKey() + ":" + one.getValue().get(0) + "-" + one.getValue().get(one.getValue().size() - 1) + "/"
                + one.getValue().size()).collect(Collectors.joining(" "));
    }

    private static Map<TopicPartition, Long> shifted(Map<TopicPartition, Long> offsets, long by) {
        return offsets.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, one -> one.getValue() + by));
    }

    private static void browse(String broker, Outcomes outcome) {
        try (KafkaConsumer<String, String> consumer = consumer(broker, "max.poll.records", "7")) {
            bounds(consumer, outcome);
            Map<TopicPartition, Long> begin = consumer.beginningOffsets(PARTITIONS);
            Map<TopicPartition, Long> end = consumer.endOffsets(PARTITIONS);
            outcome.of("oldest", "0:10-14/5 1:0-4/5 2:0-4/5", () -> summary(page(consumer, begin, shifted(begin, 5))));
            outcome.of("next page", "0:15-19/5 1:5-9/5 2:5-9/5",
                () -> summary(page(consumer, shifted(begin, 5), shifted(begin, 10))));
            outcome.of("newest", "0:30-39/10 1:30-39/10 2:30-39/10", () -> summary(page(consumer, shifted(end, -10), end)));
            outcome.of("one record", "21 k21 v21 21000 CreateTime", () -> {
                Map<TopicPartition, Long> at = Map.of(PARTITIONS.get(1), 21L);
                ConsumerRecord<String, String> record = page(consumer, at, shifted(at, 1)).get(0);
                return record.offset() + " " + record.key() + " " + record.value() + " " + (record.timestamp() - FIRST) + " "
                    + record.timestampType();
            });
        }
        try (KafkaConsumer<String, String> consumer = consumer(broker, "max.poll.records", "1", "auto.offset.reset", "none")) {
            consumer.assign(List.of(PARTITIONS.get(0)));
            consumer.seek(PARTITIONS.get(0), 3);
            outcome.of("below the beginning", "OffsetOutOfRangeException", () -> consumer.poll(Duration.ofSeconds(20)).count());
        }
        try (KafkaConsumer<String, String> consumer = consumer(broker, "max.poll.records", "1")) {
            consumer.assign(List.of(PARTITIONS.get(2)));
            consumer.seekToEnd(List.of(PARTITIONS.get(2)));
            outcome.of("tail", "0", () -> consumer.poll(Duration.ofMillis(300)).count());
            outcome.of("position", "40", () -> consumer.position(PARTITIONS.get(2)));
        }
    }

    /** Who produces into a topic, and a transaction on its way. */
    private static void producers(String broker, Admin admin, Outcomes outcome) throws Exception {
        outcome.of("producers", "[39 false]", () -> admin.describeProducers(List.of(PARTITIONS.get(2))).all().get()
            .get(PARTITIONS.get(2)).activeProducers().stream().map(ConsoleRecords::state).toList());
        TopicPartition grown = new TopicPartition("grown", 1);
        try (KafkaProducer<String, String> producer = producer(broker, "transactional.id", "console")) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("grown", 1, "k", "v")).get();
            outcome.of("producer in a transaction", "[0 true]", () -> admin.describeProducers(List.of(grown)).all().get()
                .get(grown).activeProducers().stream().map(ConsoleRecords::state).toList());
            outcome.of("transactions", "[console Ongoing]", () -> admin.listTransactions().all().get().stream()
                .map(one -> one.transactionalId() + " " + one.state()).toList());
            outcome.of("transaction", "Ongoing [grown-1]", () -> {
                var one = admin.describeTransactions(List.of("console")).description("console").get();
                return one.state() + " " + one.topicPartitions();
            });
            outcome.of("end of the stable", "0", () -> admin.listOffsets(Map.of(grown, OffsetSpec.latest()),
                new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).partitionResult(grown).get().offset());
            outcome.of("end of all", "1", () -> admin.listOffsets(Map.of(grown, OffsetSpec.latest())).partitionResult(grown).get()
                .offset());
            producer.commitTransaction();
        }
        outcome.soon("transaction done", "[console CompleteCommit]", () -> admin.listTransactions().all().get().stream()
            .map(one -> one.transactionalId() + " " + one.state()).toList());
    }

    private static String state(ProducerState state) {
        return state.lastSequence() % (3 * EACH) + " " + state.currentTransactionStartOffset().isPresent();
    }

    static void run(String broker, Admin admin, Outcomes outcome) throws Exception {
        produce(broker);
        deleted(admin, outcome);
        offsets(admin, outcome);
        browse(broker, outcome);
        producers(broker, admin, outcome);
    }
}
