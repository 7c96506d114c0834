// franz-go's client and its administration: broker address. Prints one JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	topic      = "go"
	partitions = 3
	each       = 200
)

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	if err != nil {
		fail("%T: %v", value, err)
	}
	return value
}

func equal[T comparable](what string, got, want T) {
	if got != want {
		fail("%s: got %v, want %v", what, got, want)
	}
}

func refused(what string, err, want error) {
	if !errors.Is(err, want) {
		fail("%s: got %v, want %v", what, err, want)
	}
}

func topics(ctx context.Context, admin *kadm.Client) {
	must(admin.CreateTopic(ctx, partitions-1, 1, map[string]*string{"retention.ms": kadm.StringPtr("7200000")}, topic))
	_, err := admin.CreateTopic(ctx, 1, 1, nil, topic)
	refused("topic again", err, kerr.TopicAlreadyExists)
	_, err = admin.CreateTopic(ctx, 1, 3, nil, "replicated")
	refused("three replicas", err, kerr.InvalidReplicationFactor)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, "a b")
	refused("bad name", err, kerr.InvalidTopicException)
	must(admin.ValidateCreateTopics(ctx, 1, 1, nil, "only-checked"))
	for _, grown := range must(admin.UpdatePartitions(ctx, partitions, topic)) {
		equal("grown", grown.Err, nil)
	}
	listed := must(admin.ListTopics(ctx))
	equal("listed", len(listed), 1)
	equal("partitions", len(listed[topic].Partitions), partitions)
	equal("names", len(listed[topic].ID.String()) > 0, true)
	unknown := must(admin.ListTopics(ctx, "nobody"))
	refused("unknown topic", unknown["nobody"].Err, kerr.UnknownTopicOrPartition)

	answers := must(admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "segment.bytes", Value: kadm.StringPtr("1048576")},
		{Op: kadm.DeleteConfig, Name: "retention.ms"},
	}, topic))
	equal("altered", answers[0].Err, nil)
	configs := map[string]string{}
	for _, config := range must(admin.DescribeTopicConfigs(ctx, topic))[0].Configs {
		configs[config.Key] = config.MaybeValue()
	}
	equal("config set", configs["segment.bytes"], "1048576")
	equal("config deleted", configs["retention.ms"], "604800000")

	cluster := must(admin.BrokerMetadata(ctx))
	equal("brokers", len(cluster.Brokers), 1)
	equal("controller", cluster.Controller, cluster.Brokers[0].NodeID)
	equal("cluster id", len(cluster.Cluster), 22)
	must(admin.DescribeAllLogDirs(ctx, nil))
	must(admin.ApiVersions(ctx))
}

func produce(ctx context.Context, broker string) int {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	count := 0
	for name, codec := range codecs {
		client := must(kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(codec)))
		var records []*kgo.Record
		for number := range each {
			records = append(records, &kgo.Record{Topic: topic, Key: []byte(fmt.Sprint(number % 7)),
				Value: []byte(name + fmt.Sprint(number)), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(count)),
				Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{1}}, {Key: "h"}}})
			count++
		}
		if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			fail("produce with %s: %v", name, err)
		}
		client.Close()
	}
	client := must(kgo.NewClient(kgo.SeedBrokers(broker), kgo.UnknownTopicRetries(1)))
	defer client.Close()
	err := client.ProduceSync(ctx, kgo.StringRecord("lost")).FirstErr()
	if err == nil {
		fail("produced without a topic")
	}
	err = client.ProduceSync(ctx, &kgo.Record{Topic: "nobody", Value: []byte("x")}).FirstErr()
	refused("produce to an unknown topic", err, kerr.UnknownTopicOrPartition)
	big := must(kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchMaxBytes(8<<20), kgo.ProducerBatchCompression(kgo.NoCompression())))
	defer big.Close()
	err = big.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(strings.Repeat("x", 2<<20))}).FirstErr()
	refused("too large", err, kerr.MessageTooLarge)
	return count
}

