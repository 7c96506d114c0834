import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.apache.kafka.common.utils.Exit;

/** Kafka's own command line tools, one after the other in one JVM: BROKER DATA_FOLDER. */
public final class ConsoleTools {
    private interface Tool {
        void main(String[] arguments) throws Exception;
    }

    /** Thrown in the place of an exit; a tool may catch it and exit again. */
    private static final class Exited extends RuntimeException {
        Exited(int status) {
            super("exit " + status, null, false, false);
            if (firstExit == null) {
                firstExit = status;
            }
        }
    }

    private static volatile Integer firstExit;

    /** Standard output and error of the tools: one stream for all, since Scala keeps the one it saw first. */
    private static final class Captured extends OutputStream {
        volatile ByteArrayOutputStream into = new ByteArrayOutputStream();

        @Override
        public void write(int one) {
            into.write(one);
        }

        @Override
        public void write(byte[] bytes, int from, int length) {
            into.write(bytes, from, length);
        }
    }

    private static final PrintStream OUT = System.out;
    private static final PrintStream ERR = System.err;
    private static final Captured CAPTURED = new Captured();
    private static final List<String> DONE = new ArrayList<>();

    /** Runs a tool with the words of a line, and gives what it printed; a failure shows it. */
    private static String run(int status, Tool tool, String line, String input) {
        return run(status, tool, line, input, "");
    }

