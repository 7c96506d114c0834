import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaFilter;

/**
 * The calls that web consoles for Kafka (AKHQ, Kafbat UI) make, page after page: BROKER [show]. What they come to is what
 * Kafka 4.1 says: this also passes against one KRaft node of it, fresh and without an authorizer.
 */
public final class Consoles {
    private static final ConfigResource BROKER = new ConfigResource(ConfigResource.Type.BROKER, "1");
    private static final ConfigResource TOPIC = new ConfigResource(ConfigResource.Type.TOPIC, "shown");

    static Properties properties(String broker, String... settings) {
        Properties all = new Properties();
        all.put("bootstrap.servers", broker);
        all.put("default.api.timeout.ms", "20000");
        all.put("request.timeout.ms", "15000");
        for (int at = 0; at < settings.length; at += 2) {
            all.put(settings[at], settings[at + 1]);
        }
        return all;
    }

    private static String entry(Config config, String name) {
        ConfigEntry entry = config.get(name);
        return entry == null ? "none" : entry.value() + " " + entry.source() + " " + entry.type()
            + (entry.isReadOnly() ? " fixed" : "") + (entry.isSensitive() ? " secret" : "")
            + (entry.documentation() == null || entry.documentation().isBlank() ? "" : " documented")
            + " " + entry.synonyms().stream().map(ConfigEntry.ConfigSynonym::name).toList();
    }

    private static Map<ConfigResource, Config> configs(Admin admin, ConfigResource... resources) throws Exception {
        DescribeConfigsOptions options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        return admin.describeConfigs(List.of(resources), options).all().get();
    }

    /** The dashboard and the pages of a broker. */
    private static void cluster(Admin admin, Outcomes outcome) throws Exception {
        DescribeClusterOptions operations = new DescribeClusterOptions().includeAuthorizedOperations(true);
        outcome.of("controller", "1", () -> admin.describeCluster().controller().get().id());
        outcome.of("nodes", "[1]", () -> admin.describeCluster(operations).nodes().get().stream().map(Node::id).toList());
        outcome.of("cluster id", "22", () -> admin.describeCluster(operations).clusterId().get().length());
        outcome.of("cluster operations",
            "[ALTER, ALTER_CONFIGS, CLUSTER_ACTION, CREATE, DESCRIBE, DESCRIBE_CONFIGS, IDEMPOTENT_WRITE]",
            () -> admin.describeCluster(operations).authorizedOperations());
        outcome.of("fenced nodes too", "[false]", () -> admin.describeCluster(new DescribeClusterOptions()
            .includeFencedBrokers(true)).nodes().get().stream().map(Node::isFenced).toList());
        Map<String, FinalizedVersionRange> features = admin.describeFeatures().featureMetadata().get().finalizedFeatures();
        outcome.of("features", "[27, 1, 2]", () -> List.of("metadata.version", "group.version", "transaction.version")
            .stream().map(name -> features.containsKey(name) ? features.get(name).maxVersionLevel() : 0).toList());
        Config broker = configs(admin, BROKER).get(BROKER);
        outcome.of("broker partitions", "1 DEFAULT_CONFIG INT fixed documented [num.partitions]", () -> entry(broker, "num.partitions"));
        outcome.of("broker retention", "168 DEFAULT_CONFIG", () -> broker.get("log.retention.hours").value() + " "
            + broker.get("log.retention.hours").source());
        outcome.of("finer broker retention", "null DEFAULT_CONFIG LONG documented []", () -> entry(broker, "log.retention.ms"));
        outcome.of("broker password", "null true", () -> broker.get("ssl.key.password").value() + " "
            + broker.get("ssl.key.password").isSensitive());
        outcome.of("broker message size", "1048588 DEFAULT_CONFIG INT documented [message.max.bytes]",
            () -> entry(broker, "message.max.bytes"));
        outcome.of("topics may go", "true", () -> broker.get("delete.topic.enable").value());
        outcome.of("all broker settings", "true", () -> broker.entries().size() > 50);
        outcome.of("settings without synonyms", "[]", () -> admin.describeConfigs(List.of(BROKER)).all().get()
            .get(BROKER).get("message.max.bytes").synonyms());
        ConfigResource all = new ConfigResource(ConfigResource.Type.BROKER, "");
        outcome.of("settings of all brokers", "false", () -> configs(admin, all).get(all).entries().stream()
            .anyMatch(entry -> entry.source() != ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG));
        brokerSetting(admin, outcome);
        outcome.of("quorum leader", "1", () -> admin.describeMetadataQuorum().quorumInfo().get().leaderId());
        outcome.of("quorum voters", "1", () -> admin.describeMetadataQuorum().quorumInfo().get().voters().size());
        outcome.of("quorum observers", "[]", () -> admin.describeMetadataQuorum().quorumInfo().get().observers());
    }

