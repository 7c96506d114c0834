"""Requests made up from openapi.yaml against a running registry: no server error, no answer the description does not have.

    schemathesis_run.py URL [--examples N] [--seconds N] [--seed N]

Two rounds: everything but the modes, then the modes, because a read-only registry refuses what the first round is about.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

DESCRIPTION = pathlib.Path(__file__).resolve().parents[2] / "openapi.yaml"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
MODES = ["putGlobalMode", "putMode"]


def round_of(arguments, filters, seconds):
    tool = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [str(tool), "run", str(DESCRIPTION), "--url", arguments.url, "--checks", CHECKS]
    command += ["--max-examples", str(arguments.examples), "--max-time", str(seconds), "--seed", str(arguments.seed)]
    command += ["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--warnings", "off"]
    command += ["--request-timeout", "60", "--suppress-health-check", "all", "--generation-database", "none"]
    # The tool leaves files where it runs.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command + filters, check=False, cwd=folder).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    without_modes = [part for name in MODES for part in ("--exclude-operation-id", name)]
    modes_alone = [part for name in MODES for part in ("--include-operation-id", name)]
    first = round_of(arguments, without_modes, arguments.seconds)
    second = round_of(arguments, modes_alone, max(60, arguments.seconds // 4))
    sys.exit(first or second)


main()
