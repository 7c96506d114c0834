//! The table of broker keys.

use crate::topics::config::ValueType;

/// A broker key: its type, default, lowest value and one line on what it does.
#[derive(Debug)]
pub struct BrokerKey {
    /// Kafka's name, or `assay.` and ours.
    pub name: &'static str,
    /// Type of the value.
    pub value_type: ValueType,
    /// Value when nobody sets it.
    pub default: &'static str,
    /// Lowest number allowed.
    pub least: i64,
    /// What it does, and where the default differs from Kafka's.
    pub documentation: &'static str,
}

impl BrokerKey {
    /// Whether the value of a setting of this name is kept from those who list settings.
    pub fn is_sensitive(name: &str) -> bool {
        const SENSITIVE: [&str; 4] = [
            "ssl.key.password",
            "ssl.keystore.certificate.chain",
            "ssl.keystore.key",
            "ssl.truststore.certificates",
        ];
        SENSITIVE.iter().any(|key| name.ends_with(key))
            || name.ends_with("password")
            || name.ends_with("jaas.config")
    }
}

const fn key(
    name: &'static str,
    value_type: ValueType,
    default: &'static str,
    least: i64,
    documentation: &'static str,
) -> BrokerKey {
    BrokerKey { name, value_type, default, least, documentation }
}

use ValueType::{Boolean, Int, List, Long, String};

