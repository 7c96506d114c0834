//! From a frame to a handler: the table of served versions, the gate in front of it, and one match.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::authorizer::Access;
use crate::broker::Broker;
use crate::connection::{Connection, Reply};
use crate::groups::ClientInfo;
use crate::handlers;
use crate::protocol::header::write_response_header;
use crate::protocol::messages;
use crate::protocol::{ApiKey, DecodeError, Frame, Message, Reader, RequestHeader, Writer};
use crate::sasl;

/// One row of the table that `ApiVersions` advertises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The API.
    pub api: ApiKey,
    /// Lowest version advertised.
    pub version_min: i16,
    /// Highest version advertised.
    pub version_max: i16,
}

const fn row(api: ApiKey, version_min: i16, version_max: i16) -> Served {
    Served { api, version_min, version_max }
}

/// What is served, by key: the ranges of Apache Kafka 4.1 for the APIs implemented, with the two exceptions old librdkafka needs
/// (Produce advertised from 0, `JoinGroup` from 0). Produce below 3 is advertised and never served: it closes the
/// connection, as any version outside of the table does. An API without a row is not served.
pub const SERVED: &[Served] = &[
    row(ApiKey::Produce, 0, 13),
    row(ApiKey::Fetch, 4, 17),
    row(ApiKey::ListOffsets, 1, 10),
    row(ApiKey::Metadata, 0, 13),
    row(ApiKey::OffsetCommit, 2, 10),
    row(ApiKey::OffsetFetch, 1, 10),
    row(ApiKey::FindCoordinator, 0, 5),
    row(ApiKey::JoinGroup, 0, 9),
    row(ApiKey::Heartbeat, 0, 4),
    row(ApiKey::LeaveGroup, 0, 5),
    row(ApiKey::SyncGroup, 0, 5),
    row(ApiKey::DescribeGroups, 0, 6),
    row(ApiKey::ListGroups, 0, 5),
    row(ApiKey::SaslHandshake, 0, 1),
    row(ApiKey::ApiVersions, 0, 4),
    row(ApiKey::CreateTopics, 2, 7),
    row(ApiKey::DeleteTopics, 1, 6),
    row(ApiKey::DeleteRecords, 0, 2),
    row(ApiKey::InitProducerId, 0, 5),
    row(ApiKey::OffsetForLeaderEpoch, 2, 4),
    row(ApiKey::AddPartitionsToTxn, 0, 3),
    row(ApiKey::AddOffsetsToTxn, 0, 4),
    row(ApiKey::EndTxn, 0, 5),
    row(ApiKey::WriteTxnMarkers, 1, 1),
    row(ApiKey::TxnOffsetCommit, 0, 5),
    row(ApiKey::DescribeAcls, 1, 3),
    row(ApiKey::CreateAcls, 1, 3),
    row(ApiKey::DeleteAcls, 1, 3),
    row(ApiKey::DescribeConfigs, 1, 4),
    row(ApiKey::AlterConfigs, 0, 2),
    row(ApiKey::AlterReplicaLogDirs, 1, 2),
    row(ApiKey::DescribeLogDirs, 1, 4),
    row(ApiKey::SaslAuthenticate, 0, 2),
    row(ApiKey::CreatePartitions, 0, 3),
    row(ApiKey::DeleteGroups, 0, 2),
    row(ApiKey::ElectLeaders, 0, 2),
    row(ApiKey::IncrementalAlterConfigs, 0, 1),
    row(ApiKey::AlterPartitionReassignments, 0, 1),
    row(ApiKey::ListPartitionReassignments, 0, 0),
    row(ApiKey::OffsetDelete, 0, 0),
    row(ApiKey::DescribeClientQuotas, 0, 1),
    row(ApiKey::DescribeUserScramCredentials, 0, 0),
    row(ApiKey::AlterUserScramCredentials, 0, 0),
    row(ApiKey::DescribeQuorum, 0, 2),
    row(ApiKey::UpdateFeatures, 0, 2),
    row(ApiKey::DescribeCluster, 0, 2),
    row(ApiKey::DescribeProducers, 0, 0),
    row(ApiKey::DescribeTransactions, 0, 0),
    row(ApiKey::ListTransactions, 0, 2),
    row(ApiKey::ConsumerGroupHeartbeat, 0, 1),
    row(ApiKey::ConsumerGroupDescribe, 0, 1),
    row(ApiKey::ListConfigResources, 0, 1),
    row(ApiKey::DescribeTopicPartitions, 0, 0),
];

/// A request on its way through its handler.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) broker: Broker,
    pub(crate) connection: Arc<Connection>,
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: Arc<str>,
    /// What the peer may do.
    pub(crate) access: Access,
}

