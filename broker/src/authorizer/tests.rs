use super::*;
use crate::log::storage::Fs;

const HOST: [u8; 4] = [10, 0, 0, 1];

/// `permission principal host operation pattern name`, on topics.
pub(crate) fn acl(text: &str) -> Acl {
    let words: Vec<&str> = text.split(' ').collect();
    let [permission, principal, host, operation, pattern, name] = words[..] else { panic!("{text}") };
    Acl {
        resource_type: ResourceType::Topic,
        pattern: PatternType::from_name(pattern).unwrap(),
        name: name.to_owned(),
        principal: format!("User:{principal}"),
        host: host.to_owned(),
        operation: Operation::from_name(operation).unwrap(),
        permission: Permission::from_name(permission).unwrap(),
    }
}

fn authorizer(dir: &Path, open: bool) -> Authorizer {
    let super_users = BTreeSet::from(["User:root".to_owned()]);
    let settings = AuthorizerSettings { super_users, allow_everyone_if_no_acl_found: open };
    Authorizer::open(Arc::new(Fs), dir, settings).unwrap()
}

fn access(rules: &[&str], user: &str, open: bool) -> Access {
    let dir = tempfile::tempdir().unwrap();
    let authorizer = authorizer(dir.path(), open);
    authorizer.change(|acls| acls.extend(rules.iter().map(|text| acl(text)))).unwrap();
    Access::new(Some(Arc::new(authorizer)), Principal::user(user), HOST.into())
}

fn check(rules: &[&str], user: &str, operation: Operation, topic: &str, expected: bool) {
    let found = access(rules, user, false).allows(operation, ResourceType::Topic, topic);
    assert_eq!(found, expected, "{user} {operation:?} {topic} under {rules:?}");
}

