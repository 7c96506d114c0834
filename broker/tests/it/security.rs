//! Listeners with passwords, certificates and access rules.

use assay_broker::credentials::{Change, ITERATIONS_MIN, ScramCredential, ScramMechanism};
use assay_broker::protocol::messages::create_acls::AclCreation;
use assay_broker::protocol::messages::delete_acls::DeleteAclsFilter;
use assay_broker::protocol::messages::*;

use crate::client::{Client, TestBroker};

mod rights;
mod stores;

const USERS: [(&str, &str); 2] = [("ann", "secret"), ("bob", "other")];

/// A broker whose one listener asks for passwords.
async fn guarded(settings: &[(&str, &str)]) -> TestBroker {
    let mut all = vec![("listeners", "SASL_PLAINTEXT://127.0.0.1:0")];
    all.push(("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256"));
    all.push(("connection.failed.authentication.delay.ms", "1"));
    all.extend_from_slice(settings);
    let broker = TestBroker::with(&all, std::sync::Arc::new(assay_broker::AcceptAll)).await;
    let put = |(user, password): (&str, &str)| {
        let mechanism = ScramMechanism::Sha256;
        let credential = ScramCredential::from_password(mechanism, password, ITERATIONS_MIN).unwrap();
        Change::Put(user.to_owned(), mechanism, credential)
    };
    broker.broker.credentials().apply(USERS.map(put).to_vec()).unwrap();
    broker
}

async fn handshake(client: &mut Client, mechanism: &str, version: i16) -> SaslHandshakeResponse {
    client.call(&SaslHandshakeRequest { mechanism: mechanism.to_owned() }, version).await
}

async fn authenticate(client: &mut Client, user: &str, password: &str) -> SaslAuthenticateResponse {
    let auth_bytes = format!("\0{user}\0{password}").into_bytes().into();
    client.call(&SaslAuthenticateRequest { auth_bytes }, 2).await
}

async fn login(broker: &TestBroker, user: &str, password: &str) -> Client {
    let mut client = broker.client().await;
    assert_eq!(handshake(&mut client, "PLAIN", 1).await.error_code, 0);
    assert_eq!(authenticate(&mut client, user, password).await.error_code, 0);
    client
}

#[tokio::test]
async fn nothing_is_served_before_authentication() {
    let broker = guarded(&[]).await;
    let mut client = broker.client().await;
    let versions: ApiVersionsResponse = client.call(&ApiVersionsRequest::default(), 0).await;
    assert_eq!(versions.error_code, 0);
    client.send(&MetadataRequest::default(), 1).await;
    client.expect_closed().await;

    let mut client = login(&broker, "ann", "secret").await;
    let metadata: MetadataResponse = client.call(&MetadataRequest::default(), 1).await;
    assert_eq!(metadata.brokers.len(), 1);
    let again: SaslAuthenticateResponse = client.call(&SaslAuthenticateRequest::default(), 2).await;
    assert_eq!(again.error_code, 34);
    let metadata: MetadataResponse = client.call(&MetadataRequest::default(), 1).await;
    assert_eq!(metadata.brokers.len(), 1, "the connection goes on");
}