impl Context {
    /// Encodes the response to this request.
    pub(crate) fn respond<M: Message>(&self, response: &M) -> Frame {
        let mut writer = Writer::new();
        let tag_buffer = self.api != ApiKey::ApiVersions && self.api.is_flexible(self.version);
        write_response_header(&mut writer, self.correlation_id, tag_buffer);
        response.write(&mut writer, self.version);
        writer.finish()
    }

    fn not_served(&self) -> Refusal {
        Refusal::Version { api: self.api, version: self.version }
    }

    /// How the group coordinator sees the client.
    fn client(&self) -> ClientInfo {
        ClientInfo {
            client_id: self.client_id.to_string(),
            host: format!("/{}", self.connection.host()),
            access: self.access.clone(),
        }
    }

    /// This node as reached through the connection's listener.
    fn endpoint(&self) -> handlers::find_coordinator::Endpoint {
        let advertised = self.connection.advertised();
        handlers::find_coordinator::Endpoint {
            node_id: self.broker.config().node_id,
            host: advertised.host,
            port: advertised.port.into(),
        }
    }
}

/// Why a request is not answered; the connection is closed.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("unknown API key {0}")]
    UnknownApi(i16),
    #[error("{api:?} version {version} is not served")]
    Version { api: ApiKey, version: i16 },
    #[error("{0:?} before authentication")]
    Unauthenticated(ApiKey),
    #[error("{0:?} after the session's lifetime (connections.max.reauth.ms)")]
    SessionExpired(ApiKey),
    #[error("request cannot be decoded")]
    Decode(#[from] DecodeError),
}

/// Runs one request. Returns when its effects are ordered before those of the next one.
pub(crate) async fn dispatch(broker: &Broker, connection: &Arc<Connection>, frame: Bytes) -> Reply {
    if matches!(&*connection.sasl(), sasl::State::Exchanging { bare: true, .. }) {
        return handlers::sasl_authenticate::bare(broker, connection, frame).await;
    }
    let mut reader = Reader::new(frame);
    let context = match admit(broker, connection, &mut reader) {
        Ok(Admitted::Run(context)) => context,
        Ok(Admitted::Answer(frame)) => return Reply::Ready(frame),
        Err((refusal, header)) => {
            let client_id = header.map(|header| header.client_id).unwrap_or_default();
            log_refusal(connection, &refusal, &client_id);
            return Reply::Close;
        }
    };
    match run(&context, reader).await {
        Ok(reply) => reply,
        Err(refusal) => {
            log_refusal(connection, &refusal, &context.client_id);
            Reply::Close
        }
    }
}

fn log_refusal(connection: &Connection, refusal: &Refusal, client_id: &str) {
    let cause = std::error::Error::source(refusal).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(
        peer = %connection.peer, client_id, software = %connection.software(), %refusal, cause, "closing connection"
    );
}

enum Admitted {
    Run(Context),
    Answer(Frame),
}

/// Reads the header and lets only advertised and served versions through. `ApiVersions` above its range is answered in
/// version 0 with error 35 and its own range, so that the client can ask again (KIP-511).
fn admit(
    broker: &Broker,
    connection: &Arc<Connection>,
    reader: &mut Reader,
) -> Result<Admitted, (Refusal, Option<RequestHeader>)> {
    let mut header = RequestHeader::read_start(reader).map_err(|error| (error.into(), None))?;
    let version = header.api_version;
    let Some(api) = ApiKey::from_code(header.api_key) else {
        return Err((Refusal::UnknownApi(header.api_key), Some(header)));
    };
    let served = SERVED.iter().find(|row| row.api == api);
    let (lowest_declared, _) = api.declared_versions();
    let is_served =
        served.is_some_and(|row| (row.version_min.max(lowest_declared)..=row.version_max).contains(&version));
    let mut context = Context {
        broker: broker.clone(),
        connection: Arc::clone(connection),
        api,
        version,
        correlation_id: header.correlation_id,
        client_id: Arc::from(""),
        access: broker.access(connection),
    };
    if !is_served {
        if api == ApiKey::ApiVersions {
            context.version = 0;
            let response = handlers::api_versions::unsupported();
            return Ok(Admitted::Answer(context.respond(&response)));
        }
        return Err((Refusal::Version { api, version }, Some(header)));
    }
    if let Err(refusal) = check_authentication(connection, api) {
        return Err((refusal, Some(header)));
    }
    if let Err(error) = header.read_rest(reader, api.is_flexible(version)) {
        return Err((error.into(), Some(header)));
    }
    context.client_id = Arc::from(header.client_id);
    tracing::debug!(
        peer = %connection.peer, api = api.name(), version, client_id = %context.client_id, "request"
    );
    Ok(Admitted::Run(context))
}

