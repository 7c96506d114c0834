// Every call of franz-go's schema registry client: registry URL. Prints one JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	userV1 = `{"type":"record","name":"User","namespace":"go","fields":[{"name":"name","type":"string"}]}`
	userV2 = `{"type":"record","name":"User","namespace":"go","fields":[{"name":"name","type":"string"},` +
		`{"name":"age","type":["null","int"],"default":null}]}`
	userBad = `{"type":"record","name":"User","namespace":"go","fields":[{"name":"name","type":"int"}]}`
	team    = `{"type":"record","name":"Team","namespace":"go","fields":[{"name":"lead","type":"go.User"}]}`
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

func equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		fail("%s: got %v, want %v", what, got, want)
	}
}

func refused(what string, err error, want *sr.Error) {
	var response *sr.ResponseError
	if !errors.As(err, &response) {
		fail("%s: got %v, want a response error", what, err)
	}
	if named := response.SchemaError(); named != want {
		fail("%s: got %v (%v), want %v", what, named, err, want)
	}
}

func schemas(ctx context.Context, client *sr.Client) (first, second sr.SubjectSchema) {
	first = must(client.CreateSchema(ctx, "user", sr.Schema{Schema: userV1}))
	second = must(client.CreateSchema(ctx, "user", sr.Schema{Schema: userV2}))
	equal("versions", []int{first.Version, second.Version}, []int{1, 2})
	again := must(client.RegisterSchema(ctx, "user", sr.Schema{Schema: userV2}, -1, -1))
	equal("registered again", again, second.ID)
	_, err := client.CreateSchema(ctx, "user", sr.Schema{Schema: userBad})
	var response *sr.ResponseError
	if !errors.As(err, &response) || response.StatusCode != 409 {
		fail("incompatible: %v", err)
	}
	_, err = client.CreateSchema(ctx, "broken", sr.Schema{Schema: `{"type":"record"}`})
	refused("invalid schema", err, sr.ErrInvalidSchema)

	equal("by id", must(client.SchemaByID(ctx, first.ID)).Schema, userV1)
	equal("text by id", must(client.SchemaTextByID(ctx, second.ID)), userV2)
	equal("by version", must(client.SchemaByVersion(ctx, "user", 1)).ID, first.ID)
	equal("latest", must(client.SchemaByVersion(ctx, "user", -1)).ID, second.ID)
	equal("text by version", must(client.SchemaTextByVersion(ctx, "user", 1)), userV1)
	equal("lookup", must(client.LookupSchema(ctx, "user", sr.Schema{Schema: userV1})).Version, 1)
	_, err = client.LookupSchema(ctx, "user", sr.Schema{Schema: userBad})
	refused("lookup of a stranger", err, sr.ErrSchemaNotFound)
	_, err = client.SchemaByVersion(ctx, "nobody", 1)
	refused("unknown subject", err, sr.ErrSubjectNotFound)
	_, err = client.SchemaByVersion(ctx, "user", 9)
	refused("unknown version", err, sr.ErrVersionNotFound)
	_, err = client.SchemaByID(ctx, 4711)
	refused("unknown id", err, sr.ErrSchemaNotFound)

	equal("subject versions", must(client.SubjectVersions(ctx, "user")), []int{1, 2})
	equal("all of a subject", len(must(client.Schemas(ctx, "user"))), 2)
	equal("versions by id", must(client.SchemaVersionsByID(ctx, first.ID)), []sr.SubjectVersion{{Subject: "user", Version: 1}})
	equal("subjects by id", must(client.SubjectsByID(ctx, first.ID)), []string{"user"})
	equal("usages by id", len(must(client.SchemaUsagesByID(ctx, first.ID))), 1)
	if first.GUID != "" {
		equal("by guid", must(client.SchemaByGUID(ctx, first.GUID)).Schema.Schema, userV1)
		equal("ids by guid", must(client.SchemaIDsByGUID(ctx, first.GUID)), []sr.ContextID{{Context: ".", ID: first.ID}})
	} else {
		fail("no GUID in %v", first)
	}
	return first, second
}

func references(ctx context.Context, client *sr.Client, user sr.SubjectSchema) {
	schema := sr.Schema{Schema: team, References: []sr.SchemaReference{{Name: "go.User", Subject: "user", Version: 1}}}
	created := must(client.CreateSchema(ctx, "team", schema))
	equal("references are returned", must(client.SchemaByID(ctx, created.ID)).References, schema.References)
	equal("referenced by", must(client.SchemaReferences(ctx, "user", 1))[0].ID, created.ID)
	must(client.DeleteSubject(ctx, "other", sr.SoftDelete))
	refused("delete what is referenced", client.DeleteSchema(ctx, "user", user.Version, sr.SoftDelete), sr.ErrReferenceExists)
}

