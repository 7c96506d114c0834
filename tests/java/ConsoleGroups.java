import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;

/** The pages of consumer groups: of both protocols, with and without members. */
final class ConsoleGroups {
    private static final TopicPartition ZERO = ConsoleRecords.PARTITIONS.get(0);
    private static final TopicPartition ONE = ConsoleRecords.PARTITIONS.get(1);

    private ConsoleGroups() {
    }

    private static ConsumerGroupDescription group(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group),
            new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true)).all().get().get(group);
    }

    private static String page(ConsumerGroupDescription group) {
        return group.groupState() + " " + group.type() + " " + group.coordinator().id() + " "
            + group.partitionAssignor() + " " + group.isSimpleConsumerGroup() + " "
            + group.members().stream().map(ConsoleGroups::member).toList();
    }

    private static String member(MemberDescription member) {
        return member.clientId() + " " + member.host() + " " + member.groupInstanceId().orElse("-") + " "
            + member.assignment().topicPartitions().size() + " " + (member.consumerId().isEmpty() ? "no id" : "id");
    }

    private static Map<String, Map<String, Long>> committed(Admin admin, String... groups) throws Exception {
        Map<String, ListConsumerGroupOffsetsSpec> wanted = new HashMap<>();
        for (String group : groups) {
            wanted.put(group, new ListConsumerGroupOffsetsSpec());
        }
        Map<String, Map<String, Long>> all = new TreeMap<>();
        admin.listConsumerGroupOffsets(wanted).all().get().forEach((group, offsets) -> {
            Map<String, Long> each = new TreeMap<>();
            offsets.forEach((partition, offset) -> each.put(partition.toString(), offset == null ? null : offset.offset()));
            all.put(group, each);
        });
        return all;
    }

    private static Set<String> listed(Admin admin, ListGroupsOptions options) throws Exception {
        return admin.listGroups(options).all().get().stream().map(one -> one.groupId() + " " + one.type().map(GroupType::toString)
            .orElse("-") + " " + one.groupState().map(GroupState::toString).orElse("-") + " " + one.protocol()
            + " " + one.isSimpleConsumerGroup()).collect(Collectors.toSet());
    }

    private static void active(String broker, Admin admin, Outcomes outcome, String protocol) throws Exception {
        String assignor = protocol.equals("classic") ? "range" : "uniform";
        String type = protocol.equals("classic") ? "Classic" : "Consumer";
        try (KafkaConsumer<String, String> consumer = ConsoleRecords.consumer(broker, "group.id", protocol, "group.protocol", protocol,
                "client.id", "reader", "group.instance.id", "desk")) {
            consumer.subscribe(List.of("shown"));
            int seen = 0;
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (seen < 3 * ConsoleRecords.EACH - 10 && System.nanoTime() < deadline) {
                seen += consumer.poll(Duration.ofMillis(200)).count();
            }
            consumer.commitSync();
            outcome.of(protocol + " page", "Stable " + type + " 1 " + assignor + " false [reader /127.0.0.1 desk 3 id]",
                () -> page(group(admin, protocol)));
            outcome.of(protocol + " operations", "[DELETE, DESCRIBE, READ]", () -> group(admin, protocol).authorizedOperations().stream()
                .filter(one -> !one.toString().contains("CONFIGS")).collect(Collectors.toSet()));
            outcome.of(protocol + " listed", "[" + protocol + " " + type + " Stable consumer false]",
                () -> listed(admin, new ListGroupsOptions().inGroupStates(Set.of(GroupState.STABLE))));
            outcome.of(protocol + " lag", "{" + protocol + "={shown-0=40, shown-1=40, shown-2=40}}", () -> committed(admin, protocol));
            Map<TopicPartition, OffsetAndMetadata> reset = Map.of(ZERO, new OffsetAndMetadata(12));
            outcome.of(protocol + " reset while in use", "UnknownMemberIdException",
                () -> admin.alterConsumerGroupOffsets(protocol, reset).all());
            outcome.of(protocol + " offsets deleted while in use", "GroupSubscribedToTopicException",
                () -> admin.deleteConsumerGroupOffsets(protocol, Set.of(ZERO)).all());
            outcome.of(protocol + " deleted while in use", "GroupNotEmptyException",
                () -> admin.deleteConsumerGroups(List.of(protocol)).all());
            outcome.of(protocol + " topic deleted while in use", "true", () -> admin.describeTopics(List.of("shown")).allTopicNames()
                .get().containsKey("shown"));
        }
        outcome.of(protocol + " member removed", "null", () -> admin.removeMembersFromConsumerGroup(protocol,
            new RemoveMembersFromConsumerGroupOptions()).all());
        outcome.soon(protocol + " left", "Empty " + type + " 1 " + (protocol.equals("classic") ? "" : assignor) + " false []",
            () -> page(group(admin, protocol)));
    }

    private static void offsets(Admin admin, Outcomes outcome) {
        Map<TopicPartition, OffsetAndMetadata> reset = Map.of(ZERO, new OffsetAndMetadata(12), ONE, new OffsetAndMetadata(0, "note"));
        for (String group : List.of("classic", "consumer", "made")) {
            outcome.of(group + " reset", "null", () -> admin.alterConsumerGroupOffsets(group, reset).all());
        }
        outcome.of("offsets of several", "{classic={shown-0=12, shown-1=0, shown-2=40}, consumer={shown-0=12, shown-1=0, shown-2=40},"
            + " made={shown-0=12, shown-1=0}, nobody={}}", () -> committed(admin, "classic", "consumer", "made", "nobody"));
        outcome.of("offsets of some partitions", "{shown-0=12, shown-2=null}", () -> {
            Collection<TopicPartition> some = List.of(ZERO, ConsoleRecords.PARTITIONS.get(2));
            Map<String, Long> found = new TreeMap<>();
            admin.listConsumerGroupOffsets(Map.of("made", new ListConsumerGroupOffsetsSpec().topicPartitions(some)))
                .partitionsToOffsetAndMetadata("made").get()
                .forEach((one, offset) -> found.put(one.toString(), offset == null ? null : offset.offset()));
            return found;
        });
        outcome.of("reset of no topic", "UnknownTopicOrPartitionException", () -> admin.alterConsumerGroupOffsets("made",
            Map.of(new TopicPartition("nobody", 0), new OffsetAndMetadata(1))).all());
        outcome.of("made by its offsets", "Empty Classic 1  true []", () -> page(group(admin, "made")));
        outcome.of("offset deleted", "null", () -> admin.deleteConsumerGroupOffsets("classic", Set.of(ZERO, ONE)).all());
        outcome.of("offset deleted that is not there", "null", () -> admin.deleteConsumerGroupOffsets("classic", Set.of(ZERO)).all());
        outcome.of("offset deleted of no topic", "UnknownTopicOrPartitionException",
            () -> admin.deleteConsumerGroupOffsets("classic", Set.of(new TopicPartition("nobody", 0))).all());
        outcome.of("offset deleted of nobody", "GroupIdNotFoundException",
            () -> admin.deleteConsumerGroupOffsets("nobody", Set.of(ZERO)).all());
        outcome.of("left of them", "{classic={shown-2=40}}", () -> committed(admin, "classic"));
    }

    private static void lists(Admin admin, Outcomes outcome) {
        outcome.of("groups", "[classic Classic Empty consumer false, consumer Consumer Empty consumer false, made Classic Empty  true]",
            () -> listed(admin, new ListGroupsOptions()));
        outcome.of("groups for consumers", "[classic Classic Empty consumer false, consumer Consumer Empty consumer false,"
            + " made Classic Empty  true]", () -> listed(admin, ListGroupsOptions.forConsumerGroups()));
        outcome.of("groups by type", "[consumer Consumer Empty consumer false]",
            () -> listed(admin, new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))));
        outcome.of("groups by state", "[]", () -> listed(admin, new ListGroupsOptions().inGroupStates(Set.of(GroupState.DEAD))));
        outcome.of("consumer groups", "[classic, consumer, made]", () -> admin.listConsumerGroups().all().get().stream()
            .map(one -> one.groupId()).collect(Collectors.toSet()));
        outcome.of("several pages", "{classic=Empty, consumer=Empty, made=Empty}", () -> admin.describeConsumerGroups(
            List.of("classic", "consumer", "made")).all().get().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, one -> one.getValue().groupState())));
        outcome.of("page of nobody", "GroupIdNotFoundException", () -> admin.describeConsumerGroups(List.of("nobody")).all());
        outcome.of("classic pages", "{classic=Empty}", () -> admin.describeClassicGroups(List.of("classic")).all().get().entrySet()
            .stream().collect(Collectors.toMap(Map.Entry::getKey, one -> one.getValue().state())));
    }

    static void run(String broker, Admin admin, Outcomes outcome) throws Exception {
        active(broker, admin, outcome, "classic");
        active(broker, admin, outcome, "consumer");
        offsets(admin, outcome);
        lists(admin, outcome);
        outcome.of("groups deleted", "null", () -> admin.deleteConsumerGroups(List.of("classic", "consumer", "made")).all());
        outcome.of("group deleted again", "GroupIdNotFoundException", () -> admin.deleteConsumerGroups(List.of("made")).all());
        outcome.of("groups left", "[]", () -> listed(admin, new ListGroupsOptions()));
    }
}