/// Lets only authentication through where it is still to come, or to come again.
fn check_authentication(connection: &Connection, api: ApiKey) -> Result<(), Refusal> {
    let state = connection.sasl();
    match (&*state, api) {
        (sasl::State::Open, _)
        | (_, ApiKey::ApiVersions)
        | (sasl::State::Unauthenticated | sasl::State::Authenticated { .. }, ApiKey::SaslHandshake)
        | (sasl::State::Exchanging { .. }, ApiKey::SaslAuthenticate) => Ok(()),
        (sasl::State::Unauthenticated | sasl::State::Exchanging { .. }, _) => {
            Err(Refusal::Unauthenticated(api))
        }
        (sasl::State::Authenticated { .. }, _) if state.is_settled(Instant::now()) => Ok(()),
        (sasl::State::Authenticated { .. }, _) => Err(Refusal::SessionExpired(api)),
    }
}

/// Decodes the request, calls its handler, encodes the response.
macro_rules! call {
    ($context:ident, $reader:ident, $request:ident, $handler:path) => {{
        let request = messages::$request::read(&mut $reader, $context.version)?;
        Ok(Reply::Ready($context.respond(&$handler($context, request).await)))
    }};
}

mod admin;

/// As `call!`, for a method of the group coordinator.
macro_rules! group {
    ($context:ident, $reader:ident, $request:ident, $method:ident) => {{
        let request = messages::$request::read(&mut $reader, $context.version)?;
        let client = $context.client();
        let response = $context.broker.groups().$method(request, $context.version, &client).await;
        Ok(Reply::Ready($context.respond(&response)))
    }};
    // the answer may take minutes: given up when the peer leaves, its place in the group stays
    ($context:ident, $reader:ident, $request:ident, $method:ident, parked) => {{
        let request = messages::$request::read(&mut $reader, $context.version)?;
        let client = $context.client();
        tokio::select! {
            response = $context.broker.groups().$method(request, $context.version, &client) => {
                Ok(Reply::Ready($context.respond(&response)))
            }
            () = $context.connection.closed.cancelled() => Ok(Reply::Close),
        }
    }};
}

/// The one match over all APIs: data here, groups and administration by the two functions below.
async fn run(context: &Context, mut reader: Reader) -> Result<Reply, Refusal> {
    match context.api {
        ApiKey::Produce => {
            let request = messages::ProduceRequest::read(&mut reader, context.version)?;
            // the batches alone hold the frame now
            drop(reader);
            Ok(handlers::produce::handle(context, request).await)
        }
        ApiKey::Fetch => call!(context, reader, FetchRequest, handlers::fetch::handle),
        ApiKey::ListOffsets => call!(context, reader, ListOffsetsRequest, handlers::list_offsets::handle),
        ApiKey::Metadata => call!(context, reader, MetadataRequest, handlers::metadata::handle),
        ApiKey::ApiVersions => call!(context, reader, ApiVersionsRequest, handlers::api_versions::handle),
        ApiKey::OffsetForLeaderEpoch => {
            call!(context, reader, OffsetForLeaderEpochRequest, handlers::offset_for_leader_epoch::handle)
        }
        ApiKey::OffsetCommit
        | ApiKey::OffsetFetch
        | ApiKey::FindCoordinator
        | ApiKey::JoinGroup
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups
        | ApiKey::DeleteGroups
        | ApiKey::OffsetDelete
        | ApiKey::ConsumerGroupHeartbeat
        | ApiKey::ConsumerGroupDescribe => run_group(context, reader).await,
        ApiKey::CreateTopics
        | ApiKey::DeleteTopics
        | ApiKey::DeleteRecords
        | ApiKey::DescribeAcls
        | ApiKey::CreateAcls
        | ApiKey::DeleteAcls
        | ApiKey::DescribeConfigs
        | ApiKey::AlterConfigs
        | ApiKey::IncrementalAlterConfigs
        | ApiKey::DescribeLogDirs
        | ApiKey::CreatePartitions
        | ApiKey::ElectLeaders
        | ApiKey::AlterReplicaLogDirs
        | ApiKey::AlterPartitionReassignments
        | ApiKey::ListPartitionReassignments
        | ApiKey::DescribeClientQuotas
        | ApiKey::DescribeUserScramCredentials
        | ApiKey::AlterUserScramCredentials
        | ApiKey::DescribeQuorum
        | ApiKey::UpdateFeatures
        | ApiKey::DescribeCluster
        | ApiKey::ListConfigResources
        | ApiKey::DescribeTopicPartitions => admin::run(context, reader).await,
        ApiKey::SaslHandshake => {
            let request = messages::SaslHandshakeRequest::read(&mut reader, context.version)?;
            Ok(handlers::sasl_handshake::handle(context, &request))
        }
        ApiKey::SaslAuthenticate => {
            let request = messages::SaslAuthenticateRequest::read(&mut reader, context.version)?;
            Ok(handlers::sasl_authenticate::handle(context, request).await)
        }
        ApiKey::InitProducerId
        | ApiKey::AddPartitionsToTxn
        | ApiKey::AddOffsetsToTxn
        | ApiKey::EndTxn
        | ApiKey::WriteTxnMarkers
        | ApiKey::TxnOffsetCommit
        | ApiKey::DescribeProducers
        | ApiKey::DescribeTransactions
        | ApiKey::ListTransactions => run_transaction(context, reader).await,
    }
}