func settings(ctx context.Context, client *sr.Client) {
	equal("default level", client.Compatibility(ctx)[0].Level, sr.CompatBackward)
	set := client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFullTransitive}, "user")[0]
	equal("set level", []any{set.Level, set.Err}, []any{sr.CompatFullTransitive, error(nil)})
	equal("level of a subject", client.Compatibility(ctx, "user")[0].Level, sr.CompatFullTransitive)
	refused("level never set", client.Compatibility(ctx, "team")[0].Err, sr.ErrSubjectLevelCompatibilityNotConfigured)
	fallback := sr.WithParams(ctx, sr.DefaultToGlobal)
	equal("level by default", client.Compatibility(fallback, "team")[0].Level, sr.CompatBackward)
	verdict := must(client.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), "user", -1, sr.Schema{Schema: userBad}))
	if verdict.Is || len(verdict.Messages) == 0 {
		fail("verdict: %v", verdict)
	}
	equal("compatible", must(client.CheckCompatibility(ctx, "user", -1, sr.Schema{Schema: userV2})).Is, true)
	equal("reset level", client.ResetCompatibility(ctx, "user")[0].Err, error(nil))

	equal("default mode", client.Mode(ctx)[0].Mode, sr.ModeReadWrite)
	equal("set mode", client.SetMode(ctx, sr.ModeReadOnly, "user")[0].Err, error(nil))
	_, err := client.CreateSchema(ctx, "user", sr.Schema{Schema: `{"type":"record","name":"User","namespace":"go","fields":[]}`})
	refused("read only", err, sr.ErrOperationNotPermitted)
	equal("reset mode", client.ResetMode(ctx, "user")[0].Err, error(nil))
	refused("mode never set", client.Mode(ctx, "user")[0].Err, sr.ErrSubjectLevelModeNotConfigured)

	equal("import", client.SetMode(ctx, sr.ModeImport, "imported")[0].Err, error(nil))
	imported := must(client.CreateSchemaWithIDAndVersion(ctx, "imported", sr.Schema{Schema: `"bytes"`}, 900, 7))
	equal("imported", []int{imported.ID, imported.Version}, []int{900, 7})
}

func contexts(ctx context.Context, client *sr.Client) {
	equal("ids per context", must(client.RegisterSchema(ctx, ":.lab:x", sr.Schema{Schema: `"long"`}, -1, -1)), 1)
	equal("qualified subject", must(client.SchemaByVersion(ctx, ":.lab:x", 1)).Subject, ":.lab:x")
	equal("contexts", must(client.Contexts(ctx)), []string{".", ".lab"})
	must(client.DeleteSubject(ctx, ":.lab:x", sr.SoftDelete))
	must(client.DeleteSubject(ctx, ":.lab:x", sr.HardDelete))
	if err := client.DeleteContext(ctx, ".lab"); err != nil {
		fail("delete context: %v", err)
	}
}

func deletes(ctx context.Context, client *sr.Client) {
	equal("soft delete", client.DeleteSchema(ctx, "user", 2, sr.SoftDelete), error(nil))
	equal("after soft delete", must(client.SubjectVersions(ctx, "user")), []int{1})
	deleted := sr.WithParams(ctx, sr.ShowDeleted)
	equal("shown deleted", must(client.SubjectVersions(deleted, "user")), []int{1, 2})
	refused("hard delete first", client.DeleteSchema(ctx, "user", 1, sr.HardDelete), sr.ErrReferenceExists)
	equal("hard delete", client.DeleteSchema(ctx, "user", 2, sr.HardDelete), error(nil))
	equal("gone", must(client.SubjectVersions(deleted, "user")), []int{1})
	_, err := client.DeleteSubject(ctx, "nobody", sr.SoftDelete)
	refused("delete of a stranger", err, sr.ErrSubjectNotFound)
	equal("team", must(client.DeleteSubject(ctx, "team", sr.SoftDelete)), []int{1})
	refused("team not found", func() error { _, err := client.SubjectVersions(ctx, "team"); return err }(), sr.ErrSubjectNotFound)
}

func serde(ctx context.Context, client *sr.Client, schema sr.SubjectSchema) {
	var frames sr.Serde
	frames.Register(schema.ID, "", sr.EncodeFn(func(v any) ([]byte, error) { return json.Marshal(v) }),
		sr.DecodeFn(func(b []byte, v any) error { return json.Unmarshal(b, v) }))
	framed := must(frames.Encode("x"))
	id, rest, err := frames.DecodeID(framed)
	equal("frame", []any{id, string(rest), err}, []any{schema.ID, `"x"`, error(nil)})
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client := must(sr.NewClient(sr.URLs(os.Args[1])))
	equal("nothing yet", len(must(client.Subjects(ctx))), 0)
	types := must(client.SupportedTypes(ctx))
	equal("types", types[0], sr.TypeAvro)
	first, second := schemas(ctx, client)
	must(client.CreateSchema(ctx, "other", sr.Schema{Schema: userV1}))
	equal("one id for one content", must(client.SchemaByVersion(ctx, "other", 1)).ID, first.ID)
	equal("subjects", must(client.Subjects(ctx)), []string{"other", "user"})
	equal("all schemas", len(must(client.AllSchemas(ctx))), 3)
	references(ctx, client, first)
	settings(ctx, client)
	contexts(ctx, client)
	serde(ctx, client, second)
	deletes(ctx, client)
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{"subjects": must(client.Subjects(ctx)), "id": first.ID}))
}
