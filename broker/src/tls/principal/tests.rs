use super::*;

/// Rules, a subject, and the name that Kafka 4.1 makes of it.
const CASES: &[(&str, &str, &str)] = &[
    ("DEFAULT", "CN=a,O=b", "CN=a,O=b"),
    (r"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/", "CN=kafka-01,OU=ServiceUsers,O=x", "kafka-01"),
    (r"RULE:^CN=(.*?),OU=(.*?),O=(.*?),C=(.*?)$/$1@$2/L", "CN=Orders,OU=Flights,O=Ex,C=DE", "orders@flights"),
    (r"RULE:^CN=(.*?),OU=(.*?),O=(.*?)$/$1@$2/U,DEFAULT", "CN=Orders,OU=Flights,O=Ex", "ORDERS@FLIGHTS"),
    // found, but not from end to end
    (r"RULE:^CN=(.*?),OU=Flights/$1/,DEFAULT", "CN=Orders,OU=Flights,O=Ex", "CN=Orders,OU=Flights,O=Ex"),
    // the first rule that fits
    (r"RULE:CN=(.*),O=(.*)/$1/L , RULE:CN=(.*)/two $1/U ,  DEFAULT", "CN=Ann", "TWO ANN"),
    (r"RULE:CN=(.*),O=(.*)/$1/L , RULE:CN=(.*)/two $1/U ,  DEFAULT", "CN=Ann,O=x", "ann"),
    (r"RULE:CN=(.*),O=(.*)/$1/L , RULE:CN=(.*)/two $1/U ,  DEFAULT", "O=Ann", "O=Ann"),
    (r"DEFAULT,RULE:CN=(.*)/$1/", "CN=ann", "CN=ann"),
    (r"DEFAULT,,DEFAULT", "CN=ann", "CN=ann"),
    (r",RULE:CN=(.*)/$1/,", "CN=bob", "bob"),
    // what is replaced is what is found, as often as it is found
    (r"RULE:CN=(.*)/$1/", "CN=ann", "ann"),
    (r"RULE:CN=(.*?)/$1/", "CN=ann", "ann"),
    (r"RULE:.*/x/", "CN=a", "xx"),
    (r"RULE:(a|b)*/-/", "aab", "--"),
    (r"RULE:(CN=a|CN=ann)/[$1]/", "CN=ann", "[CN=a]nn"),
    // groups
    (r"RULE:CN=(.*)/$2/", "CN=ann", "$2"),
    (r"RULE:CN=(.*)/$12/", "CN=ann", "ann2"),
    (r"RULE:CN=(.*)/$30/", "CN=ann", "$30"),
    (r"RULE:CN=(.*)/$01/", "CN=ann", "ann"),
    (r"RULE:CN=.*/$0/", "CN=ann", "CN=ann"),
    (r"RULE:CN=(?<who>.*)/${who}/", "CN=ann", "ann"),
    (r"RULE:(x)?CN=(.*)/[$1]$2/", "CN=ann", "[]ann"),
    // escapes
    (r"RULE:CN=(.*)/\$1/", "CN=ann", "$1"),
    (r"RULE:CN=(.*)/a\/$1/", "CN=ann", "a/ann"),
    (r"RULE:CN=(.*)\/(.*)/$2\/$1/", "CN=ann/bob", "bob/ann"),
    (r"RULE:CN=Gold\\, Silver/gold/", r"CN=Gold\, Silver", "gold"),
    (r"RULE:CN=a\\/b/", r"CN=a\", "b"),
    (r"RULE:CN=(.*)/$1\\/", "CN=ann", r"ann\"),
    (r"RULE:CN=(.*)/ $1 /", "CN=ann", " ann "),
    (r"RULE:CN=(.*)/a,b/", "CN=ann", "a,b"),
    (r"RULE:^CN=([^,]+),.*$/$1/U", "CN=ümlaut,O=x", "ÜMLAUT"),
];

#[test]
fn subjects_become_the_names_that_kafka_makes() {
    for (rules, subject, name) in CASES {
        let rules = PrincipalRules::parse(rules).unwrap();
        assert_eq!(rules.apply(subject).as_deref(), Ok(*name), "{rules:?}");
    }
    assert_eq!(PrincipalRules::default().apply("CN=a").unwrap(), "CN=a");
}

#[test]
fn a_subject_that_no_rule_fits_has_no_name() {
    for rules in [
        r"RULE:^CN=(.*?),OU=Flights/$1/",
        r"RULE: CN=(.*)/$1/",
        r"RULE:/x/",
        r"RULE:CN=Orders|O=x/x/,RULE:cn=(.*)/$1/L",
    ] {
        let error = PrincipalRules::parse(rules).unwrap().apply("CN=Orders,OU=Flights,O=x").unwrap_err();
        let expected = "no rule of ssl.principal.mapping.rules fits the subject CN=Orders,OU=Flights,O=x";
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn bad_rules_are_refused_with_the_rule_and_the_reason() {
    for (rules, part) in [
        ("default", "rule `default`: DEFAULT or RULE: is expected"),
        ("DEFAULT DEFAULT", "a comma is expected"),
        ("DEFAULT, NOTHING", "rule `NOTHING`: DEFAULT or RULE:"),
        (r"RULE:CN=(.*)/$1", "has to end in /, /L or /U"),
        (r"RULE:CN=(.*)/$1\/", "has to end in /, /L or /U"),
        (r"RULE:CN=(.*", "has to end in"),
        (r"RULE:CN=(.*)/$1/LU", "a comma is expected"),
        (r"RULE:CN=(.*)/$1/X", "a comma is expected"),
        (r"RULE:CN=(.*)/$1/ L", "a comma is expected"),
        (
            r"RULE:CN=(.*)/$1/,RULE:CN=(.*/$1/,DEFAULT",
            "rule `RULE:CN=(.*/$1/`: the pattern cannot be used: unclosed group",
        ),
        (r"RULE:CN=(?!b).*/x/", "look-around"),
        (r"RULE:CN=.*/$1/", "the pattern has no group 1"),
        (r"RULE:CN=(?<who>.*)/${nobody}/", "the pattern has no group nobody"),
        (r"RULE:CN=(.*)/$/", "$ without the number"),
        (r"RULE:CN=(.*)/$x/", "$ without the number"),
        (r"RULE:CN=(.*)){9999999}/$1/", "the pattern cannot be used"),
        (r"RULE:(a{1000}){1000}/$1/", "the pattern cannot be used"),
    ] {
        let error = PrincipalRules::parse(rules).unwrap_err().to_string();
        assert!(error.contains(part), "{rules}: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}
