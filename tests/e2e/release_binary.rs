//! The binary under test is the one that is shipped: fault injection is not in it.

use std::process::Command;

/// Printed by `--version` of a build with the feature `faults`, and so part of such a binary.
const MARK: &[u8] = b"with fault injection";

#[test]
fn the_binary_has_no_fault_injection() {
    let path = harness::binary().unwrap();
    let output = Command::new(&path).arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    assert_eq!(version.trim(), concat!("assay ", env!("CARGO_PKG_VERSION")));
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        !bytes.windows(MARK.len()).any(|window| window == MARK),
        "{} was built with faults",
        path.display()
    );
}
