// Command serdes puts franz-go's serializer with hamba/avro against serde-avro: command, registry URL, broker address.
// "produce" fills the topics go-prefix and go-header; "consume" reads what serde-avro wrote to rust-prefix and rust-header.
// Prints one JSON object, or fails with the reason.
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

const (
	count = 20
	item  = `{"type":"record","name":"Item","namespace":"shop","fields":[{"name":"sku","type":"string"},{"name":"price","type":"double"}]}`
	order = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"note","type":["null","string"],"default":null},{"name":"status","type":{"type":"enum","name":"Status","symbols":["NEW","PAID"]}},{"name":"items","type":{"type":"array","items":"shop.Item"}},{"name":"tags","type":{"type":"map","values":"int"}},{"name":"raw","type":"bytes"}]}`
	key   = `"string"`
)

// Item is shop.Item.
type Item struct {
	Sku   string  `avro:"sku"`
	Price float64 `avro:"price"`
}

// Order is shop.Order.
type Order struct {
	ID     int64            `avro:"id"`
	Note   *string          `avro:"note"`
	Status string           `avro:"status"`
	Items  []Item           `avro:"items"`
	Tags   map[string]int32 `avro:"tags"`
	Raw    []byte           `avro:"raw"`
}

func orderOf(id int) Order {
	o := Order{
		ID:     int64(id),
		Status: "PAID",
		Items:  []Item{{fmt.Sprintf("s%d", id), float64(id) + 0.5}, {"", -1}},
		Tags:   map[string]int32{"a": int32(id), "b": int32(-id)},
		Raw:    []byte{0, byte(id), 255},
	}
	if id%2 != 0 {
		note := fmt.Sprintf("n%d", id)
		o.Note = &note
	}
	if id%3 == 0 {
		o.Status = "NEW"
	}
	return o
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func schemaOf(text string) avro.Schema {
	cache := &avro.SchemaCache{}
	_, err := avro.ParseWithCache(item, "", cache)
	must(err)
	schema, err := avro.ParseWithCache(text, "", cache)
	must(err)
	return schema
}

// guid asks for a field that the client does not know.
func guid(url, path string) string {
	response, err := http.Get(url + path)
	must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(err)
	var found struct{ GUID string }
	must(json.Unmarshal(body, &found))
	return found.GUID
}

// text fetches a schema by its GUID.
func text(url, guid string) string {
	response, err := http.Get(url + "/schemas/guids/" + guid)
	must(err)
	defer response.Body.Close()
	var found struct{ Schema string }
	must(json.NewDecoder(response.Body).Decode(&found))
	return found.Schema
}

// register registers both schemas.
func register(client *sr.Client, topic string) (keys, values sr.SubjectSchema) {
	ctx := context.Background()
	_, err := client.CreateSchema(ctx, "item", sr.Schema{Schema: item})
	must(err)
	keys, err = client.CreateSchema(ctx, topic+"-key", sr.Schema{Schema: key})
	must(err)
	references := []sr.SchemaReference{{Name: "shop.Item", Subject: "item", Version: 1}}
	values, err = client.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: order, References: references})
	must(err)
	return keys, values
}

// serdeFor knows both schemas by their ids.
func serdeFor(keys, values int) *sr.Serde {
	serde := sr.NewSerde()
	for _, one := range []struct {
		id     int
		value  any
		schema avro.Schema
	}{{keys, "", schemaOf(key)}, {values, Order{}, schemaOf(order)}} {
		schema := one.schema
		serde.Register(one.id, one.value,
			sr.EncodeFn(func(v any) ([]byte, error) { return avro.Marshal(schema, v) }),
			sr.DecodeFn(func(b []byte, v any) error { return avro.Unmarshal(schema, b, v) }))
	}
	return serde
}

func header(name, guid string) kgo.RecordHeader {
	raw, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	must(err)
	return kgo.RecordHeader{Key: name, Value: append([]byte{1}, raw...)}
}

func produce(url, broker string) map[string]int {
	registry, err := sr.NewClient(sr.URLs(url))
	must(err)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	must(err)
	defer client.Close()
	answer := map[string]int{}
	for _, topic := range []string{"go-prefix", "go-header"} {
		keys, values := register(registry, topic)
		serde := serdeFor(keys.ID, values.ID)
		for id := range count {
			name, value := fmt.Sprintf("key-%d", id), orderOf(id)
			record := &kgo.Record{Topic: topic, Partition: 0}
			if topic == "go-prefix" {
				record.Key, record.Value = serde.MustEncode(name), serde.MustEncode(value)
			} else {
				record.Key, err = avro.Marshal(schemaOf(key), name)
				must(err)
				record.Value, err = avro.Marshal(schemaOf(order), value)
				must(err)
				record.Headers = []kgo.RecordHeader{
					header("__key_schema_id", guid(url, fmt.Sprintf("/subjects/%s-key/versions/1", topic))),
					header("__value_schema_id", guid(url, fmt.Sprintf("/subjects/%s-value/versions/1", topic))),
				}
			}
			must(client.ProduceSync(context.Background(), record).FirstErr())
			answer[topic]++
		}
	}
	return answer
}

// byHeader decodes a part that has its schema in a header.
func byHeader(url string, record *kgo.Record, name string, payload []byte, into any) {
	for _, one := range record.Headers {
		if one.Key == name {
			if len(one.Value) != 17 || one.Value[0] != 1 {
				must(fmt.Errorf("%s is %x", name, one.Value))
			}
			raw := hex.EncodeToString(one.Value[1:])
			guid := strings.Join([]string{raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]}, "-")
			must(avro.Unmarshal(schemaOf(text(url, guid)), payload, into))
			return
		}
	}
	must(fmt.Errorf("no header %s", name))
}

func consume(url, broker string) map[string]int {
	registry, err := sr.NewClient(sr.URLs(url))
	must(err)
	answer := map[string]int{}
	for _, topic := range []string{"rust-prefix", "rust-header"} {
		client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
			topic: {0: kgo.NewOffset().AtStart()},
		}))
		must(err)
		for answer[topic] < count {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			fetches := client.PollFetches(ctx)
			cancel()
			must(fetches.Err())
			fetches.EachRecord(func(record *kgo.Record) {
				var name string
				var value Order
				if topic == "rust-prefix" {
					keyID, _, err := (&sr.ConfluentHeader{}).DecodeID(record.Key)
					must(err)
					valueID, _, err := (&sr.ConfluentHeader{}).DecodeID(record.Value)
					must(err)
					_, err = registry.SchemaByID(context.Background(), valueID)
					must(err)
					serde := serdeFor(keyID, valueID)
					must(serde.Decode(record.Key, &name))
					must(serde.Decode(record.Value, &value))
				} else {
					byHeader(url, record, "__key_schema_id", record.Key, &name)
					byHeader(url, record, "__value_schema_id", record.Value, &value)
				}
				id := answer[topic]
				expected := orderOf(id)
				if name != fmt.Sprintf("key-%d", id) || !reflect.DeepEqual(value, expected) || !bytes.Equal(value.Raw, expected.Raw) {
					must(fmt.Errorf("%s: record %d is %q %+v", topic, id, name, value))
				}
				answer[topic]++
			})
		}
		client.Close()
	}
	return answer
}

func main() {
	act := map[string]func(string, string) map[string]int{"produce": produce, "consume": consume}[os.Args[1]]
	out, err := json.Marshal(act(os.Args[2], os.Args[3]))
	must(err)
	fmt.Println(string(out))
}
