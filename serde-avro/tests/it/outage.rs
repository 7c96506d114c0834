//! What happens when the registry is slow, overloaded, broken or away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_serde_avro::client::ListQuery;
use assay_serde_avro::schema::SchemaId;
use assay_serde_avro::{
    Auth, BearerScope, CacheSettings, CachedClient, Deserializer, Disposition, Error, OAuth, RegistryClient,
    RetryPolicy, SchemaKey, TransportKind, UNREADABLE_BODY_CODE,
};

use crate::faulty::{Answer, Faulty, closed_url};
use crate::record::{ORDER, ORDER_DATUM, Order, order};

fn quick(urls: &str) -> RegistryClient {
    builder(urls).build().unwrap()
}

fn builder(urls: &str) -> assay_serde_avro::client::RegistryClientBuilder {
    RegistryClient::builder(urls).retry(RetryPolicy {
        retries_max: 3,
        wait: Duration::from_millis(2),
        wait_max: Duration::from_secs(1),
    })
}

fn key(id: i32) -> SchemaKey {
    SchemaKey::Id(SchemaId::new(id).unwrap())
}

fn framed(id: u8) -> Vec<u8> {
    let mut payload = vec![0, 0, 0, 0, id];
    payload.extend_from_slice(ORDER_DATUM);
    payload
}

