"""Waiting for what comes in its own time."""

import time

LIMIT = 60


def until(what, look):
    deadline = time.monotonic() + LIMIT
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come"