async fn run_transaction(context: &Context, mut reader: Reader) -> Result<Reply, Refusal> {
    match context.api {
        ApiKey::InitProducerId => {
            call!(context, reader, InitProducerIdRequest, handlers::init_producer_id::handle)
        }
        ApiKey::AddPartitionsToTxn => {
            call!(context, reader, AddPartitionsToTxnRequest, handlers::add_partitions_to_txn::handle)
        }
        ApiKey::AddOffsetsToTxn => {
            call!(context, reader, AddOffsetsToTxnRequest, handlers::add_offsets_to_txn::handle)
        }
        ApiKey::EndTxn => call!(context, reader, EndTxnRequest, handlers::end_txn::handle),
        ApiKey::WriteTxnMarkers => {
            call!(context, reader, WriteTxnMarkersRequest, handlers::write_txn_markers::handle)
        }
        ApiKey::TxnOffsetCommit => {
            call!(context, reader, TxnOffsetCommitRequest, handlers::txn_offset_commit::handle)
        }
        ApiKey::DescribeProducers => {
            call!(context, reader, DescribeProducersRequest, handlers::describe_producers::handle)
        }
        ApiKey::DescribeTransactions => {
            call!(context, reader, DescribeTransactionsRequest, handlers::describe_transactions::handle)
        }
        ApiKey::ListTransactions => {
            call!(context, reader, ListTransactionsRequest, handlers::list_transactions::handle)
        }
        _ => Err(context.not_served()),
    }
}

async fn run_group(context: &Context, mut reader: Reader) -> Result<Reply, Refusal> {
    match context.api {
        ApiKey::OffsetCommit => group!(context, reader, OffsetCommitRequest, offset_commit),
        ApiKey::OffsetFetch => group!(context, reader, OffsetFetchRequest, offset_fetch),
        ApiKey::FindCoordinator => {
            let request = messages::FindCoordinatorRequest::read(&mut reader, context.version)?;
            let (client, endpoint) = (context.client(), context.endpoint());
            let (groups, transactions) = (context.broker.groups(), context.broker.transactions());
            let coordinating = groups.find_coordinator(
                request,
                context.version,
                &client,
                transactions.ensure_topic(),
                &endpoint,
            );
            Ok(Reply::Ready(context.respond(&coordinating.await)))
        }
        ApiKey::JoinGroup => group!(context, reader, JoinGroupRequest, join_group, parked),
        ApiKey::SyncGroup => group!(context, reader, SyncGroupRequest, sync_group, parked),
        ApiKey::Heartbeat => group!(context, reader, HeartbeatRequest, heartbeat),
        ApiKey::LeaveGroup => group!(context, reader, LeaveGroupRequest, leave_group),
        ApiKey::DescribeGroups => group!(context, reader, DescribeGroupsRequest, describe_groups),
        ApiKey::ListGroups => group!(context, reader, ListGroupsRequest, list_groups),
        ApiKey::DeleteGroups => group!(context, reader, DeleteGroupsRequest, delete_groups),
        ApiKey::OffsetDelete => group!(context, reader, OffsetDeleteRequest, offset_delete),
        ApiKey::ConsumerGroupHeartbeat => {
            group!(context, reader, ConsumerGroupHeartbeatRequest, consumer_group_heartbeat)
        }
        ApiKey::ConsumerGroupDescribe => {
            group!(context, reader, ConsumerGroupDescribeRequest, consumer_group_describe)
        }
        _ => Err(context.not_served()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ordered_and_within_the_declarations() {
        assert!(SERVED.is_sorted_by_key(|row| row.api));
        for row in SERVED {
            let (low, high) = row.api.declared_versions();
            let produce = row.api == ApiKey::Produce && row.version_min == 0;
            assert!(row.version_min >= low || produce, "{row:?}");
            assert!(row.version_max <= high, "{row:?}");
        }
    }
}
