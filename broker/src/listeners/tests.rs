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
    assert_eq!(tls.certificate_chain, Pem::File("/store.pem".into()));
    assert_eq!(tls.certificate_chain, tls.key);
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
        (&[("listeners", "SSL://h:1"), ("ssl.keystore.type", "JKS")], "PEM"),
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
                ("ssl.enabled.protocols", "TLSv1.2"),
            ],
            "TLSv1.3 cannot",
        ),
    ] {
        let error = listeners(&given(pairs)).unwrap_err().to_string();
        assert!(error.contains(part), "{pairs:?}: {error}");
    }
}
