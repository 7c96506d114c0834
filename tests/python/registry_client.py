"""Every call of Confluent's registry client: REGISTRY_URL. Prints one JSON object."""

import json
import sys

from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry import ConfigCompatibilityLevel
from confluent_kafka.schema_registry.error import SchemaRegistryError

NAME = {"name": "name", "type": "string"}
AGE = {"name": "age", "type": ["null", "int"], "default": None}


def record(*fields, name="User"):
    return json.dumps({"type": "record", "name": name, "namespace": "py", "fields": list(fields)}, separators=(",", ":"))


FIRST, SECOND = record(NAME), record(NAME, AGE)
INCOMPATIBLE = record({"name": "name", "type": "int"})


def refused(status, code, call, *arguments, **named):
    try:
        answer = call(*arguments, **named)
    except SchemaRegistryError as error:
        assert (error.http_status_code, error.error_code) == (status, code), error
        return
    raise AssertionError(f"{call.__name__}{arguments} was not refused: {answer}")


def avro(text, **more):
    return Schema(text, "AVRO", **more)


def schemas(url):
    client, fresh = SchemaRegistryClient({"url": url}), lambda: SchemaRegistryClient({"url": url})
    assert "AVRO" in client.get_schema_types()
    first = client.register_schema("user", avro(FIRST))
    second = client.register_schema_full_response("user", avro(SECOND))
    assert second.schema_id == first + 1, second
    assert fresh().get_schema(first).schema_str == FIRST
    assert fresh().get_schema(first, subject_name="user").schema_str == FIRST
    latest = fresh().get_latest_version("user")
    assert (latest.schema_id, latest.version, latest.schema.schema_str) == (second.schema_id, 2, SECOND), latest
    assert fresh().get_version("user", 1).schema_id == first
    assert fresh().get_version("user", "latest").version == 2
    assert fresh().get_schema_by_guid(latest.guid).schema_str == SECOND
    assert client.get_versions("user") == [1, 2]
    assert client.get_versions("user", offset=1, limit=1) == [2]
    assert fresh().lookup_schema("user", avro(FIRST)).version == 1
    assert fresh().lookup_schema("user", avro(json.dumps(json.loads(FIRST), indent=1)), normalize_schemas=True).version == 1
    assert client.get_subjects() == ["user"]
    assert client.get_subjects(subject_prefix="x") == []
    client.register_schema("other", avro(FIRST))
    assert sorted(client.get_subjects_by_schema_id(first)) == ["other", "user"]
    assert {(one.subject, one.version) for one in client.get_schema_versions(first)} == {("user", 1), ("other", 1)}
    assert client.get_contexts() == ["."]
    refused(404, 40403, fresh().get_schema, 4711)
    refused(404, 40402, fresh().get_version, "user", 9)
    refused(404, 40401, fresh().get_versions, "nobody")
    refused(404, 40401, fresh().get_latest_version, "nobody")
    refused(404, 40403, fresh().lookup_schema, "user", avro(INCOMPATIBLE))
    refused(404, 40401, fresh().lookup_schema, "nobody", avro(FIRST))
    refused(422, 42201, client.register_schema, "broken", avro('{"type":"record"}'))
    refused(409, 40901, client.register_schema, "user", avro(INCOMPATIBLE))
    return client, fresh


def references(client, fresh):
    team = record({"name": "lead", "type": "py.User"}, name="Team")
    refers = [SchemaReference("py.User", "user", 1)]
    made = client.register_schema("team", avro(team, references=refers))
    found = fresh().get_schema(made)
    assert [(one.name, one.subject, one.version) for one in found.references] == [("py.User", "user", 1)], found
    assert client.get_referenced_by("user", 1) == [made]
    refused(422, 42206, client.delete_version, "user", 1)
    refused(422, 42201, client.register_schema, "lost", avro(team, references=[SchemaReference("py.User", "user", 7)]))


def contracts(client, fresh):
    rule = Rule("check", "a check", RuleKind.CONDITION, RuleMode.WRITE, "CEL", None, None, "size(message.name) > 0", None, None, False)
    contract = avro(FIRST, metadata=Metadata(None, MetadataProperties({"owner": "py"}), None), rule_set=RuleSet(None, [rule]))
    client.register_schema("contract", contract)
    found = fresh().get_latest_version("contract").schema
    assert found.metadata.properties.properties == {"owner": "py"}, found
    assert found.rule_set.domain_rules[0].expr == "size(message.name) > 0", found
    assert fresh().get_latest_with_metadata("contract", {"owner": "py"}).version == 1
    refused(404, 40403, fresh().get_latest_with_metadata, "contract", {"owner": "nobody"})


def settings(client):
    assert client.get_compatibility() == "BACKWARD"
    refused(404, 40408, client.get_compatibility, "user")
    assert client.set_compatibility("user", "FULL_TRANSITIVE")["compatibility"] == "FULL_TRANSITIVE"
    assert client.get_compatibility("user") == "FULL_TRANSITIVE"
    assert client.test_compatibility("user", avro(SECOND))
    assert not client.test_compatibility("user", avro(INCOMPATIBLE))
    assert not client.test_compatibility("user", avro(INCOMPATIBLE), version=1, verbose=True)
    assert not client.test_compatibility_all_versions("user", avro(INCOMPATIBLE))
    assert client.test_compatibility("user", avro(SECOND), normalize=True)
    refused(422, 42203, client.set_compatibility, "user", "SOMETIMES")
    client.set_config("user", ServerConfig(compatibility=ConfigCompatibilityLevel.NONE, compatibility_group="major"))
    config = client.get_config("user")
    assert (config.compatibility_level, config.compatibility_group) == (ConfigCompatibilityLevel.NONE, "major"), config
    client.delete_config("user")
    refused(404, 40408, client.get_config, "user")
    assert client.get_config().compatibility_level == ConfigCompatibilityLevel.BACKWARD

    assert client.get_global_mode() == "READWRITE"
    refused(404, 40409, client.get_mode, "user")
    assert client.update_mode("user", "READONLY") == "READONLY"
    refused(422, 42205, client.register_schema, "user", avro(record(AGE)))
    assert client.get_mode("user") == "READONLY"
    client.delete_mode("user")
    assert client.update_global_mode("READONLY") == "READONLY"
    refused(422, 42205, client.delete_subject, "user")
    assert client.update_global_mode("READWRITE") == "READWRITE"
    refused(422, 42204, client.update_global_mode, "SOMETIMES")


def deletes(client, fresh):
    assert client.delete_version("user", 2) == 2
    assert fresh().get_version("user", 2, deleted=True).version == 2
    assert fresh().get_versions("user", deleted=True) == [1, 2]
    assert client.delete_version("user", 2, permanent=True) == 2
    assert client.delete_subject("other") == [1]
    refused(404, 40404, client.delete_subject, "other")
    assert "other" in client.get_subjects(deleted=True)
    assert client.delete_subject("other", permanent=True) == [1]
    refused(404, 40405, client.delete_subject, "team", permanent=True)
    assert client.delete_subject("team") == [1]
    client.clear_caches()
    assert client.get_subjects() == ["contract", "user"]


def main(url):
    client, fresh = schemas(url)
    references(client, fresh)
    contracts(client, fresh)
    settings(client)
    deletes(client, fresh)
    client.close()
    print(json.dumps({"subjects": 2}))


main(*sys.argv[1:])