/// Every broker key with a meaning here, by name.
pub const KEYS: &[BrokerKey] = &[
    key(
        "advertised.listeners",
        List,
        "",
        0,
        "What clients are told to connect to, by listener; the bound address when not given.",
    ),
    key(
        "allow.everyone.if.no.acl.found",
        Boolean,
        "false",
        0,
        "With an authorizer: whether what no rule mentions is open to everybody.",
    ),
    key(
        "assay.drain.timeout.ms",
        Long,
        "5000",
        0,
        "How long connections may finish what they began after a stop signal.",
    ),
    key("assay.durability", String, "fsync", 0, "When appends become durable: fsync, interval or os."),
    key(
        "assay.durability.interval.ms",
        Long,
        "1000",
        1,
        "Longest time to a sync with assay.durability=interval.",
    ),
    key(
        "assay.replication.factor.clamp",
        Boolean,
        "false",
        0,
        "Take a replication factor above 1 as 1 instead of refusing it with 38.",
    ),
    key("assay.schema.context", String, ".", 0, "Registry context that schema ids on this broker belong to."),
    key(
        "assay.validation.decompressed.max.bytes",
        Long,
        "67108864",
        1,
        "What the records of one batch may decompress to while they are checked.",
    ),
    key(
        "assay.validation.timeout.ms",
        Long,
        "5000",
        1,
        "How long a produce request waits for schemas that are not known yet.",
    ),
    key(
        "authorizer.class.name",
        String,
        "",
        0,
        "StandardAuthorizer, under any package, checks access rules; empty lets everybody do everything.",
    ),
    key(
        "auto.create.topics.enable",
        Boolean,
        "true",
        0,
        "Create a topic when a client asks for its metadata.",
    ),
    key(
        "connection.failed.authentication.delay.ms",
        Int,
        "100",
        0,
        "How long the answer to a failed authentication is held back.",
    ),
    key(
        "connections.max.idle.ms",
        Long,
        "600000",
        1,
        "Close a connection after so long without a request, or without progress in a response.",
    ),
    key(
        "connections.max.reauth.ms",
        Long,
        "0",
        0,
        "Lifetime of a session that SASL began; 0 is without end. Also per listener.",
    ),
    key(
        "controller.listener.names",
        List,
        "",
        0,
        "Names in listeners that are left out: there is no controller beside this node.",
    ),
    key(
        "default.replication.factor",
        Int,
        "1",
        1,
        "Replication factor of topics created without one; one node holds one replica.",
    ),
    key("delete.topic.enable", Boolean, "true", 0, "Allow topics to be deleted."),
    key("fetch.max.bytes", Int, "57671680", 1024, "Most bytes of records in one fetch response."),
    key(
        "group.initial.rebalance.delay.ms",
        Int,
        "50",
        0,
        "How long the first rebalance of an empty group waits for more members. Kafka: 3000.",
    ),
    key("group.max.session.timeout.ms", Int, "1800000", 1, "Longest session timeout a member may ask for."),
    key("group.max.size", Int, "10000", 1, "Most members of one group. Kafka: unbounded."),
    key("group.min.session.timeout.ms", Int, "6000", 1, "Shortest session timeout a member may ask for."),
    key(
        "listener.security.protocol.map",
        List,
        "",
        0,
        "What each listener speaks. Without it a name that is a protocol is that, any other PLAINTEXT.",
    ),
    key("listeners", List, "", 0, "Where to listen, NAME://HOST:PORT; --broker-listen goes before it."),
    key("log.retention.check.interval.ms", Long, "300000", 1, "How often expired segments are looked for."),
    key(
        "max.connections",
        Int,
        "10000",
        1,
        "Most connections at a time; more are refused. Kafka: unbounded.",
    ),
    key("max.connections.per.ip", Int, "2147483647", 1, "Most connections from one address."),
    key(
        "max.connections.per.ip.overrides",
        String,
        "",
        0,
        "ADDRESS:NUMBER, ...: another bound for some addresses.",
    ),
    key("node.id", Int, "1", 0, "Identifier of this node; also read as broker.id."),
    key("num.partitions", Int, "1", 1, "Partitions of topics created without a number."),
    key("num.recovery.threads.per.data.dir", Int, "2", 1, "Threads that open logs at start."),
    key("offset.metadata.max.bytes", Int, "4096", 0, "Longest metadata of a committed offset."),
    key(
        "offsets.retention.check.interval.ms",
        Long,
        "600000",
        1,
        "How often expired offsets are looked for.",
    ),
    key(
        "offsets.retention.minutes",
        Int,
        "10080",
        1,
        "How long offsets outlive the last member of their group.",
    ),
    key("offsets.topic.num.partitions", Int, "50", 1, "Partitions of __consumer_offsets when it is created."),
    key("offsets.topic.segment.bytes", Int, "104857600", 1, "Segment size of __consumer_offsets."),
    key("producer.id.expiration.ms", Int, "86400000", 1, "Idle time after which a producer is forgotten."),
    key(
        "queued.max.request.bytes",
        Long,
        "536870912",
        1024,
        "Most bytes of requests that are read and not yet processed, over all connections. Kafka: unbounded.",
    ),
    key(
        "sasl.enabled.mechanisms",
        List,
        "SCRAM-SHA-256,SCRAM-SHA-512",
        0,
        "Mechanisms of SASL listeners: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. Kafka: GSSAPI. Also per listener.",
    ),
    key("sasl.server.max.receive.size", Int, "524288", 1024, "Longest request before authentication."),
    key("socket.request.max.bytes", Int, "104857600", 1024, "Longest request."),
    key(
        "ssl.cipher.suites",
        List,
        "",
        0,
        "Cipher suites that may be used; names that are not known are passed over. Also per listener.",
    ),
    key(
        "ssl.client.auth",
        String,
        "none",
        0,
        "Certificates of clients: none, requested, required. Also per listener, for SASL_SSL only so.",
    ),
    key(
        "ssl.enabled.protocols",
        List,
        "TLSv1.2,TLSv1.3",
        0,
        "Versions of TLS; older ones are passed over. Also per listener.",
    ),
    key(
        "ssl.key.password",
        String,
        "",
        0,
        "Opens an encrypted private key; ssl.keystore.password when not given. Also per listener.",
    ),
    key(
        "ssl.keystore.certificate.chain",
        String,
        "",
        0,
        "Certificate and chain in PEM, or the path of a file of them. Also per listener.",
    ),
    key(
        "ssl.keystore.key",
        String,
        "",
        0,
        "Private key in PEM, or the path of a file with it. Also per listener.",
    ),
    key(
        "ssl.keystore.location",
        String,
        "",
        0,
        "File with private key, certificate and chain; read again when it changes. Also per listener.",
    ),
    key("ssl.keystore.password", String, "", 0, "Password of a JKS or PKCS12 key store. Also per listener."),
    key(
        "ssl.keystore.type",
        String,
        "",
        0,
        "JKS, PKCS12 or PEM; the content tells when not given. Kafka: JKS. Also per listener.",
    ),
    key(
        "ssl.principal.mapping.rules",
        String,
        "DEFAULT",
        0,
        "From a client certificate's subject to its principal. Also per listener.",
    ),
    key(
        "ssl.truststore.certificates",
        String,
        "",
        0,
        "Who may sign certificates of clients, in PEM, or the path of a file. Also per listener.",
    ),
    key(
        "ssl.truststore.location",
        String,
        "",
        0,
        "File with who may sign certificates of clients; read again when it changes. Also per listener.",
    ),
    key(
        "ssl.truststore.password",
        String,
        "",
        0,
        "Password of a JKS or PKCS12 trust store. Also per listener.",
    ),
    key(
        "ssl.truststore.type",
        String,
        "",
        0,
        "JKS, PKCS12 or PEM; the content tells when not given. Kafka: JKS. Also per listener.",
    ),
    key("super.users", String, "", 0, "With an authorizer: who may do everything, User:NAME;User:NAME."),
    key(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        Int,
        "10000",
        1,
        "How often transactions over their time are looked for, and aborted.",
    ),
    key(
        "transaction.max.timeout.ms",
        Int,
        "900000",
        1,
        "Longest time-out of a transaction a producer may ask for.",
    ),
    key(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        Int,
        "3600000",
        1,
        "How often expired transactional ids are looked for.",
    ),
    key(
        "transaction.state.log.num.partitions",
        Int,
        "50",
        1,
        "Partitions of __transaction_state when it is created.",
    ),
    key("transaction.state.log.segment.bytes", Int, "104857600", 1, "Segment size of __transaction_state."),
    key(
        "transactional.id.expiration.ms",
        Int,
        "604800000",
        1,
        "Idle time after which a transactional id is forgotten.",
    ),
];

