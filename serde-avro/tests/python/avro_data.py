"""Reads and writes data as fastavro does.

A line in: {"writer", "reader", "hex"}. A line out: "resolved", the datum of the writer read with the reader's schema
and written again; or "error".
"""

import io
import json
import sys

import fastavro


def answer(question):
    writer = fastavro.parse_schema(json.loads(question["writer"]))
    reader = fastavro.parse_schema(json.loads(question["reader"]))
    datum = io.BytesIO(bytes.fromhex(question["hex"]))
    value = fastavro.schemaless_reader(datum, writer, reader, return_record_name=True)
    assert not datum.read(), "data left over"
    out = io.BytesIO()
    fastavro.schemaless_writer(out, reader, value)
    return {"resolved": out.getvalue().hex()}


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result))
