import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.SchemaParseException;

/**
 * Apache Avro as a judge: reads one question a line, writes one answer a line, both JSON.
 * {"strict": true, "parse": TEXT} is answered by {"text", "form", "rabin"} or {"error"};
 * {"reader": TEXT, "writer": TEXT} by {"found": [{"type", "location", "message"}]}, {"exception"} or {"error"}.
 */
public class AvroOracle {
  static final ObjectMapper JSON = new ObjectMapper();

  /** Strict as a schema being registered; else as one looked up: no checks but that names are words of some script. */
  static Schema parse(String text, boolean strict) {
    NameValidator names = strict ? NameValidator.STRICT_VALIDATOR : NameValidator.NO_VALIDATION;
    Schema schema = new Schema.Parser(names).setValidateDefaults(strict).parse(text);
    if (!strict) {
      names(schema, Collections.newSetFromMap(new IdentityHashMap<>()));
    }
    return schema;
  }

  static void word(String name) {
    var result = NameValidator.UTF_VALIDATOR.validate(name);
    if (!result.isOK()) {
      throw new SchemaParseException(result.getErrors());
    }
  }

  static void names(Schema schema, Set<Schema> seen) {
    if (!seen.add(schema)) {
      return;
    }
    switch (schema.getType()) {
      case RECORD -> {
        word(schema.getName());
        for (Schema.Field field : schema.getFields()) {
          word(field.name());
          names(field.schema(), seen);
        }
      }
      case ENUM -> {
        word(schema.getName());
        schema.getEnumSymbols().forEach(AvroOracle::word);
      }
      case FIXED -> word(schema.getName());
      case ARRAY -> names(schema.getElementType(), seen);
      case MAP -> names(schema.getValueType(), seen);
      case UNION -> schema.getTypes().forEach(branch -> names(branch, seen));
      default -> { }
    }
  }

  static void parsed(String text, boolean strict, ObjectNode answer) {
    Schema schema = parse(text, strict);
    answer.put("text", schema.toString());
    answer.put("form", SchemaNormalization.toParsingForm(schema));
    answer.put("rabin", SchemaNormalization.parsingFingerprint64(schema));
  }

  static void checked(Schema reader, Schema writer, ObjectNode answer) {
    try {
      var result = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult();
      var found = JSON.createArrayNode();
      for (var one : result.getIncompatibilities()) {
        found.addObject().put("type", one.getType().name()).put("location", one.getLocation())
            .put("message", one.getMessage());
      }
      answer.set("found", found);
    } catch (RuntimeException | StackOverflowError e) {
      answer.put("exception", String.valueOf(e.getMessage()));
    }
  }

  public static void main(String[] arguments) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode question = JSON.readTree(line);
      ObjectNode answer = JSON.createObjectNode();
      try {
        if (question.has("parse")) {
          parsed(question.get("parse").asText(), question.get("strict").asBoolean(), answer);
        } else {
          Schema reader = parse(question.get("reader").asText(), false);
          checked(reader, parse(question.get("writer").asText(), false), answer);
        }
      } catch (RuntimeException | StackOverflowError e) {
        answer.removeAll();
        answer.put("error", String.valueOf(e.getMessage()));
      }
      out.write(JSON.writeValueAsString(answer));
      out.newLine();
    }
    out.flush();
  }
}