    /** A setting of a broker is changed in place and put back. */
    private static void brokerSetting(Admin admin, Outcomes outcome) throws Exception {
        outcome.of("broker setting", "null", () -> admin.incrementalAlterConfigs(Map.of(BROKER, List.of(
            new AlterConfigOp(new ConfigEntry("message.max.bytes", "2000000"), OpType.SET)))).all());
        outcome.soon("broker setting shown", "2000000 DYNAMIC_BROKER_CONFIG INT documented [message.max.bytes, message.max.bytes]",
            () -> entry(configs(admin, BROKER).get(BROKER), "message.max.bytes"));
        outcome.of("broker setting back", "null", () -> admin.incrementalAlterConfigs(Map.of(BROKER, List.of(
            new AlterConfigOp(new ConfigEntry("message.max.bytes", null), OpType.DELETE)))).all());
        outcome.of("broker setting of a start", "InvalidRequestException", () -> admin.incrementalAlterConfigs(Map.of(BROKER,
            List.of(new AlterConfigOp(new ConfigEntry("num.partitions", "2"), OpType.SET)))).all());
    }

    /** What is switched off, empty or refused on a plain broker; consoles hide those pages by the answer. */
    private static void extras(Admin admin, Outcomes outcome) throws Exception {
        outcome.of("rules", "SecurityDisabledException", () -> admin.describeAcls(AclBindingFilter.ANY).values());
        outcome.of("rules deleted", "SecurityDisabledException", () -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all());
        outcome.of("quotas", "{}", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities());
        outcome.of("users", "{}", () -> admin.describeUserScramCredentials().all());
        outcome.of("no user", "ResourceNotFoundException",
            () -> admin.describeUserScramCredentials(List.of("nobody")).description("nobody"));
        outcome.of("client metrics", "[]", () -> admin.listConfigResources(Set.of(ConfigResource.Type.CLIENT_METRICS),
            new ListConfigResourcesOptions()).all());
        outcome.of("configured resources", "[BROKER 1, BROKER_LOGGER 1, TOPIC grown, TOPIC shown]",
            () -> admin.listConfigResources().all().get().stream().filter(one -> !one.name().startsWith("__"))
                .map(one -> one.type() + " " + one.name()).collect(Collectors.toSet()));
        outcome.of("transaction of nobody", "TransactionalIdNotFoundException",
            () -> admin.describeTransactions(List.of("nobody")).all());
    }