    /** The same, with a text to wait for, for a tool that returns before it has done its work. */
    private static String run(int status, Tool tool, String line, String input, String last) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CAPTURED.into = bytes;
        Throwable thrown = null;
        firstExit = null;
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        try {
            tool.main(line.trim().split(" +"));
            long deadline = System.nanoTime() + 60_000_000_000L;
            while (!bytes.toString(StandardCharsets.UTF_8).contains(last) && System.nanoTime() < deadline) {
                Thread.sleep(20);
            }
        } catch (Exited exited) {
            // its status is kept
        } catch (Throwable other) {
            thrown = other;
        }
        String text = bytes.toString(StandardCharsets.UTF_8);
        int ended = firstExit == null ? 0 : firstExit;
        if (thrown != null || ended != status) {
            throw new AssertionError(line + ": status " + ended + ", " + thrown + "\n" + text, thrown);
        }
        return text;
    }

    /** The first and last lines. */
    private static String shortened(String text) {
        List<String> lines = text.lines().toList();
        if (lines.size() <= 80) {
            return text;
        }
        return String.join("\n", lines.subList(0, 20)) + "\n...\n"
            + String.join("\n", lines.subList(lines.size() - 60, lines.size()));
    }

    private static String run(Tool tool, String line) {
        return run(0, tool, line, "");
    }

    private static void expect(String what, String text, String... patterns) {
        for (String pattern : patterns) {
            if (!Pattern.compile(pattern, Pattern.MULTILINE).matcher(text).find()) {
                throw new AssertionError(what + " shows no /" + pattern + "/:\n" + text);
            }
        }
        DONE.add(what);
    }

    private static void topics(String at) {
        Tool topics = org.apache.kafka.tools.TopicCommand::main;
        run(topics, at + "--create --topic tools --partitions 3 --config retention.ms=3600000");
        expect("topic list", run(topics, at + "--list"), "^tools$");
        expect("topic describe", run(topics, at + "--describe --topic tools"),
            "PartitionCount: 3", "ReplicationFactor: 1", "retention.ms=3600000", "Partition: 2\tLeader: \\d+");
        run(topics, at + "--alter --topic tools --partitions 4");
        expect("topic alter", run(topics, at + "--describe --topic tools"), "PartitionCount: 4");
        expect("topic exists", run(1, topics, at + "--create --topic tools", ""), "TopicExistsException|already exists");
        run(topics, at + "--create --topic tools --if-not-exists");
        expect("topic unknown", run(1, topics, at + "--describe --topic nobody", ""), "does not exist");
        Tool configs = arguments -> kafka.admin.ConfigCommand.main(arguments);
        run(configs, at + "--alter --topic tools --add-config cleanup.policy=compact,min.insync.replicas=1");
        expect("config describe", run(configs, at + "--describe --topic tools"), "cleanup.policy=compact",
            "retention.ms=3600000");
        run(configs, at + "--alter --topic tools --delete-config cleanup.policy");
        expect("config delete", run(configs, at + "--describe --topic tools --all"), "cleanup.policy=delete");
        expect("broker config", run(configs, at + "--describe --entity-type brokers --all"), "num.partitions=");
        expect("config refused",
            run(1, configs, at + "--alter --topic tools --add-config retention.ms=soon", ""), "retention.ms");
    }

    /** Settings of brokers, groups and client metrics, the features and the quorum. */
    private static void settings(String at) {
        Tool configs = arguments -> kafka.admin.ConfigCommand.main(arguments);
        run(configs, at + "--alter --entity-type brokers --entity-default --add-config log.retention.ms=7000000");
        expect("broker default", run(configs, at + "--describe --entity-type brokers --entity-default"),
            "log.retention.ms=7000000");
        run(configs, at + "--alter --entity-type brokers --entity-name 1 --add-config log.retention.ms=8000000");
        expect("broker dynamic", run(configs, at + "--describe --entity-type brokers --entity-name 1"),
            "log.retention.ms=8000000.*DYNAMIC_BROKER_CONFIG");
        run(configs, at + "--alter --entity-type brokers --entity-name 1 --delete-config log.retention.ms");
        run(configs, at + "--alter --entity-type brokers --entity-default --delete-config log.retention.ms");
        expect("broker static", run(1, configs,
            at + "--alter --entity-type brokers --entity-name 1 --add-config num.partitions=2", ""), "dynamically");
        run(configs, at + "--alter --entity-type groups --entity-name set --add-config consumer.session.timeout.ms=50000");
        expect("group described", run(configs, at + "--describe --entity-type groups --entity-name set"),
            "consumer.session.timeout.ms=50000");
        expect("groups described", run(configs, at + "--describe --entity-type groups"), "group set");
        run(configs, at + "--alter --entity-type groups --entity-name set --delete-config consumer.session.timeout.ms");
        run(configs, at + "--describe --entity-type client-metrics");
        run(configs, at + "--describe --entity-type users");
        run(org.apache.kafka.tools.ClientMetricsCommand::main, at + "--list");
        expect("features", run(org.apache.kafka.tools.FeatureCommand::main, at + "describe"),
            "transaction.version.*FinalizedVersionLevel: 2", "group.version.*FinalizedVersionLevel: 1");
        Tool quorum = org.apache.kafka.tools.MetadataQuorumCommand::main;
        expect("quorum", run(quorum, at + "describe --status"), "LeaderId: +1$", "CurrentVoters:");
        expect("quorum replicas", run(quorum, at + "describe --replication"), "Leader");
    }

    private static void records(String broker, String at) throws Exception {
        Tool producer = org.apache.kafka.tools.ConsoleProducer::main;
        run(0, producer, at + "--topic tools --property parse.key=true --property key.separator=: --sync",
            "a:1\nb:2\na:3\n");
        Tool consumer = org.apache.kafka.tools.consumer.ConsoleConsumer::main;
        String read = run(consumer, at + "--topic tools --from-beginning --max-messages 3 --timeout-ms 60000 "
            + "--group console --property print.key=true --property print.offset=true");
        expect("console", read, "^Offset:\\d+\ta\t1$", "^Offset:\\d+\ta\t3$", "^Offset:\\d+\tb\t2$");

        Tool verifiable = org.apache.kafka.tools.VerifiableProducer::main;
        String sent = run(0, verifiable, at + "--topic verified --max-messages 1000 --acks -1", "", "\"value\":\"999\"");
        if (sent.lines().filter(line -> line.contains("producer_send_success")).count() != 1000) {
            throw new AssertionError("verifiable producer:\n" + sent);
        }
        expect("verifiable producer", sent, "startup_complete");
        for (String protocol : new String[] {"classic", "consumer"}) {
            Tool verifying = org.apache.kafka.tools.VerifiableConsumer::main;
            String group = "verified-" + protocol;
            String seen = run(verifying, at + "--topic verified --group-id " + group + " --group-protocol " + protocol
                + " --max-messages 1000 --reset-policy earliest");
            int consumed = Pattern.compile("\"name\":\"records_consumed\".*\"count\":(\\d+)|\"count\":(\\d+).*\"name\":\"records_consumed\"")
                .matcher(seen).results()
                .mapToInt(found -> Integer.parseInt(found.group(1) == null ? found.group(2) : found.group(1))).sum();
            if (consumed != 1000) {
                throw new AssertionError(group + " consumed " + consumed + "\n" + seen);
            }
            expect("verifiable consumer " + protocol, seen, "\"name\":\"offsets_committed\"|\"offsets_committed\"");
        }
        Tool perf = org.apache.kafka.tools.ProducerPerformance::main;
        expect("producer performance", run(perf, "--topic perf --num-records 5000 --record-size 100 --throughput -1 "
            + "--producer-props bootstrap.servers=" + broker + " acks=all compression.type=lz4"),
            "^5000 records sent");
        Tool consumerPerf = org.apache.kafka.tools.ConsumerPerformance::main;
        expect("consumer performance",
            run(consumerPerf, at + "--topic perf --messages 5000 --timeout 60000"), ", 5\\d\\d\\d, ");
        expect("offsets", run(org.apache.kafka.tools.GetOffsetShell::main, at + "--topic perf --time -1"),
            "^perf:0:5000$");
    }

    private static void groups(String at) throws Exception {
        Tool groups = org.apache.kafka.tools.consumer.group.ConsumerGroupCommand::main;
        expect("group list", run(groups, at + "--list --state"), "^verified-classic +Empty", "^verified-consumer +Empty");
        expect("group offsets", run(groups, at + "--describe --group verified-classic"),
            "verified-classic +verified +0 +1000 +1000 +0");
        expect("group state", run(groups, at + "--describe --state --group verified-consumer"), "Empty +0");
        run(groups, at + "--reset-offsets --to-offset 10 --topic verified:0 --execute --group verified-classic");
        expect("group reset", run(groups, at + "--describe --group verified-classic"), "verified +0 +10 +1000 +990");
        expect("group delete", run(groups, at + "--delete --group verified-classic"), "successful");
        expect("all groups", run(org.apache.kafka.tools.GroupsCommand::main, at + "--list"), "verified-consumer +Consumer");
    }

    private static void cluster(String at, Path data) throws Exception {
        expect("API versions", run(org.apache.kafka.tools.BrokerApiVersionsCommand::main, at), "Produce\\(0\\): 0 to 13");
        expect("log folders", run(org.apache.kafka.tools.LogDirsCommand::main, at + "--describe --topic-list perf"),
            "\"partition\":\"perf-0\"");
        Path json = Files.createTempFile("delete-records", ".json");
        Files.writeString(json, "{\"version\":1,\"partitions\":[{\"topic\":\"perf\",\"partition\":0,\"offset\":100}]}");
        expect("delete records", run(org.apache.kafka.tools.DeleteRecordsCommand::main,
            at + "--offset-json-file " + json), "perf-0.*low_watermark: 100");
        Files.delete(json);
        run(org.apache.kafka.tools.TopicCommand::main, at + "--delete --topic perf");

        expect("dump of a log", dump(data, "verified-0", ".log"), "baseOffset: 0 .*isvalid: true", "payload: 999");
        expect("dump of an index", dump(data, "verified-0", ".index"), "Dumping");
        expect("dump of a time index", dump(data, "verified-0", ".timeindex"), "Dumping");
        StringBuilder offsets = new StringBuilder();
        try (Stream<Path> folders = Files.list(data)) {
            for (Path folder : (Iterable<Path>) folders.sorted()::iterator) {
                if (folder.getFileName().toString().startsWith("__consumer_offsets-")) {
                    offsets.append(run(kafka.tools.DumpLogSegments::main,
                        "--offsets-decoder --files " + segment(folder, ".log")));
                }
            }
        }
        expect("dump of offsets", offsets.toString(), "\"group\":\"console\",\"topic\":\"tools\"",
            "\"group\":\"verified-consumer\"");
        // the records of the consumer protocol: group, member, epoch of the target, target of a member, where it stands
        for (String kind : new String[] {"3", "5", "6", "7", "8"}) {
            expect("dump of records of kind " + kind, offsets.toString(),
                "key: \\{\"type\":\"" + kind + "\",\"data\":\\{\"groupId\":\"verified-consumer\"");
        }
        if (offsets.toString().contains("Failed to decode") || offsets.toString().contains("Could not")) {
            throw new AssertionError("Kafka's dump tool cannot read our records:\n" + offsets);
        }
        Tool consumer = org.apache.kafka.tools.consumer.ConsoleConsumer::main;
        String formatted = at + "--topic __consumer_offsets --from-beginning --timeout-ms 5000 --formatter ";
        String formatters = "org.apache.kafka.tools.consumer.";
        expect("formatted offsets", run(consumer, formatted + formatters + "OffsetsMessageFormatter"),
            "\"group\":\"console\",\"topic\":\"tools\"");
        expect("formatted groups", run(consumer, formatted + formatters + "GroupMetadataMessageFormatter"),
            "\"group\":\"console\"");
    }

    private static String dump(Path data, String partition, String ending) throws Exception {
        String text = run(kafka.tools.DumpLogSegments::main,
            "--deep-iteration --print-data-log --files " + segment(data.resolve(partition), ending));
        if (text.contains("Found timestamp mismatch") || text.contains("Mismatches in") || text.contains("Index sanity")) {
            throw new AssertionError("Kafka's dump tool finds fault with " + partition + ending + ":\n" + text);
        }
        return text;
    }

    private static File segment(Path folder, String ending) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(ending)).sorted().findFirst().orElseThrow().toFile();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Exit.setExitProcedure((status, message) -> {
            throw new Exited(status);
        });
        Exit.setHaltProcedure((status, message) -> {
            throw new Exited(status);
        });
        PrintStream captured = new PrintStream(CAPTURED, true, StandardCharsets.UTF_8);
        System.setOut(captured);
        System.setErr(captured);
        String broker = arguments[0];
        String at = "--bootstrap-server " + broker + " ";
        try {
            topics(at);
            settings(at);
            records(broker, at);
            groups(at);
            cluster(at, Path.of(arguments[1]));
        } catch (AssertionError wrong) {
            ERR.println(shortened(wrong.getMessage()));
            ERR.flush();
            Runtime.getRuntime().halt(1);
        }
        OUT.println("{\"done\":" + DONE.size() + "}");
        OUT.flush();
        // the tools have left shutdown hooks that print
        Runtime.getRuntime().halt(0);
    }
}