#[tokio::test]
async fn requests_are_short_until_the_peer_is_known() {
    let broker = guarded(&[("sasl.server.max.receive.size", "1024")]).await;
    let request_for = |name| metadata::MetadataRequestTopic { name: Some(name), ..Default::default() };
    let names = (0..100).map(|number| format!("a-long-name-of-a-topic-{number}"));
    let long = MetadataRequest { topics: Some(names.map(request_for).collect()), ..Default::default() };
    // the length is waited for while the last token is still being judged
    let mut client = login(&broker, "ann", "secret").await;
    let response: MetadataResponse = client.call(&long, 9).await;
    assert_eq!(response.topics.len(), 100);
    let mut client = broker.client().await;
    client.send(&long, 9).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_failure_is_told_and_ends_the_connection() {
    let broker = guarded(&[]).await;
    for (user, password) in [("ann", "wrong"), ("nobody", "secret")] {
        let mut client = broker.client().await;
        handshake(&mut client, "PLAIN", 1).await;
        let response = authenticate(&mut client, user, password).await;
        assert_eq!(response.error_code, 58);
        let message = response.error_message.unwrap();
        assert_eq!(message, "Authentication failed: Invalid username or password");
        client.expect_closed().await;
    }
    let mut client = broker.client().await;
    let response = handshake(&mut client, "GSSAPI", 1).await;
    assert_eq!((response.error_code, response.mechanisms.len()), (33, 2));
    client.expect_closed().await;
    let mut client = broker.client().await;
    client.send(&SaslAuthenticateRequest::default(), 2).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn tokens_come_bare_after_the_old_handshake() {
    let broker = guarded(&[]).await;
    let mut client = broker.client().await;
    handshake(&mut client, "PLAIN", 0).await;
    client.send_raw(b"\0\0\0\x0b\0ann\0secret").await;
    assert_eq!(client.receive_raw().await.unwrap().len(), 0);
    let metadata: MetadataResponse = client.call(&MetadataRequest::default(), 1).await;
    assert_eq!(metadata.brokers.len(), 1);

    let mut client = broker.client().await;
    handshake(&mut client, "PLAIN", 0).await;
    client.send_raw(b"\0\0\0\x0a\0ann\0wrong").await;
    client.expect_closed().await;
    let mut client = broker.client().await;
    client.send_raw(&[0, 8, 0, 1]).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_session_ends_unless_the_same_user_proves_itself_again() {
    let broker = guarded(&[("connections.max.reauth.ms", "3600000")]).await;
    let mut client = broker.client().await;
    handshake(&mut client, "PLAIN", 1).await;
    let response = authenticate(&mut client, "ann", "secret").await;
    assert_eq!(response.session_lifetime_ms, 3_600_000);
    assert_eq!(handshake(&mut client, "PLAIN", 1).await.error_code, 0);
    assert_eq!(authenticate(&mut client, "ann", "secret").await.error_code, 0);
    let metadata: MetadataResponse = client.call(&MetadataRequest::default(), 1).await;
    assert_eq!(metadata.brokers.len(), 1);
    assert_eq!(handshake(&mut client, "PLAIN", 1).await.error_code, 34, "not twice in a second");

    let mut client = login(&broker, "ann", "secret").await;
    handshake(&mut client, "PLAIN", 1).await;
    let response = authenticate(&mut client, "bob", "other").await;
    assert_eq!(response.error_code, 58);
    assert!(response.error_message.unwrap().contains("Cannot change principals"));
    client.expect_closed().await;

    let broker = guarded(&[("connections.max.reauth.ms", "1")]).await;
    let mut client = login(&broker, "ann", "secret").await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    client.send(&MetadataRequest::default(), 1).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn an_open_listener_says_that_there_is_nothing_to_prove() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    assert_eq!(handshake(&mut client, "PLAIN", 1).await.error_code, 34);
    assert_eq!(authenticate(&mut client, "ann", "secret").await.error_code, 34);
    let acls: DescribeAclsResponse = client.call(&DescribeAclsRequest::default(), 3).await;
    assert_eq!(acls.error_code, 54);
}

/// Asks for all rules that there are.
fn every_rule() -> DescribeAclsRequest {
    DescribeAclsRequest {
        resource_type_filter: 1,
        pattern_type_filter: 1,
        operation: 1,
        permission_type: 1,
        ..Default::default()
    }
}

fn rule(user: &str, operation: i8, resource_type: i8, name: &str, permission_type: i8) -> AclCreation {
    AclCreation {
        resource_type,
        resource_name: name.to_owned(),
        resource_pattern_type: 3,
        principal: format!("User:{user}"),
        host: "*".to_owned(),
        operation,
        permission_type,
    }
}

const AUTHORIZER: [(&str, &str); 2] = [
    ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
    ("super.users", "User:ann"),
];

#[tokio::test]
async fn rules_are_made_listed_and_deleted_by_who_may() {
    let broker = guarded(&AUTHORIZER).await;
    let mut ann = login(&broker, "ann", "secret").await;
    let mut bob = login(&broker, "bob", "other").await;
    let mut bad_principal = rule("x", 3, 2, "orders", 3);
    bad_principal.principal = "bob".to_owned();
    let creations = vec![
        rule("bob", 3, 2, "orders", 3),
        rule("bob", 3, 2, "", 3),
        rule("bob", 8, 4, "my-cluster", 3),
        rule("bob", 1, 2, "orders", 3),
        bad_principal,
    ];
    let request = CreateAclsRequest { creations };
    let refused: CreateAclsResponse = bob.call(&request, 3).await;
    assert!(refused.results.iter().all(|result| result.error_code == 31), "{refused:?}");
    let made: CreateAclsResponse = ann.call(&request, 3).await;
    let codes: Vec<i16> = made.results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [0, 42, 42, 42, 42]);

    let listed: DescribeAclsResponse = ann.call(&every_rule(), 3).await;
    assert_eq!((listed.resources.len(), listed.resources[0].acls[0].principal.as_str()), (1, "User:bob"));
    let refused: DescribeAclsResponse = bob.call(&every_rule(), 3).await;
    assert_eq!(refused.error_code, 31);
    let unknown: DescribeAclsResponse =
        ann.call(&DescribeAclsRequest { operation: 99, ..every_rule() }, 3).await;
    assert_eq!(unknown.error_code, 42);

    let filters = vec![DeleteAclsFilter {
        resource_type_filter: 2,
        pattern_type_filter: 2,
        resource_name_filter: Some("orders".to_owned()),
        operation: 1,
        permission_type: 1,
        ..Default::default()
    }];
    let request = DeleteAclsRequest { filters };
    let refused: DeleteAclsResponse = bob.call(&request, 3).await;
    assert_eq!(refused.filter_results[0].error_code, 31);
    for expected in [1, 0] {
        let deleted: DeleteAclsResponse = ann.call(&request, 3).await;
        assert_eq!(deleted.filter_results[0].matching_acls.len(), expected);
    }
}

#[tokio::test]
async fn users_are_managed_by_requests() {
    use alter_user_scram_credentials::{ScramCredentialDeletion, ScramCredentialUpsertion};
    let broker = guarded(&AUTHORIZER).await;
    let mut ann = login(&broker, "ann", "secret").await;
    let put = |name: &str, iterations, mechanism, bytes: usize| ScramCredentialUpsertion {
        name: name.to_owned(),
        mechanism,
        iterations,
        salt: vec![1; 16].into(),
        salted_password: vec![2; bytes].into(),
    };
    let gone = |name: &str| ScramCredentialDeletion { name: name.to_owned(), mechanism: 1 };
    let request = AlterUserScramCredentialsRequest {
        deletions: vec![gone("nobody"), gone("twice")],
        upsertions: vec![
            put("carl", 4096, 2, 64),
            put("few", 4095, 1, 32),
            put("many", 16_385, 1, 32),
            put("md5", 4096, 3, 16),
            put("short", 4096, 1, 31),
            put("", 4096, 1, 32),
            put("same", 4096, 1, 32),
            put("same", 4096, 1, 32),
        ],
    };
    let done: AlterUserScramCredentialsResponse = ann.call(&request, 0).await;
    let codes: Vec<(&str, i16)> =
        done.results.iter().map(|result| (result.user.as_str(), result.error_code)).collect();
    let expected = [
        ("", 93),
        ("carl", 0),
        ("few", 93),
        ("many", 93),
        ("md5", 33),
        ("nobody", 91),
        ("same", 92),
        ("short", 93),
        ("twice", 91),
    ];
    assert_eq!(codes, expected);
    let every = DescribeUserScramCredentialsRequest { users: None };
    let listed: DescribeUserScramCredentialsResponse = ann.call(&every, 0).await;
    let names: Vec<&str> = listed.results.iter().map(|result| result.user.as_str()).collect();
    assert_eq!(names, ["ann", "bob", "carl"]);
    assert_eq!(listed.results[2].credential_infos[0].mechanism, 2);
    let mut bob = login(&broker, "bob", "other").await;
    let refused: DescribeUserScramCredentialsResponse = bob.call(&every, 0).await;
    assert_eq!(refused.error_code, 31);
    let gone = AlterUserScramCredentialsRequest { deletions: vec![gone("ann")], upsertions: Vec::new() };
    let refused: AlterUserScramCredentialsResponse = bob.call(&gone, 0).await;
    assert_eq!(refused.results[0].error_code, 31);
    let done: AlterUserScramCredentialsResponse = ann.call(&gone, 0).await;
    assert_eq!(done.results[0].error_code, 0);
    let mut late = broker.client().await;
    handshake(&mut late, "PLAIN", 1).await;
    assert_eq!(authenticate(&mut late, "ann", "secret").await.error_code, 58);
}