    /** Reassignments, which consoles change the number of replicas with, elections and log folders. */
    private static void replicas(Admin admin, Outcomes outcome) throws Exception {
        TopicPartition one = new TopicPartition("shown", 0);
        outcome.of("reassignments", "{}", () -> admin.listPartitionReassignments().reassignments());
        outcome.of("assigned as it is", "null", () -> reassigned(admin, one, 1));
        outcome.of("another broker", "InvalidReplicaAssignmentException", () -> reassigned(admin, one, 2));
        outcome.of("two replicas", "InvalidReplicaAssignmentException", () -> reassigned(admin, one, 1, 2));
        outcome.of("the same twice", "InvalidReplicaAssignmentException", () -> reassigned(admin, one, 1, 1));
        outcome.of("negative replica", "InvalidReplicaAssignmentException", () -> reassigned(admin, one, -1));
        outcome.of("partition of nobody", "UnknownTopicOrPartitionException",
            () -> reassigned(admin, new TopicPartition("nobody", 0), 1));
        outcome.of("partition that is not there", "UnknownTopicOrPartitionException",
            () -> reassigned(admin, new TopicPartition("shown", 99), 1));
        outcome.of("nothing to cancel", "NoReassignmentInProgressException",
            () -> admin.alterPartitionReassignments(Map.of(one, Optional.empty())).all());
        for (ElectionType type : ElectionType.values()) {
            outcome.of("election " + type, "Optional[ElectionNotNeededException]", () -> admin.electLeaders(type, Set.of(one))
                .partitions().get().get(one).map(error -> error.getClass().getSimpleName()));
        }
        Map<String, LogDirDescription> folders = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1);
        LogDirDescription folder = folders.values().iterator().next();
        outcome.of("folders", "1", folders::size);
        outcome.of("folder", "true true", () -> (folder.totalBytes().getAsLong() > 0) + " " + (folder.usableBytes().getAsLong() > 0));
        outcome.of("sizes", "true", () -> folder.replicaInfos().get(one).size() > 0);
        outcome.of("not on the move", "0 false", () -> folder.replicaInfos().get(one).offsetLag() + " "
            + folder.replicaInfos().get(one).isFuture());
        String path = folders.keySet().iterator().next();
        TopicPartitionReplica replica = new TopicPartitionReplica("shown", 0, 1);
        outcome.of("folder of a replica", "true", () -> path.equals(admin.describeReplicaLogDirs(List.of(replica)).all().get()
            .get(replica).getCurrentReplicaLogDir()));
        outcome.of("replica where it is", "null", () -> admin.alterReplicaLogDirs(Map.of(replica, path)).all());
        outcome.of("replica to another folder", "LogDirNotFoundException",
            () -> admin.alterReplicaLogDirs(Map.of(replica, "/nowhere")).all());
    }

    private static Object reassigned(Admin admin, TopicPartition partition, Integer... brokers) throws Exception {
        return admin.alterPartitionReassignments(Map.of(partition,
            Optional.of(new NewPartitionReassignment(Arrays.asList(brokers))))).all().get();
    }

    private static Object updated(Admin admin, boolean dry, String feature, int level, FeatureUpdate.UpgradeType type)
            throws Exception {
        return admin.updateFeatures(Map.of(feature, new FeatureUpdate((short) level, type)),
            new UpdateFeaturesOptions().validateOnly(dry)).all().get();
    }

    private static void features(Admin admin, Outcomes outcome) throws Exception {
        FeatureUpdate.UpgradeType up = FeatureUpdate.UpgradeType.UPGRADE;
        for (boolean dry : new boolean[] {true, false}) {
            outcome.of("feature as it is " + dry, "null", () -> updated(admin, dry, "group.version", 1, up));
            outcome.of("feature too high " + dry, "InvalidUpdateVersionException", () -> updated(admin, dry, "group.version", 99, up));
            outcome.of("feature of nobody " + dry, "InvalidUpdateVersionException", () -> updated(admin, dry, "nobody", 1, up));
            outcome.of("feature lowered by upgrade " + dry, "InvalidUpdateVersionException",
                () -> updated(admin, dry, "transaction.version", 1, up));
        }
    }

    private static void create(Admin admin, Outcomes outcome) throws Exception {
        NewTopic shown = new NewTopic("shown", Optional.of(3), Optional.empty())
            .configs(Map.of("cleanup.policy", "delete", "retention.ms", "7200000"));
        outcome.of("topic tried", "null", () -> admin.createTopics(List.of(shown), new CreateTopicsOptions().validateOnly(true)).all());
        CreateTopicsResult made = admin.createTopics(List.of(shown, new NewTopic("grown", 1, (short) 1)));
        outcome.of("topic made", "null", made::all);
        outcome.of("as made", "3 1 7200000", () -> made.numPartitions("shown").get() + " " + made.replicationFactor("shown").get()
            + " " + made.config("shown").get().get("retention.ms").value());
        outcome.of("topic again", "TopicExistsException", () -> admin.createTopics(List.of(shown)).all());
        outcome.of("too many replicas", "InvalidReplicationFactorException",
            () -> admin.createTopics(List.of(new NewTopic("two", 1, (short) 2))).all());
        outcome.of("unknown setting", "InvalidConfigurationException", () -> admin.createTopics(List.of(
            new NewTopic("odd", 1, (short) 1).configs(Map.of("no.such", "1")))).all());
        outcome.of("bad setting", "InvalidConfigurationException", () -> admin.createTopics(List.of(
            new NewTopic("odd", 1, (short) 1).configs(Map.of("retention.ms", "soon")))).all());
        outcome.of("more partitions", "null", () -> admin.createPartitions(Map.of("grown", NewPartitions.increaseTo(2))).all());
        outcome.of("as many partitions", "InvalidPartitionsException",
            () -> admin.createPartitions(Map.of("grown", NewPartitions.increaseTo(2))).all());
        outcome.of("partitions of nobody", "UnknownTopicOrPartitionException",
            () -> admin.createPartitions(Map.of("nobody", NewPartitions.increaseTo(2))).all());
    }

    /** The list of topics and the page of one. */
    private static void topics(Admin admin, Outcomes outcome) throws Exception {
        outcome.of("topics", "[grown, shown]", () -> admin.listTopics(new ListTopicsOptions().listInternal(false)).names());
        outcome.of("internal topics", "{__consumer_offsets=true, grown=false, shown=false}",
            () -> admin.listTopics(new ListTopicsOptions().listInternal(true)).listings().get().stream()
                .filter(topic -> !topic.name().equals("__transaction_state"))
                .collect(Collectors.toMap(topic -> topic.name(), topic -> topic.isInternal())));
        TopicDescription shown = admin.describeTopics(List.of("shown", "grown", "__consumer_offsets"),
            new DescribeTopicsOptions().includeAuthorizedOperations(true)).allTopicNames().get().get("shown");
        outcome.of("partitions", "[0 1 [1] [1] [] [], 1 1 [1] [1] [] [], 2 1 [1] [1] [] []]", () -> shown.partitions().stream()
            .map(part -> part.partition() + " " + part.leader().id() + " " + ids(part.replicas()) + " " + ids(part.isr()) + " "
                + ids(part.elr()) + " " + ids(part.lastKnownElr())).toList());
        outcome.of("topic operations", "[ALTER, ALTER_CONFIGS, CREATE, DELETE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE]",
            shown::authorizedOperations);
        outcome.of("by id", "shown", () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(shown.topicId())))
            .allTopicIds().get().get(shown.topicId()).name());
        outcome.of("by id of nobody", "UnknownTopicIdException",
            () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(new Uuid(7, 7)))).allTopicIds());
        outcome.of("topic of nobody", "UnknownTopicOrPartitionException", () -> admin.describeTopics(List.of("nobody")).allTopicNames());
        ConfigResource grown = new ConfigResource(ConfigResource.Type.TOPIC, "grown");
        ConfigResource offsets = new ConfigResource(ConfigResource.Type.TOPIC, "__consumer_offsets");
        Map<ConfigResource, Config> all = configs(admin, TOPIC, grown, offsets);
        outcome.of("set", "7200000 DYNAMIC_TOPIC_CONFIG LONG documented [retention.ms]",
            () -> entry(all.get(TOPIC), "retention.ms"));
        outcome.of("not set", "604800000 DEFAULT_CONFIG LONG documented []",
            () -> entry(all.get(grown), "retention.ms"));
        outcome.of("policy", "[compact DYNAMIC_TOPIC_CONFIG LIST documented [cleanup.policy, log.cleanup.policy]]",
            () -> List.of(entry(all.get(offsets), "cleanup.policy")));
        outcome.of("settings of nobody", "UnknownTopicOrPartitionException",
            () -> configs(admin, new ConfigResource(ConfigResource.Type.TOPIC, "nobody")));
        for (String[] step : new String[][] {{"APPEND", "compact", "delete,compact"}, {"SUBTRACT", "delete", "compact"},
            {"SET", "delete", "delete"}}) {
            outcome.of(step[0], "null", () -> altered(admin, OpType.valueOf(step[0]), "cleanup.policy", step[1]));
            outcome.soon(step[0] + " shown", step[2], () -> configs(admin, TOPIC).get(TOPIC).get("cleanup.policy").value());
        }
        outcome.of("DELETE", "null", () -> altered(admin, OpType.DELETE, "retention.ms", null));
        outcome.soon("DELETE shown", "604800000 DEFAULT_CONFIG LONG documented []",
            () -> entry(configs(admin, TOPIC).get(TOPIC), "retention.ms"));
        outcome.of("append to no list", "InvalidConfigurationException", () -> altered(admin, OpType.APPEND, "retention.ms", "1"));
        outcome.of("set nothing that is known", "InvalidConfigurationException", () -> altered(admin, OpType.SET, "no.such", "1"));
    }

    private static Object altered(Admin admin, OpType type, String name, String value) throws Exception {
        return admin.incrementalAlterConfigs(Map.of(TOPIC, List.of(new AlterConfigOp(new ConfigEntry(name, value), type))))
            .all().get();
    }

    private static List<Integer> ids(Collection<Node> nodes) {
        return nodes == null ? List.of() : nodes.stream().map(Node::id).toList();
    }

    private static void delete(Admin admin, Outcomes outcome) throws Exception {
        outcome.of("deleted", "null", () -> admin.deleteTopics(List.of("grown")).all());
        outcome.of("deleted again", "UnknownTopicOrPartitionException", () -> admin.deleteTopics(List.of("grown")).all());
        Uuid id = admin.describeTopics(List.of("shown")).allTopicNames().get().get("shown").topicId();
        outcome.of("deleted by id", "null", () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all());
        outcome.soon("none left", "[]", () -> admin.listTopics().names());
    }

    public static void main(String[] arguments) throws Exception {
        String broker = arguments[0];
        Outcomes outcome = new Outcomes(arguments.length > 1);
        try (Admin admin = Admin.create(properties(broker))) {
            cluster(admin, outcome);
            create(admin, outcome);
            ConsoleRecords.run(broker, admin, outcome);
            ConsoleGroups.run(broker, admin, outcome);
            topics(admin, outcome);
            replicas(admin, outcome);
            features(admin, outcome);
            extras(admin, outcome);
            delete(admin, outcome);
            System.out.println("{\"done\":" + outcome.settled() + "}");
        } catch (AssertionError | ExecutionException wrong) {
            wrong.printStackTrace();
            System.exit(1);
        }
    }
}
