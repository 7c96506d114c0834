import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;

/**
 * Reads and writes data as Apache Avro does. A line in: {"writer", "reader", "hex", "json"}. A line out: "resolved", the
 * datum of the writer read with the reader's schema and written again; "json", the same in the JSON encoding;
 * "from_json", the JSON of the writer's schema as a datum; or "error".
 */
public class AvroData {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                answer(JSON.readTree(line), answer);
            } catch (Exception | StackOverflowError e) {
                answer.removeAll();
                answer.put("error", e.toString());
            }
            out.println(JSON.writeValueAsString(answer));
        }
        out.flush();
    }

    private static void answer(JsonNode question, ObjectNode answer) throws Exception {
        Schema writer = new Schema.Parser().parse(question.get("writer").asText());
        Schema reader = new Schema.Parser().parse(question.get("reader").asText());
        byte[] bytes = HexFormat.of().parseHex(question.get("hex").asText());
        Object value = read(writer, reader, DecoderFactory.get().binaryDecoder(bytes, null));
        answer.put("resolved", hex(reader, value));
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(reader, text);
        new GenericDatumWriter<Object>(reader).write(value, encoder);
        encoder.flush();
        answer.put("json", text.toString(StandardCharsets.UTF_8));
        String json = question.get("json").asText();
        answer.put("from_json", hex(writer, read(writer, writer, DecoderFactory.get().jsonDecoder(writer, json))));
    }

    private static Object read(Schema writer, Schema reader, Decoder decoder) throws Exception {
        return new GenericDatumReader<Object>(writer, reader).read(null, decoder);
    }

    private static String hex(Schema schema, Object value) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        new GenericDatumWriter<Object>(schema).write(value, encoder);
        encoder.flush();
        return HexFormat.of().formatHex(bytes.toByteArray());
    }
}