/// Settings of Kafka that mean nothing here, as a whole name or, with a dot at its end, the beginning of names; and why.
const INAPPLICABLE: &[(&str, &str)] = &[
    ("alter.", CLUSTER),
    ("auto.leader.rebalance.enable", CLUSTER),
    ("background.threads", THREADS),
    ("broker.", CLUSTER),
    ("controlled.shutdown.", CLUSTER),
    ("controller.", CLUSTER),
    ("early.start.listeners", CLUSTER),
    ("eligible.leader.replicas.", CLUSTER),
    ("initial.broker.registration.timeout.ms", CLUSTER),
    ("inter.broker.", CLUSTER),
    ("leader.imbalance.", CLUSTER),
    ("log.dir", "the folder is --data-dir"),
    ("log.dirs", "the folder is --data-dir"),
    ("log.dir.failure.timeout.ms", "a partition whose disk fails goes offline alone"),
    ("metadata.", CLUSTER),
    ("metric.reporters", METRICS),
    ("metrics.", METRICS),
    ("num.io.threads", THREADS),
    ("num.network.threads", THREADS),
    ("num.replica.alter.log.dirs.threads", CLUSTER),
    ("num.replica.fetchers", CLUSTER),
    ("offsets.topic.replication.factor", CLUSTER),
    ("process.roles", "--roles says what the process does"),
    ("quorum.", CLUSTER),
    ("queued.max.requests", "queued.max.request.bytes bounds what waits"),
    ("quota.", "there are no quotas"),
    ("replica.", CLUSTER),
    ("replication.quota.", CLUSTER),
    ("reserved.broker.max.id", CLUSTER),
    ("sasl.kerberos.", "GSSAPI is not supported"),
    ("sasl.mechanism.controller.protocol", CLUSTER),
    ("sasl.mechanism.inter.broker.protocol", CLUSTER),
    ("security.inter.broker.protocol", CLUSTER),
    ("share.coordinator.", "there are no share groups"),
    ("socket.receive.buffer.bytes", "the system sizes buffers"),
    ("socket.send.buffer.bytes", "the system sizes buffers"),
    ("ssl.endpoint.identification.algorithm", "the broker opens no connections"),
    ("ssl.keymanager.algorithm", "the library chooses"),
    ("ssl.protocol", "ssl.enabled.protocols chooses"),
    ("ssl.provider", "the library chooses"),
    ("ssl.secure.random.implementation", "the library chooses"),
    ("ssl.trustmanager.algorithm", "the library chooses"),
    ("transaction.state.log.min.isr", CLUSTER),
    ("transaction.state.log.replication.factor", CLUSTER),
    ("unclean.leader.election.", CLUSTER),
    ("zookeeper.", CLUSTER),
];

const CLUSTER: &str = "one node has no use for it";
const THREADS: &str = "threads are sized by the number of processors";
const METRICS: &str = "metrics are read at /metrics";

/// Why a setting that Kafka knows has no effect here; `None` for one that Kafka does not know either, as far as known here.
pub(super) fn inapplicable(name: &str) -> Option<&'static str> {
    if name.ends_with("sasl.jaas.config") {
        return Some("users are added with `assay user add` or Kafka's tools");
    }
    let fits = |pattern: &str| name == pattern || (pattern.ends_with('.') && name.starts_with(pattern));
    INAPPLICABLE.iter().find(|(pattern, _)| fits(pattern)).map(|(_, reason)| *reason)
}
