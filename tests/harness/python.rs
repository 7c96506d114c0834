//! Scripts of Python clients, run with the interpreter that `scripts/test` set up.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};

use crate::{missing, workspace};

/// The interpreter with the clients installed: `ASSAY_TEST_PYTHON`, else the one in `.cache/venv`.
fn interpreter() -> Option<PathBuf> {
    let path = std::env::var_os("ASSAY_TEST_PYTHON")
        .map_or_else(|| workspace().join(".cache/venv/bin/python"), PathBuf::from);
    path.exists().then_some(path)
}

/// Runs `tests/python/NAME` with arguments and gives its output; `None`, with the reason printed, where the
/// interpreter is missing. A script that fails is an error with all it printed.
pub fn run(name: &str, arguments: &[&str]) -> Result<Option<String>> {
    let Some(interpreter) = interpreter() else {
        missing("the Python environment of scripts/test");
        return Ok(None);
    };
    let script = workspace().join("tests/python").join(name);
    let Output { status, stdout, stderr } =
        Command::new(interpreter).arg(script).args(arguments).output().context("cannot run Python")?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{name}: {status}\n{stdout}\n{stderr}");
    Ok(Some(stdout.into_owned()))
}
