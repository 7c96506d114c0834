use super::*;
use crate::log::storage::Fs;

fn put(user: &str, password: &str) -> Change {
    let mechanism = ScramMechanism::Sha256;
    let credential = ScramCredential::from_password(mechanism, password, ITERATIONS_MIN).unwrap();
    Change::Put(user.to_owned(), mechanism, credential)
}

fn open(dir: &Path) -> Credentials {
    Credentials::open(Arc::new(Fs), dir).unwrap()
}

#[test]
fn users_survive_and_no_password_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).apply(vec![put("ann", "correct horse")]).unwrap();
    let again = open(dir.path());
    assert!(again.verify("ann", "correct horse"));
    for (user, password) in [("ann", "wrong"), ("ann", ""), ("bob", "correct horse"), ("", "")] {
        assert!(!again.verify(user, password), "{user} {password}");
    }
    let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
    assert!(text.contains("ann") && !text.contains("horse"), "{text}");
    again.apply(vec![Change::Remove("ann".to_owned(), ScramMechanism::Sha256)]).unwrap();
    assert!(again.users().unwrap().is_empty());
    assert!(!open(dir.path()).verify("ann", "correct horse"));
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).apply(vec![put("ann", "x")]).unwrap();
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(FILE), 0o600);
    // also while it is being written, over what a crash left behind
    let left = dir.path().join("left");
    std::fs::write(&left, "x").unwrap();
    std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o644)).unwrap();
    for name in ["left", "new"] {
        let file = Fs.open(&dir.path().join(name), OpenMode::TruncatePrivate).unwrap();
        assert_eq!((mode(name), file.size().unwrap()), (0o600, 0), "{name}");
    }
}

#[test]
fn a_clear_password_is_judged_by_the_strongest_hash() {
    let dir = tempfile::tempdir().unwrap();
    let users = open(dir.path());
    let strong = ScramCredential::from_password(ScramMechanism::Sha512, "strong", ITERATIONS_MIN).unwrap();
    users
        .apply(vec![put("ann", "weak"), Change::Put("ann".to_owned(), ScramMechanism::Sha512, strong)])
        .unwrap();
    assert!(users.verify("ann", "strong") && !users.verify("ann", "weak"));
    users.apply(vec![Change::Remove("ann".to_owned(), ScramMechanism::Sha512)]).unwrap();
    assert!(users.verify("ann", "weak"));
}

#[test]
fn users_are_whole_and_acknowledged_ones_there_whenever_the_power_goes() {
    use crate::log::storage::memory::{Memory, at_every_cut};
    let dir = Path::new("/data");
    let on = |memory: &Memory| Credentials::open(Arc::new(memory.clone()), dir).unwrap();
    let fresh = || {
        let memory = Memory::with_folder(dir);
        on(&memory).apply(vec![put("first", "1")]).unwrap();
        memory
    };
    let script = |memory: &Memory| {
        let users = on(memory);
        let changes =
            [vec![put("ann", "a")], vec![Change::Remove("first".to_owned(), ScramMechanism::Sha256)]];
        changes.into_iter().take_while(|change| users.apply(change.clone()).is_ok()).count()
    };
    assert_eq!(script(&fresh()), 2);
    let steps = at_every_cut(fresh, script, |after, acknowledged, place| {
        let users = on(after).users().unwrap();
        let done = usize::from(users.contains_key("ann")) + usize::from(!users.contains_key("first"));
        let names: Vec<&String> = users.keys().collect();
        assert!(done >= acknowledged, "{place}: {names:?}, acknowledged {acknowledged}");
        assert!(!names.is_empty(), "{place}");
    });
    assert!(steps >= 8, "{steps}");
}

#[test]
fn changes_of_another_process_are_seen_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (open(dir.path()), open(dir.path()));
    other.apply(vec![put("ann", "a")]).unwrap();
    assert!(one.verify("ann", "a"));
    one.apply(vec![put("bob", "b")]).unwrap();
    assert!(other.verify("ann", "a") && other.verify("bob", "b"));
}

#[test]
fn damaged_and_newer_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (text, part) in [
        ("", "damaged"),
        ("{}", "damaged"),
        ("{\"version\":1,\"users\":{}}", "newer"),
        ("{\"version\":0,\"users\":{\"a\":{\"SCRAM-SHA-256\":{}}}}", "damaged"),
        ("{\"version\":0,\"users\":{\"a\":{\"MD5\":{}}}}", "damaged"),
    ] {
        std::fs::write(dir.path().join(FILE), text).unwrap();
        let error = Credentials::open(Arc::new(Fs), dir.path()).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn unknown_users_get_the_same_salt_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let users = open(dir.path());
    let (first, known) = users.find("nobody", ScramMechanism::Sha512);
    assert!(!known);
    assert_eq!(users.find("nobody", ScramMechanism::Sha512).0, first);
    assert_ne!(users.find("nobody2", ScramMechanism::Sha512).0.salt, first.salt);
}