func consume(ctx context.Context, broker string, admin *kadm.Client, count int) {
	options := []kgo.Opt{kgo.SeedBrokers(broker), kgo.ConsumerGroup("go"), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.InstanceID("one")}
	client := must(kgo.NewClient(options...))
	seen := map[string]bool{}
	for len(seen) < count {
		fetches := client.PollFetches(ctx)
		for _, one := range fetches.Errors() {
			fail("fetch: %v", one.Err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if len(record.Headers) != 2 || record.Headers[0].Value[0] != 1 || record.Headers[1].Value != nil {
				fail("headers: %v", record.Headers)
			}
			if seen[string(record.Value)] {
				fail("%s twice", record.Value)
			}
			seen[string(record.Value)] = true
		})
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		fail("commit: %v", err)
	}
	committed := make(chan error, 1)
	client.CommitOffsets(ctx, client.CommittedOffsets(), func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
		committed <- err
	})
	equal("committed without waiting", <-committed, nil)

	described := must(admin.DescribeGroups(ctx, "go"))["go"]
	equal("state", described.State, "Stable")
	equal("protocol", described.Protocol, "cooperative-sticky")
	equal("members", len(described.Members), 1)
	equal("static member", *described.Members[0].InstanceID, "one")
	equal("delete a group in use", must(admin.DeleteGroups(ctx, "go"))["go"].Err, error(kerr.NonEmptyGroup))
	lag := must(admin.Lag(ctx, "go"))["go"]
	equal("lag", lag.Lag.Total(), 0)

	client.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: -1, Offset: 2}}})
	for sought := false; !sought; {
		client.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
			if record.Partition == 0 && !sought {
				equal("sought", record.Offset, 2)
				sought = true
			}
		})
	}
	client.Close()
	left := must(admin.LeaveGroup(ctx, kadm.LeaveGroup("go").InstanceIDs("one")))
	equal("left", left["one"].Err, nil)
}

func offsets(ctx context.Context, admin *kadm.Client, count int) {
	ends := must(admin.ListEndOffsets(ctx, topic))
	total := int64(0)
	ends.Each(func(end kadm.ListedOffset) { total += end.Offset })
	equal("ends", total, int64(count))
	at := must(admin.ListOffsetsAfterMilli(ctx, 1_700_000_000_000, topic))
	at.Each(func(first kadm.ListedOffset) { equal("first by time", first.Offset, 0) })
	most := must(admin.ListMaxTimestampOffsets(ctx, topic))
	equal("largest timestamp", most.Error(), nil)

	groups := must(admin.ListGroups(ctx))
	equal("group", groups["go"].State, "Empty")
	commits := must(admin.FetchOffsets(ctx, "go"))
	equal("committed", len(commits[topic]), partitions)
	var moved kadm.Offsets
	moved.Add(kadm.Offset{Topic: topic, Partition: 0, At: 1, LeaderEpoch: -1, Metadata: "note"})
	equal("moved", must(admin.CommitOffsets(ctx, "go", moved)).Error(), nil)
	commits = must(admin.FetchOffsets(ctx, "go"))
	equal("note", commits[topic][0].Metadata, "note")
	var all kadm.TopicsSet
	all.Add(topic, 1)
	equal("offset deleted", must(admin.DeleteOffsets(ctx, "go", all)).Error(), nil)
	equal("without it", len(must(admin.FetchOffsets(ctx, "go"))[topic]), partitions-1)
	equal("group deleted", must(admin.DeleteGroups(ctx, "go"))["go"].Err, nil)
	refused("group gone", must(admin.DeleteGroups(ctx, "go"))["go"].Err, kerr.GroupIDNotFound)

	var cut kadm.Offsets
	cut.Add(kadm.Offset{Topic: topic, Partition: 0, At: 5})
	equal("low watermark", must(admin.DeleteRecords(ctx, cut))[topic][0].LowWatermark, 5)
	starts := must(admin.ListStartOffsets(ctx, topic))
	equal("start", starts[topic][0].Offset, 5)
	epochs := must(admin.OffsetForLeaderEpoch(ctx, epochRequest()))
	equal("end of the epoch", epochs[topic][1].EndOffset, ends[topic][1].Offset)
	equal("deleted", must(admin.DeleteTopics(ctx, topic))[topic].Err, nil)
	_, err := admin.DeleteTopic(ctx, topic)
	refused("deleted again", err, kerr.UnknownTopicOrPartition)
}

func epochRequest() kadm.OffsetForLeaderEpochRequest {
	var request kadm.OffsetForLeaderEpochRequest
	request.Add(topic, 1, 0)
	return request
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	broker := os.Args[1]
	client := must(kgo.NewClient(kgo.SeedBrokers(broker)))
	defer client.Close()
	admin := kadm.NewClient(client)
	topics(ctx, admin)
	count := produce(ctx, broker)
	consume(ctx, broker, admin, count)
	offsets(ctx, admin, count)
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]int{"records": count}))
}
