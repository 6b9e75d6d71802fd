"""Runs source-parley as PyAirbyte does, into DuckDB, and compares the tables with a mirror; validates what the connectors
print with the models that Airbyte publishes. Reads one JSON document on stdin: {source, destination, mirror, folder,
configs: {connection: configuration}}. Prints one line, or fails with what differs."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

os.environ["AIRBYTE_OFFLINE_MODE"] = "1"
os.environ["DO_NOT_TRACK"] = "1"

import airbyte  # noqa: E402
import duckdb  # noqa: E402
from airbyte_protocol.models import AirbyteMessage  # noqa: E402

given = json.load(sys.stdin)
folder = pathlib.Path(given["folder"])
streams = ["contacts", "conversations", "messages", "status_history"]
lines = 0

# What a copy has beside the mirror's columns, and what depends on when it was read.
copied = {"observed_at", "deleted_at", "change_seq", "id"}


def messages(*command, stdin=""):
    """What a connector prints, each line valid."""
    global lines
    ran = subprocess.run(command, input=stdin, capture_output=True, text=True)
    assert ran.returncode == 0, (command[:2], ran.returncode, ran.stdout[-2000:], ran.stderr[-2000:])
    found = []
    for line in ran.stdout.splitlines():
        # Unknown kinds of message would be taken for log lines.
        AirbyteMessage.model_validate_json(line)
        found.append(json.loads(line))
        lines += 1
    return found


def text(value):
    """Times as the mirror writes them."""
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return value


def rows(connection, table, names, where=""):
    found = connection.execute(f"SELECT {', '.join(names)} FROM {table} {where}").fetchall()
    return sorted(tuple(map(text, row)) for row in found)


def columns(cache, table):
    known = cache.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = ? ORDER BY ordinal_position", [table]
    ).fetchall()
    return [name for (name,) in known if not name.startswith("_airbyte")]


mirror = sqlite3.connect(f"file:{given['mirror']}?mode=ro", uri=True)

for name, config in given["configs"].items():
    path = folder / f"{name}.json"
    path.write_text(json.dumps(config))
    assert messages(given["source"], "spec")[0]["type"] == "SPEC"
    assert messages(given["source"], "check", "--config", str(path))[0]["connectionStatus"]["status"] == "SUCCEEDED"
    catalog = messages(given["source"], "discover", "--config", str(path))[0]["catalog"]
    configured = folder / "catalog.json"
    configured.write_text(
        json.dumps(
            {
                "streams": [
                    {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
                    for stream in catalog["streams"]
                ]
            }
        )
    )
    read = messages(given["source"], "read", "--config", str(path), "--catalog", str(configured))
    wanted = [row["record"]["data"] for row in read if row["type"] == "RECORD" and row["record"]["stream"] == "conversations"]

    source = airbyte.get_source("source-parley", local_executable=given["source"], config=config, streams="*")
    source.check()
    cache_path = folder / f"{name}.duckdb"
    cache = airbyte.caches.DuckDBCache(db_path=str(cache_path), schema_name="main")
    source.read(cache=cache)
    second = source.read(cache=cache)
    assert second.processed_records == 0, f"{name}: {second.processed_records} records in a second read"
    del cache

    # The cache keeps its file open.
    for suffix in ("", ".wal"):
        if pathlib.Path(f"{cache_path}{suffix}").exists():
            shutil.copy(f"{cache_path}{suffix}", folder / f"copy-of-{name}.duckdb{suffix}")
    held = duckdb.connect(str(folder / f"copy-of-{name}.duckdb"))
    for stream in streams:
        own = [
            column
            for column in columns(held, stream)
            if column not in copied and not (column in ("connection", "provider") and stream in ("messages", "status_history"))
        ]
        if stream == "status_history":
            own = [column for column in own if column != "observed_at"]
        if stream != "status_history":
            own = ["id", *own]
        key = "conversation_id" if stream in ("messages", "status_history") else "id"
        there = rows(held, stream, own)
        here = rows(mirror, stream, own, f"WHERE {key} >= '{name}:' AND {key} < '{name};'")
        assert there == here, f"{name}.{stream}: {[pair for pair in zip(there, here) if pair[0] != pair[1]][:1]}, {len(there)}, {len(here)}"
    held.close()

    # The same accounts the other way: what they hold already is asked for, so that nothing changes.
    destination = {key: value for key, value in config.items() if key != "checkpoint_seconds"}
    path.write_text(json.dumps(destination))
    assert messages(given["destination"], "spec")[0]["type"] == "SPEC"
    assert messages(given["destination"], "check", "--config", str(path))[0]["connectionStatus"]["status"] == "SUCCEEDED"
    messages(given["destination"], "discover", "--config", str(path))
    configured.write_text(
        json.dumps(
            {"streams": [{"stream": catalog["streams"][1], "sync_mode": "incremental", "destination_sync_mode": "append"}]}
        )
    )
    state = {"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "conversations"}, "stream_state": {"n": 1}}}}
    sent = [{"type": "RECORD", "record": {"stream": "conversations", "data": row, "emitted_at": 1}} for row in wanted[:5]]
    back = messages(
        given["destination"], "write", "--config", str(path), "--catalog", str(configured),
        stdin="".join(json.dumps(message) + "\n" for message in [*sent, state]),
    )
    stats = [message["state"]["destinationStats"] for message in back if message["type"] == "STATE"]
    assert len(stats) == 1 and stats[0]["recordCount"] + stats[0]["rejectedRecordCount"] == len(sent), stats

version = re.sub(r"\s", "", airbyte.get_version() if hasattr(airbyte, "get_version") else "")
print(f"PyAirbyte {version}: tables equal the mirror, second reads empty; {lines} lines valid by the published models")