#[tokio::test]
async fn a_hundred_callers_of_a_cold_id_make_one_request() {
    let server = Faulty::start([Answer::schema(ORDER).after(Duration::from_millis(100))]).await;
    let registry = CachedClient::new(quick(&server.url()));
    let deserializer = Arc::new(Deserializer::<Order>::new(&registry));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let deserializer = deserializer.clone();
            tokio::spawn(async move { deserializer.decode(&framed(9)).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), order());
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_hundred_callers_share_one_failure_too() {
    let missing = Answer::error(404, 40403, "Schema 9 not found").after(Duration::from_millis(100));
    let server = Faulty::start([missing]).await;
    let registry = CachedClient::new(quick(&server.url()));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { registry.schema(key(9)).await })
        })
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::SchemaNotFound { .. }), "{error}");
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_unknown_id_is_remembered_for_its_time_only() {
    let server = Faulty::start([Answer::error(404, 40403, "Schema 9 not found")]).await;
    let settings = CacheSettings { missing_id_ttl: Duration::from_millis(80), ..CacheSettings::default() };
    let registry = CachedClient::with_settings(quick(&server.url()), settings);
    for _ in 0..5 {
        let error = registry.schema(key(9)).await.unwrap_err();
        assert_eq!((error.http_status(), error.error_code()), (Some(404), Some(40403)));
        assert_eq!(error.disposition(), Disposition::DeadLetter);
    }
    assert_eq!(server.count(), 1);
    server.then(Answer::schema(ORDER));
    let deadline = Instant::now() + Duration::from_secs(5);
    while registry.schema(key(9)).await.is_err() {
        assert!(Instant::now() < deadline, "the id stays unknown");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn overload_and_server_errors_are_repeated_and_never_remembered() {
    for (status, code) in [(429, 42901), (500, 50001), (503, 503), (408, 408)] {
        let error = Answer::error(status, code, "not now");
        let server = Faulty::start([error.clone(), error.clone(), Answer::schema(ORDER)]).await;
        let registry = CachedClient::new(quick(&server.url()));
        registry.schema(key(1)).await.unwrap();
        assert_eq!(server.count(), 3, "{status}");

        let server = Faulty::start([error]).await;
        let registry = CachedClient::new(quick(&server.url()));
        let found = registry.schema(key(1)).await.unwrap_err();
        assert_eq!(server.count(), 4, "{status}");
        assert!(found.is_retriable(), "{found}");
        assert_eq!(found.http_status(), Some(status));
        server.then(Answer::schema(ORDER));
        registry.schema(key(1)).await.unwrap();
    }
}

#[tokio::test]
async fn refusals_are_not_repeated() {
    for (status, code) in
        [(400, 400), (401, 401), (403, 403), (404, 40401), (409, 40901), (422, 42201), (501, 501)]
    {
        let server = Faulty::start([Answer::error(status, code, "no")]).await;
        let error = quick(&server.url()).subjects(&ListQuery::default()).await.unwrap_err();
        assert_eq!(error.http_status(), Some(status), "{error}");
        assert_eq!(server.count(), 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_kept_to_and_too_long_a_wait_is_handed_to_the_caller() {
    let wait = Answer::error(429, 429, "slow down").header("Retry-After", "1");
    let server = Faulty::start([wait, Answer::new(200, "[]")]).await;
    let start = Instant::now();
    quick(&server.url()).subjects(&ListQuery::default()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    let server = Faulty::start([Answer::error(429, 429, "slow down").header("Retry-After", "3600")]).await;
    let error = quick(&server.url()).subjects(&ListQuery::default()).await.unwrap_err();
    let Error::Throttled { retry_after, .. } = error else { panic!("{error}") };
    assert_eq!(retry_after, Some(Duration::from_hours(1)));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_dead_address_is_passed_over_and_not_asked_again() {
    let server = Faulty::start([Answer::new(200, "[]")]).await;
    let broken = Faulty::start([Answer::new(503, "<html>down</html>")]).await;
    let client = quick(&format!("{}, {},{}", closed_url().await, broken.url(), server.url()));
    for _ in 0..3 {
        client.subjects(&ListQuery::default()).await.unwrap();
    }
    assert_eq!(server.count(), 3);
    assert_eq!(broken.count(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_retriable_and_says_how_often_it_was_tried() {
    let error = quick(&closed_url().await).subjects(&ListQuery::default()).await.unwrap_err();
    let Error::RegistryUnavailable { attempts, .. } = &error else { panic!("{error}") };
    assert_eq!(*attempts, 4);
    assert!(error.is_retriable());
    assert_eq!(error.http_status(), None);
}

#[tokio::test]
async fn a_registry_that_does_not_answer_runs_into_the_read_timeout() {
    let server = Faulty::start([Answer::new(200, "[]").after(Duration::from_mins(1))]).await;
    let client = builder(&server.url())
        .read_timeout(Duration::from_millis(50))
        .retry(RetryPolicy { retries_max: 1, ..RetryPolicy::default() })
        .build()
        .unwrap();
    let error = client.subjects(&ListQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { attempts: 2, .. }), "{error}");
}

#[tokio::test]
async fn bodies_that_are_not_the_registrys_json_are_told_apart() {
    let server = Faulty::start([Answer::new(404, "<html>nothing here</html>")]).await;
    let error = quick(&server.url()).subjects(&ListQuery::default()).await.unwrap_err();
    assert_eq!(error.error_code(), Some(UNREADABLE_BODY_CODE));
    assert!(error.to_string().contains("nothing here"), "{error}");

    let server = Faulty::start([Answer::new(200, "<html>hello</html>")]).await;
    let error = quick(&server.url()).subjects(&ListQuery::default()).await.unwrap_err();
    let Error::Protocol { source } = &error else { panic!("{error}") };
    assert_eq!(source.kind, TransportKind::Body);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn known_ids_go_on_working_when_the_registry_is_gone() {
    let server = Faulty::start([Answer::schema(ORDER)]).await;
    let registry = CachedClient::new(quick(&server.url()));
    let deserializer = Deserializer::<Order>::new(&registry);
    deserializer.decode(&framed(1)).await.unwrap();
    drop(server);
    assert_eq!(deserializer.try_decode(&framed(1)).unwrap(), order());
    assert_eq!(Deserializer::<Order>::new(&registry).decode(&framed(1)).await.unwrap(), order());
    assert!(deserializer.decode(&framed(2)).await.unwrap_err().is_retriable());
}

#[tokio::test]
async fn a_latest_version_is_used_on_while_the_registry_cannot_give_a_newer_one() {
    let body = serde_json::json!({"subject": "s", "version": 1, "id": 4, "schema": ORDER}).to_string();
    let server = Faulty::start([Answer::new(200, body)]).await;
    let settings = CacheSettings { latest_ttl: Some(Duration::from_millis(1)), ..CacheSettings::default() };
    let registry = CachedClient::with_settings(quick(&server.url()), settings);
    let none = std::collections::BTreeMap::default();
    registry.latest("s", &none).await.unwrap();
    server.then(Answer::new(503, ""));
    let deadline = Instant::now() + Duration::from_secs(5);
    while server.count() < 3 {
        assert_eq!(registry.latest("s", &none).await.unwrap().id, SchemaId::new(4));
        assert!(Instant::now() < deadline, "the registry is not asked again");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.then(Answer::error(404, 40401, "Subject 's' not found."));
    let error = registry.latest("s", &none).await;
    assert!(matches!(error, Err(Error::SubjectNotFound { .. })), "a deleted subject is noticed: {error:?}");
}

#[tokio::test]
async fn credentials_are_sent_in_the_documented_headers() {
    let server = Faulty::start([Answer::new(200, "[]")]).await;
    let with_user = server.url().replace("http://", "http://alice:s%3Acret@");
    quick(&with_user).subjects(&ListQuery::default()).await.unwrap();
    let basic = Auth::Basic { user: "alice".into(), password: "s:cret".into() };
    builder(&server.url()).auth(basic).build().unwrap().subjects(&ListQuery::default()).await.unwrap();
    let scope =
        BearerScope { logical_cluster: Some("lsrc-1".into()), identity_pool_id: Some("pool-1".into()) };
    let bearer = Auth::Bearer { token: "t0ken".into(), scope };
    let client = builder(&server.url()).auth(bearer).header("X-Team", "blue").build().unwrap();
    client.subjects(&ListQuery::default()).await.unwrap();
    let asked = server.asked();
    let header =
        |at: usize, name: &str| asked[at].headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header(0, "authorization").as_deref(), Some("Basic YWxpY2U6czpjcmV0"));
    assert_eq!(header(1, "authorization"), header(0, "authorization"));
    assert_eq!(header(2, "authorization").as_deref(), Some("Bearer t0ken"));
    assert_eq!(header(2, "target-sr-cluster").as_deref(), Some("lsrc-1"));
    assert_eq!(header(2, "confluent-identity-pool-id").as_deref(), Some("pool-1"));
    assert_eq!(header(2, "x-team").as_deref(), Some("blue"));
    assert_eq!(header(2, "confluent-accept-unknown-properties").as_deref(), Some("true"));
}

#[tokio::test]
async fn oauth_tokens_are_fetched_once_and_reused() {
    let issuer = Faulty::start([Answer::new(200, r#"{"access_token":"abc","expires_in":3600}"#)]).await;
    let server = Faulty::start([Answer::new(200, "[]")]).await;
    let oauth = OAuth {
        issuer_endpoint_url: format!("{}/token", issuer.url()),
        client_id: "me".into(),
        client_secret: "secret".into(),
        scope: Some("registry".into()),
        expiry_buffer: Duration::from_mins(5),
        bearer: BearerScope::default(),
    };
    let client = builder(&server.url()).auth(Auth::OAuth(oauth.clone())).build().unwrap();
    for _ in 0..3 {
        client.subjects(&ListQuery::default()).await.unwrap();
    }
    assert_eq!(issuer.count(), 1);
    let grant = &issuer.asked()[0];
    assert_eq!((grant.method.as_str(), grant.target.as_str()), ("POST", "/token"));
    assert_eq!(grant.body, "grant_type=client_credentials&scope=registry");
    assert!(server.asked().iter().all(|asked| asked.headers["authorization"] == "Bearer abc"));

    let refusing = Faulty::start([Answer::new(401, r#"{"error":"invalid_client"}"#)]).await;
    let oauth = OAuth { issuer_endpoint_url: refusing.url(), ..oauth };
    let client = builder(&server.url()).auth(Auth::OAuth(oauth)).build().unwrap();
    let error = client.subjects(&ListQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Token { retriable: false, .. }), "{error}");
    assert_eq!(error.disposition(), Disposition::Fatal);
}

#[tokio::test]
async fn subjects_travel_as_one_path_segment() {
    let server = Faulty::start([Answer::new(200, "[1]")]).await;
    quick(&server.url()).versions(":.ctx:a/b c?", &ListQuery::default()).await.unwrap();
    assert_eq!(server.asked()[0].target, "/subjects/%3A.ctx%3Aa%2Fb%20c%3F/versions");
}

#[tokio::test]
async fn a_batch_fetches_each_missing_schema_once_and_fails_only_its_own_messages() {
    let server = Faulty::start([Answer::schema(ORDER).after(Duration::from_millis(20))]).await;
    let registry = CachedClient::new(quick(&server.url()));
    let deserializer = Deserializer::<Order>::new(&registry);
    let payloads = [framed(1), framed(2), vec![9], framed(1), framed(2), vec![0, 0, 0, 0, 1, 14]];
    let outcomes = deserializer.decode_batch(payloads.iter().map(Into::into)).await;
    assert_eq!(server.count(), 2);
    let ok: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, true, false, true, true, false]);
    assert!(matches!(outcomes[2], Err(Error::NotFramed { first_byte: Some(9), len: 1 })));
    assert!(matches!(outcomes[5], Err(Error::Decode { .. })));
    server.then(Answer::error(404, 40403, "Schema 3 not found"));
    let payloads = [framed(1), framed(3)];
    let outcomes = deserializer.decode_batch(payloads.iter().map(Into::into)).await;
    assert!(outcomes[0].is_ok());
    assert!(matches!(outcomes[1], Err(Error::SchemaNotFound { .. })), "{:?}", outcomes[1]);
}
