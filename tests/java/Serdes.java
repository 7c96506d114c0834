import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Apache Avro and the Java Kafka client against serde-avro: command, registry URL, broker address. "produce" fills the topics
 * java-prefix and java-header; "consume" reads what serde-avro wrote to rust-prefix and rust-header. Prints one JSON object.
 */
public final class Serdes {
    private static final int COUNT = 20;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final String ITEM = "{\"type\":\"record\",\"name\":\"Item\",\"namespace\":\"shop\",\"fields\":["
        + "{\"name\":\"sku\",\"type\":\"string\"},{\"name\":\"price\",\"type\":\"double\"}]}";
    private static final String ORDER = "{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"shop\",\"fields\":["
        + "{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"note\",\"type\":[\"null\",\"string\"],\"default\":null},"
        + "{\"name\":\"status\",\"type\":{\"type\":\"enum\",\"name\":\"Status\",\"symbols\":[\"NEW\",\"PAID\"]}},"
        + "{\"name\":\"items\",\"type\":{\"type\":\"array\",\"items\":\"shop.Item\"}},"
        + "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":\"int\"}},{\"name\":\"raw\",\"type\":\"bytes\"}]}";
    private static final String KEY = "\"string\"";

    private final String registry;
    private final String broker;
    private final Map<String, Schema> known = new HashMap<>();

    private Serdes(String registry, String broker) {
        this.registry = registry;
        this.broker = broker;
    }

    public static void main(String[] arguments) throws Exception {
        Serdes serdes = new Serdes(arguments[1], arguments[2]);
        Map<String, Integer> answer = arguments[0].equals("produce") ? serdes.produce() : serdes.consume();
        System.out.println(JSON.writeValueAsString(answer));
        System.exit(0);
    }

    private JsonNode call(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> response = HTTP.send(
            request.header("Content-Type", "application/vnd.schemaregistry.v1+json").build(),
            HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IllegalStateException(response.statusCode() + ": " + response.body());
        }
        return JSON.readTree(response.body());
    }

    private JsonNode register(String subject, String schema, boolean references) throws Exception {
        ObjectNode body = JSON.createObjectNode().put("schema", schema);
        if (references) {
            body.putArray("references").addObject().put("name", "shop.Item").put("subject", "item").put("version", 1);
        }
        URI uri = URI.create(registry + "/subjects/" + subject + "/versions");
        return call(HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString(body.toString())));
    }

    private static Schema parse(String text) {
        Schema.Parser parser = new Schema.Parser();
        parser.parse(ITEM);
        return parser.parse(text);
    }

    private Schema fetch(String path) throws Exception {
        Schema schema = known.get(path);
        if (schema == null) {
            schema = parse(call(HttpRequest.newBuilder(URI.create(registry + path)).GET()).get("schema").asText());
            known.put(path, schema);
        }
        return schema;
    }

    private static byte[] encode(Schema schema, Object value) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<>(schema).write(value, encoder);
        return out.toByteArray();
    }

    /** Prefix framing, or the bare datum and a header with the GUID. */
    private static byte[] frame(JsonNode registered, String header, byte[] datum, Headers headers) {
        if (header == null) {
            return ByteBuffer.allocate(5 + datum.length).put((byte) 0).putInt(registered.get("id").asInt()).put(datum).array();
        }
        UUID guid = UUID.fromString(registered.get("guid").asText());
        ByteBuffer value = ByteBuffer.allocate(17).put((byte) 1);
        headers.add(header, value.putLong(guid.getMostSignificantBits()).putLong(guid.getLeastSignificantBits()).array());
        return datum;
    }

    private Object decode(String name, byte[] payload, Headers headers) throws Exception {
        Header header = headers.lastHeader(name);
        ByteBuffer frame = ByteBuffer.wrap(header == null ? payload : header.value());
        byte magic = frame.get();
        Schema schema;
        int start;
        if (header == null) {
            check(magic, (byte) 0);
            schema = fetch("/schemas/ids/" + frame.getInt());
            start = 5;
        } else {
            check(magic, (byte) 1);
            schema = fetch("/schemas/guids/" + new UUID(frame.getLong(), frame.getLong()));
            start = 0;
        }
        return new GenericDatumReader<>(schema)
            .read(null, DecoderFactory.get().binaryDecoder(payload, start, payload.length - start, null));
    }

    private static GenericRecord order(int id) {
        Schema schema = parse(ORDER);
        Schema item = schema.getField("items").schema().getElementType();
        GenericRecord first = new GenericData.Record(item);
        first.put("sku", "s" + id);
        first.put("price", id + 0.5);
        GenericRecord second = new GenericData.Record(item);
        second.put("sku", "");
        second.put("price", -1.0);
        GenericRecord order = new GenericData.Record(schema);
        order.put("id", (long) id);
        order.put("note", id % 2 == 0 ? null : "n" + id);
        order.put("status", new GenericData.EnumSymbol(schema.getField("status").schema(), id % 3 == 0 ? "NEW" : "PAID"));
        order.put("items", List.of(first, second));
        order.put("tags", Map.of("a", id, "b", -id));
        order.put("raw", ByteBuffer.wrap(new byte[] {0, (byte) id, (byte) 255}));
        return order;
    }

    private static void check(Object found, Object wanted) {
        if (!found.equals(wanted)) {
            throw new IllegalStateException("found " + found + ", wanted " + wanted);
        }
    }

    private Map<String, Integer> produce() throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", broker);
        register("item", ITEM, false);
        try (KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String topic : List.of("java-prefix", "java-header")) {
                boolean headers = topic.equals("java-header");
                JsonNode key = register(topic + "-key", KEY, false);
                JsonNode value = register(topic + "-value", ORDER, true);
                for (int id = 0; id < COUNT; id++) {
                    ProducerRecord<byte[], byte[]> plain = new ProducerRecord<>(topic, 0, new byte[0], new byte[0]);
                    byte[] keyBytes = frame(key, headers ? "__key_schema_id" : null,
                        encode(parse(KEY), "key-" + id), plain.headers());
                    byte[] valueBytes = frame(value, headers ? "__value_schema_id" : null,
                        encode(parse(ORDER), order(id)), plain.headers());
                    producer.send(new ProducerRecord<>(topic, 0, keyBytes, valueBytes, plain.headers())).get();
                }
            }
        }
        return Map.of("produced", COUNT);
    }

    private Map<String, Integer> consume() throws Exception {
        Map<String, Integer> read = new HashMap<>();
        for (String topic : List.of("rust-prefix", "rust-header")) {
            Properties settings = new Properties();
            settings.put("bootstrap.servers", broker);
            settings.put("group.id", "java-" + topic);
            settings.put("auto.offset.reset", "earliest");
            int count = 0;
            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer.subscribe(List.of(topic));
                while (count < COUNT) {
                    if (System.nanoTime() > deadline) {
                        throw new IllegalStateException(topic + ": only " + count);
                    }
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                        check(record.headers().toArray().length, topic.equals("rust-header") ? 2 : 0);
                        check(decode("__key_schema_id", record.key(), record.headers()).toString(), "key-" + count);
                        Object value = decode("__value_schema_id", record.value(), record.headers());
                        check(JSON.readTree(value.toString()), JSON.readTree(order(count).toString()));
                        count++;
                    }
                }
            }
            read.put(topic, count);
        }
        return read;
    }
}
