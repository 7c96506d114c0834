use super::*;

fn given(pairs: &[(&str, &str)]) -> Given {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_kafka_file_gives_its_client_listeners() {
    let settings = given(&[
        ("listeners", "PLAINTEXT://:9092, CONTROLLER://:9093,OUTSIDE://[::]:9094"),
        ("advertised.listeners", "PLAINTEXT://localhost:9092,OUTSIDE://kafka.example.com:443"),
        ("controller.listener.names", "CONTROLLER"),
        (
            "listener.security.protocol.map",
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,OUTSIDE:SASL_SSL",
        ),
        ("ssl.keystore.location", "/store.pem"),
        ("listener.name.outside.sasl.enabled.mechanisms", "PLAIN"),
        ("sasl.enabled.mechanisms", "SCRAM-SHA-512"),
        ("ssl.client.auth", "required"),
    ]);
    let found = listeners(&settings).unwrap().unwrap();
    let [plain, outside] = &found[..] else { panic!("{found:?}") };
    assert_eq!((plain.name.as_str(), plain.bind.to_string().as_str()), ("PLAINTEXT", "0.0.0.0:9092"));
    assert_eq!(plain.security, ListenerSecurity::default());
    assert_eq!(outside.advertise.as_ref().unwrap().to_string(), "kafka.example.com:443");
    assert_eq!(outside.security.protocol, SecurityProtocol::SaslSsl);
    assert_eq!(outside.security.sasl.as_ref().unwrap().mechanisms, [Mechanism::Plain]);
    let tls = outside.security.tls.as_ref().unwrap();
    let store = Store { path: "/store.pem".into(), kind: None, password: None };
    assert_eq!(tls.identity, Identity::Store(store));
    assert_eq!(tls.client_auth, ClientAuth::None, "a listener with SASL asks only where it is told to");
    assert_eq!(listeners(&given(&[])).unwrap(), None);
}

#[test]
fn names_mean_protocols_without_a_map() {
    for (name, protocol) in [
        ("SSL", SecurityProtocol::Ssl),
        ("SASL_PLAINTEXT", SecurityProtocol::SaslPlaintext),
        ("INSIDE", SecurityProtocol::Plaintext),
    ] {
        let settings = given(&[("ssl.keystore.location", "/store.pem")]);
        assert_eq!(security(&settings, name).unwrap().protocol, protocol);
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    for (pairs, part) in [
        (&[("listeners", "A://h:1,a://h:2")][..], "given twice"),
        (&[("listeners", "A://h:1"), ("advertised.listeners", "B://h:1")], "none of listeners"),
        (&[("listeners", "A://h:1"), ("listener.security.protocol.map", "B:SSL")], "listener A"),
        (&[("listeners", "A://h:1"), ("listener.security.protocol.map", "A:TLS")], "a protocol is"),
        (&[("listeners", "A://h:1"), ("controller.listener.names", "A")], "no listener for clients"),
        (&[("listeners", "SSL://h:1")], "ssl.keystore.location"),
        (
            &[("listeners", "SSL://h:1"), ("ssl.keystore.location", "x"), ("ssl.keystore.type", "JCEKS")],
            "JKS, PKCS12 or PEM",
        ),
        (&[("listeners", "SASL_PLAINTEXT://h:1"), ("sasl.enabled.mechanisms", "GSSAPI")], "PLAIN, SCRAM"),
        (
            &[
                ("listeners", "SSL://h:1"),
                ("ssl.keystore.location", "x"),
                ("listener.name.ssl.ssl.client.auth", "maybe"),
            ],
            "none, requested or required",
        ),
        (
            &[
                ("listeners", "SSL://h:1"),
                ("ssl.keystore.location", "x"),
                ("ssl.enabled.protocols", "TLSv1,TLSv1.1"),
            ],
            "TLSv1.2 and TLSv1.3",
        ),
    ] {
        let error = listeners(&given(pairs)).unwrap_err().to_string();
        assert!(error.contains(part), "{pairs:?}: {error}");
    }
}

#[test]
fn stores_and_rules_are_read_for_each_listener() {
    let settings = given(&[
        ("ssl.keystore.location", "/shared.jks"),
        ("ssl.keystore.type", "jks"),
        ("ssl.keystore.password", "one"),
        ("ssl.key.password", "two"),
        ("ssl.truststore.location", "/trust.jks"),
        ("ssl.principal.mapping.rules", "RULE:CN=(.*)/$1/"),
        ("listener.security.protocol.map", "A:SSL,B:SSL"),
        ("listener.name.b.ssl.keystore.location", "/own.p12"),
        ("listener.name.b.ssl.keystore.type", "PKCS12"),
        ("listener.name.b.ssl.keystore.password", "three"),
        ("listener.name.b.ssl.truststore.password", "four"),
        ("listener.name.b.ssl.cipher.suites", "ONE, TWO,"),
        ("listener.name.b.ssl.principal.mapping.rules", "RULE:CN=(.*)/$1/U"),
    ]);
    let store = |path: &str, kind, password: Option<&str>| Store {
        path: path.into(),
        kind,
        password: password.map(str::to_owned),
    };
    let (one, other) = (security(&settings, "A").unwrap(), security(&settings, "B").unwrap());
    let (one, other) = (one.tls.unwrap(), other.tls.unwrap());
    assert!(!format!("{one:?}{other:?}").contains("three"), "no password is shown");
    assert_eq!(one.identity, Identity::Store(store("/shared.jks", Some(StoreKind::Jks), Some("one"))));
    assert_eq!(other.identity, Identity::Store(store("/own.p12", Some(StoreKind::Pkcs12), Some("three"))));
    assert_eq!(one.trusted, Some(Trusted::Store(store("/trust.jks", None, None))));
    assert_eq!(other.trusted, Some(Trusted::Store(store("/trust.jks", None, Some("four")))));
    assert_eq!((one.key_password.as_deref(), other.key_password.as_deref()), (Some("two"), Some("two")));
    assert_eq!(
        (one.cipher_suites, other.cipher_suites.as_deref()),
        (None, Some(&["ONE", "TWO"].map(str::to_owned)[..]))
    );
    assert_eq!(one.principal_rules.apply("CN=ann").unwrap(), "ann");
    assert_eq!(other.principal_rules.apply("CN=ann").unwrap(), "ANN");
}

#[test]
fn pem_beside_another_kind_of_store_and_bad_rules_are_refused() {
    for (key, value, part) in [
        ("ssl.keystore.type", "JKS", "ssl.keystore.type=JKS: PEM is expected beside"),
        ("ssl.truststore.type", "PKCS12", "ssl.truststore.type=PKCS12: PEM is expected beside"),
        ("ssl.principal.mapping.rules", "RULE:(/x/", "ssl.principal.mapping.rules: rule `RULE:(/x/`: "),
        ("listener.name.ssl.ssl.principal.mapping.rules", "x", "ssl.principal.mapping.rules: rule `x`: "),
    ] {
        let settings = given(&[
            ("ssl.keystore.certificate.chain", "/chain.pem"),
            ("ssl.keystore.location", "/key.pem"),
            ("ssl.truststore.certificates", "/trust.pem"),
            (key, value),
        ]);
        let error = security(&settings, "SSL").unwrap_err().to_string();
        assert!(error.starts_with(part), "{error}");
    }
    let settings =
        given(&[("ssl.keystore.certificate.chain", "/chain.pem"), ("ssl.keystore.location", "/key.pem")]);
    let tls = security(&settings, "SSL").unwrap().tls.unwrap();
    let part = |path: &str| Pem::File(path.into());
    assert_eq!(tls.identity, Identity::Pem { chain: part("/chain.pem"), key: part("/key.pem") });
}
