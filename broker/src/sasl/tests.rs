use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::credentials::{Change, ITERATIONS_MIN, ScramCredential};
use crate::log::storage::Fs;

fn users(dir: &std::path::Path) -> Credentials {
    let users = Credentials::open(Arc::new(Fs), dir).unwrap();
    for (user, password, mechanism) in
        [("ann", "secret", ScramMechanism::Sha256), ("a,b=c", "secret", ScramMechanism::Sha512)]
    {
        let credential = ScramCredential::from_password(mechanism, password, ITERATIONS_MIN).unwrap();
        users.apply(vec![Change::Put(user.to_owned(), mechanism, credential)]).unwrap();
    }
    users
}

#[test]
fn plain_tells_right_from_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let users = users(dir.path());
    let step = |token: &[u8]| Exchange::Begun(Mechanism::Plain).step(token, &users);
    for good in [&b"\0ann\0secret"[..], b"ann\0ann\0secret", b"\0a,b=c\0secret"] {
        assert!(matches!(step(good), Step::Authenticated(..)), "{good:?}");
    }
    for bad in [
        &b""[..],
        b"\0ann\0wrong",
        b"\0nobody\0secret",
        b"bob\0ann\0secret",
        b"ann\0secret",
        b"\0ann\0secret\0",
        b"\0\0",
        b"\0ann\0",
        b"\xff\0ann\0secret",
    ] {
        assert!(matches!(step(bad), Step::Failed(..)), "{bad:?}");
    }
}

/// The client's side, from the RFC, with the hashes of the code under test.
fn login(
    users: &Credentials,
    mechanism: ScramMechanism,
    user: &str,
    password: &str,
) -> Result<String, String> {
    let bare = format!("n={user},r=fyko+d2lbbFgONRv9qkxdawL");
    let first = Exchange::Begun(Mechanism::Scram(mechanism)).step(format!("n,,{bare}").as_bytes(), users);
    let (exchange, reply) = match first {
        Step::Continue(exchange, reply) => (exchange, String::from_utf8(reply).unwrap()),
        Step::Failed(reason) => return Err(reason),
        Step::Authenticated(..) => panic!("too early"),
    };
    let fields: Vec<&str> = reply.split(',').collect();
    assert!(fields[0].starts_with("r=fyko+d2lbbFgONRv9qkxdawL"));
    let salt = STANDARD.decode(&fields[1][2..]).unwrap();
    let iterations: u32 = fields[2][2..].parse().unwrap();
    let without_proof = format!("c=biws,{}", fields[0]);
    let auth_message = format!("{bare},{reply},{without_proof}");
    let proof = crate::credentials::client_proof(mechanism, password, &salt, iterations, &auth_message);
    let last = format!("{without_proof},p={}", STANDARD.encode(proof));
    match exchange.step(last.as_bytes(), users) {
        Step::Authenticated(user, reply) => {
            assert!(reply.starts_with(b"v="));
            Ok(user)
        }
        Step::Failed(reason) => Err(reason),
        Step::Continue(..) => panic!("too late"),
    }
}

#[test]
fn scram_tells_right_from_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let users = users(dir.path());
    let (sha256, sha512) = (ScramMechanism::Sha256, ScramMechanism::Sha512);
    assert_eq!(login(&users, sha256, "ann", "secret").unwrap(), "ann");
    assert_eq!(login(&users, sha512, "a=2Cb=3Dc", "secret").unwrap(), "a,b=c");
    for (mechanism, user, password) in
        [(sha256, "ann", "wrong"), (sha256, "nobody", "secret"), (sha512, "ann", "secret")]
    {
        let reason = login(&users, mechanism, user, password).unwrap_err();
        assert!(reason.contains("invalid credentials"), "{reason}");
    }
    assert!(login(&users, sha256, "a=2Xb", "secret").is_err());
}

#[test]
fn nonsense_is_refused_and_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let users = users(dir.path());
    let begin = || Exchange::Begun(Mechanism::Scram(ScramMechanism::Sha256));
    let long = [&b"n,,n=ann,r="[..], &[b'x'; 5000]].concat();
    for first in [
        &b""[..],
        b"n",
        b"n,,",
        b"p=tls-unique,,n=ann,r=x",
        b"n,,n=ann",
        b"n,,n=,r=x",
        b"n,,n=ann,r=",
        b"n,a=bob,n=ann,r=x",
        b"n,,n=ann,r=x,tokenauth=true",
        b"\xff",
        &long,
    ] {
        assert!(matches!(begin().step(first, &users), Step::Failed(_)), "{first:?}");
    }
    for last in [&b""[..], b"c=biws,r=x,p=AAAA", b"c=biws", b"p=", b",p=,", b"c=!,r=x,p=AAAA"] {
        let Step::Continue(exchange, _) = begin().step(b"n,,n=ann,r=x", &users) else { panic!() };
        assert!(matches!(exchange.step(last, &users), Step::Failed(_)), "{last:?}");
    }
}