#[test]
fn rules_decide_as_in_kafka() {
    use Operation::{Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    let literal: &[&str] = &["ALLOW ann * READ LITERAL orders"];
    check(literal, "ann", Read, "orders", true);
    check(literal, "ann", Describe, "orders", true);
    check(literal, "ann", DescribeConfigs, "orders", false);
    check(literal, "ann", Write, "orders", false);
    check(literal, "ann", Read, "orders2", false);
    check(literal, "bob", Read, "orders", false);
    check(literal, "root", Delete, "anything", true);
    for implying in ["WRITE", "DELETE", "ALTER"] {
        check(&[&format!("ALLOW ann * {implying} LITERAL orders")], "ann", Describe, "orders", true);
    }
    check(&["ALLOW ann * ALTER_CONFIGS LITERAL orders"], "ann", DescribeConfigs, "orders", true);
    check(&["ALLOW ann * DESCRIBE_CONFIGS LITERAL orders"], "ann", AlterConfigs, "orders", false);
    let prefixed: &[&str] = &["ALLOW ann * ALL PREFIXED ord", "DENY ann * WRITE LITERAL orders"];
    check(prefixed, "ann", Read, "orders", true);
    check(prefixed, "ann", Write, "orders", false);
    check(prefixed, "ann", Write, "orderly", true);
    check(prefixed, "ann", Write, "or", false);
    let everybody: &[&str] = &["ALLOW * * READ LITERAL *", "DENY eve * ALL PREFIXED sec"];
    check(everybody, "eve", Read, "orders", true);
    check(everybody, "eve", Read, "secrets", false);
    check(everybody, "ann", Read, "secrets", true);
    // a denial implies nothing
    let describing: &[&str] = &["ALLOW ann * ALL LITERAL orders", "DENY ann * READ LITERAL orders"];
    check(describing, "ann", Describe, "orders", true);
    check(describing, "ann", Read, "orders", false);
    check(&["ALLOW ann 10.0.0.1 ALTER LITERAL orders"], "ann", Alter, "orders", true);
    check(&["ALLOW ann 10.0.0.2 ALTER LITERAL orders"], "ann", Alter, "orders", false);
    check(&["ALLOW ann * ALL PREFIXED é"], "ann", Alter, "ê", false);
}

#[test]
fn a_resource_without_rules_is_open_only_when_the_setting_says_so() {
    let rules: &[&str] = &["ALLOW ann * READ LITERAL orders"];
    for open in [true, false] {
        let bob = access(rules, "bob", open);
        assert_eq!(bob.allows(Operation::Write, ResourceType::Topic, "other"), open);
        assert!(!bob.allows(Operation::Read, ResourceType::Topic, "orders"));
    }
    assert!(Access::unrestricted().allows_cluster(Operation::Alter));
}

#[test]
fn any_resource_will_do_unless_denials_cover_it() {
    for (rules, expected) in [
        (&["ALLOW ann * WRITE LITERAL orders"][..], true),
        (&["ALLOW ann * READ LITERAL orders"], false),
        (&["ALLOW ann * WRITE LITERAL orders", "DENY ann * ALL LITERAL *"], false),
        (&["ALLOW ann * WRITE LITERAL orders", "DENY ann * WRITE PREFIXED ord"], false),
        (&["ALLOW ann * WRITE LITERAL *", "DENY ann * WRITE PREFIXED ord"], true),
        (&["ALLOW ann * WRITE PREFIXED ord", "DENY ann * WRITE LITERAL orders"], true),
    ] {
        let found = access(rules, "ann", false).allows_any(Operation::Write, ResourceType::Topic);
        assert_eq!(found, expected, "{rules:?}");
    }
}

#[test]
fn allowed_operations_are_a_bit_field() {
    let ann = access(&["ALLOW ann * READ LITERAL orders"], "ann", false);
    assert_eq!(ann.operations(ResourceType::Topic, "orders"), 1 << 3 | 1 << 8);
    assert_eq!(ann.operations(ResourceType::Topic, "other"), 0);
    let all = Access::unrestricted().operations(ResourceType::Topic, "orders");
    assert_eq!(all, 0b1101_1111_1000);
}

#[test]
fn filters_mean_what_they_say() {
    let every = AclFilter {
        resource_type: ResourceType::Any,
        pattern: PatternType::Any,
        name: None,
        principal: None,
        host: None,
        operation: Operation::Any,
        permission: Permission::Any,
    };
    let rules = [
        acl("ALLOW ann * READ LITERAL orders"),
        acl("ALLOW ann * READ PREFIXED ord"),
        acl("DENY bob 10.0.0.1 WRITE LITERAL *"),
    ];
    let count = |filter: &AclFilter| rules.iter().filter(|acl| filter.matches(acl)).count();
    let named = |pattern, name: &str| AclFilter { pattern, name: Some(name.to_owned()), ..every.clone() };
    assert_eq!(count(&every), 3);
    assert_eq!(count(&named(PatternType::Match, "orders")), 3);
    assert_eq!(count(&named(PatternType::Match, "other")), 1);
    assert_eq!(count(&named(PatternType::Any, "orders")), 1);
    assert_eq!(count(&named(PatternType::Prefixed, "ord")), 1);
    assert_eq!(count(&named(PatternType::Literal, "*")), 1);
    assert_eq!(count(&AclFilter { principal: Some("User:bob".to_owned()), ..every.clone() }), 1);
    assert_eq!(count(&AclFilter { permission: Permission::Allow, ..every.clone() }), 2);
    assert_eq!(count(&AclFilter { resource_type: ResourceType::Group, ..every }), 0);
}

#[test]
fn rules_are_whole_and_acknowledged_ones_there_whenever_the_power_goes() {
    use crate::log::storage::memory::{Memory, at_every_cut};
    let dir = Path::new("/data");
    let open = |memory: &Memory| {
        let settings =
            AuthorizerSettings { super_users: BTreeSet::new(), allow_everyone_if_no_acl_found: false };
        Authorizer::open(Arc::new(memory.clone()), dir, settings).unwrap()
    };
    let rules = [
        acl("DENY ann * ALL LITERAL x"),
        acl("ALLOW bob * READ LITERAL x"),
        acl("ALLOW bob * READ LITERAL y"),
    ];
    let fresh = || {
        let memory = Memory::with_folder(dir);
        open(&memory).change(|acls| acls.insert(rules[0].clone())).unwrap();
        memory
    };
    let script = |memory: &Memory| {
        let authorizer = open(memory);
        rules[1..]
            .iter()
            .take_while(|rule| authorizer.change(|acls| acls.insert((*rule).clone())).is_ok())
            .count()
    };
    assert_eq!(script(&fresh()), 2);
    let steps = at_every_cut(fresh, script, |after, acknowledged, place| {
        let found = open(after).acls();
        let whole = (1..=3).any(|count| found == rules[..count].iter().cloned().collect());
        assert!(whole && found.len() > acknowledged, "{place}: {found:?}, {acknowledged}");
    });
    assert!(steps >= 8, "{steps}");
}

#[test]
fn rules_survive_and_damage_is_not_taken_for_openness() {
    let dir = tempfile::tempdir().unwrap();
    let rule = acl("DENY ann 10.0.0.1 ALL PREFIXED \u{e9}\"x");
    let first = authorizer(dir.path(), false);
    first.change(|acls| acls.insert(rule.clone())).unwrap();
    assert_eq!(authorizer(dir.path(), false).acls(), BTreeSet::from([rule.clone()]));
    first.change(|acls| acls.remove(&rule)).unwrap();
    assert!(authorizer(dir.path(), false).acls().is_empty());
    for (text, part) in
        [("", "damaged"), ("{\"version\":9}", "newer"), ("{\"version\":0,\"acls\":[{}]}", "damaged")]
    {
        std::fs::write(dir.path().join("assay-acls.json"), text).unwrap();
        let settings =
            AuthorizerSettings { super_users: BTreeSet::new(), allow_everyone_if_no_acl_found: true };
        let error = Authorizer::open(Arc::new(Fs), dir.path(), settings).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}
