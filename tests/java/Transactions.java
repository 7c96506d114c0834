import java.lang.reflect.Field;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;

/** The Java client's transactions in the second protocol, where each end of a transaction bumps the epoch: BROKER. */
public final class Transactions {
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

    private static Properties properties(String broker, String... settings) {
        Properties all = new Properties();
        all.put("bootstrap.servers", broker);
        for (int at = 0; at < settings.length; at += 2) {
            all.put(settings[at], settings[at + 1]);
        }
        return all;
    }

    private static KafkaProducer<String, String> producer(String broker, String id, String timeout) {
        KafkaProducer<String, String> producer = new KafkaProducer<>(properties(broker, "transactional.id", id,
            "transaction.timeout.ms", timeout, "key.serializer", TEXT, "value.serializer", TEXT));
        producer.initTransactions();
        return producer;
    }

    private static KafkaConsumer<String, String> consumer(String broker, String group) {
        return new KafkaConsumer<>(properties(broker, "group.id", group, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "isolation.level", "read_committed",
            "key.deserializer", FROM_TEXT, "value.deserializer", FROM_TEXT));
    }

    private static short epoch(KafkaProducer<String, String> producer) throws ReflectiveOperationException {
        Object manager = field(producer, "transactionManager");
        Object identity = field(manager, "producerIdAndEpoch");
        return (short) field(identity, "epoch");
    }

    private static Object field(Object of, String name) throws ReflectiveOperationException {
        Field field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    /** What is committed in a topic, by value. */
    private static List<String> committed(String broker, String topic, int count) {
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(broker, "reader")) {
            List<TopicPartition> partitions = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("read " + values + " of " + ends);
                }
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    values.add(record.value());
                }
            }
        }
        equal("records of " + topic, values.size(), count);
        values.sort(null);
        return values;
    }

    private static void features(Admin admin) throws Exception {
        FeatureMetadata features = admin.describeFeatures().featureMetadata().get();
        equal("transactions", features.finalizedFeatures().get("transaction.version").maxVersionLevel(), (short) 2);
        equal("groups", features.finalizedFeatures().get("group.version").maxVersionLevel(), (short) 1);
        equal("supported", features.supportedFeatures().keySet(), Set.of("group.version", "metadata.version", "transaction.version"));
    }

    private static void ends(String broker) throws Exception {
        try (KafkaProducer<String, String> producer = producer(broker, "ends", "60000")) {
            short first = epoch(producer);
            int expected = 0;
            for (int round = 0; round < 10; round++) {
                producer.beginTransaction();
                for (int at = 0; at < 5; at++) {
                    producer.send(new ProducerRecord<>("ends", at % 2, null, round + "-" + at));
                }
                if (round % 3 == 0) {
                    producer.flush();
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                    expected += 5;
                }
                equal("epoch of round " + round, (int) epoch(producer), first + round + 1);
            }
            // ends without a record
            producer.beginTransaction();
            producer.commitTransaction();
            producer.beginTransaction();
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("ends", 0, null, "last"));
            producer.commitTransaction();
            List<String> values = committed(broker, "ends", expected + 1);
            equal("aborted ones", values.stream().filter(value -> value.startsWith("0-")).count(), 0L);
            equal("last", values.get(values.size() - 1), "last");
        }
    }

    private static void groups(String broker) throws Exception {
        for (String protocol : new String[] {"classic", "consumer"}) {
            String to = "out-" + protocol;
            Properties settings = properties(broker, "group.id", "moving-" + protocol, "group.protocol", protocol,
                "auto.offset.reset", "earliest", "enable.auto.commit", "false", "isolation.level", "read_committed",
                "key.deserializer", FROM_TEXT, "value.deserializer", FROM_TEXT, "max.poll.records", "7");
            try (KafkaProducer<String, String> producer = producer(broker, "moving-" + protocol, "60000");
                    KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
                consumer.subscribe(List.of("ends"));
                int moved = 0;
                int step = 0;
                long deadline = System.nanoTime() + LIMIT.toNanos();
                while (moved < 31) {
                    if (System.nanoTime() > deadline) {
                        throw new AssertionError(protocol + " moved " + moved);
                    }
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                    if (records.isEmpty()) {
                        continue;
                    }
                    producer.beginTransaction();
                    for (ConsumerRecord<String, String> record : records) {
                        producer.send(new ProducerRecord<>(to, record.partition(), null, record.value()));
                    }
                    producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
                    if (++step % 3 == 0) {
                        producer.abortTransaction();
                        Map<TopicPartition, OffsetAndMetadata> back = consumer.committed(consumer.assignment());
                        for (TopicPartition partition : consumer.assignment()) {
                            OffsetAndMetadata offset = back.get(partition);
                            if (offset == null) {
                                consumer.seekToBeginning(List.of(partition));
                            } else {
                                consumer.seek(partition, offset);
                            }
                        }
                    } else {
                        producer.commitTransaction();
                        moved += records.count();
                    }
                }
            }
            equal("moved once by " + protocol, committed(broker, to, 31), committed(broker, "ends", 31));
        }
    }

    private static void fences(String broker, Admin admin) throws Exception {
        KafkaProducer<String, String> first = producer(broker, "fenced", "60000");
        first.beginTransaction();
        first.send(new ProducerRecord<>("fenced", 0, null, "never")).get();
        TransactionListing open = admin.listTransactions().all().get().stream()
            .filter(one -> one.transactionalId().equals("fenced")).findFirst().orElseThrow();
        equal("open", open.state(), TransactionState.ONGOING);
        KafkaProducer<String, String> second = producer(broker, "fenced", "60000");
        try {
            first.commitTransaction();
            throw new AssertionError("a fenced producer commits");
        } catch (ProducerFencedException fenced) {
            done++;
        }
        first.close(Duration.ZERO);
        second.beginTransaction();
        second.send(new ProducerRecord<>("fenced", 1, null, "second"));
        second.commitTransaction();
        equal("after the fence", committed(broker, "fenced", 1), List.of("second"));
        second.close();
    }

    /** The broker aborts what takes too long; the producer aborts, too, and goes on. */
    private static void times(String broker, Admin admin) throws Exception {
        try (KafkaProducer<String, String> producer = producer(broker, "slow", "500")) {
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("slow", 0, null, "late")).get();
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (admin.describeTransactions(List.of("slow")).description("slow").get().state()
                    != TransactionState.COMPLETE_ABORT) {
                if (System.nanoTime() > deadline) {
                    throw new AssertionError("not aborted");
                }
                Thread.sleep(50);
            }
            try {
                producer.send(new ProducerRecord<>("slow", 0, null, "later")).get();
                producer.commitTransaction();
                throw new AssertionError("an aborted transaction commits");
            } catch (Exception refused) {
                producer.abortTransaction();
            }
            producer.beginTransaction();
            producer.send(new ProducerRecord<>("slow", 0, null, "in time"));
            producer.commitTransaction();
        }
        equal("after the time-out", committed(broker, "slow", 1), List.of("in time"));
    }

    public static void main(String[] arguments) throws Exception {
        String broker = arguments[0];
        try (Admin admin = Admin.create(properties(broker))) {
            features(admin);
            List<NewTopic> topics = new ArrayList<>();
            for (String name : List.of("ends", "out-classic", "out-consumer", "fenced", "slow")) {
                topics.add(new NewTopic(name, 2, (short) 1));
            }
            admin.createTopics(topics).all().get();
            ends(broker);
            groups(broker);
            fences(broker, admin);
            times(broker, admin);
        }
        System.out.println("{\"done\":" + done + "}");
    }
}
