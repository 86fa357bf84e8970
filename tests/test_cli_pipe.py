"""What commands say as processes of their own, whose output nobody watches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Database, free_port

from nyttig.embedded.broker import EmbeddedBroker
from nyttig.store import db


def piped(*arguments: str | Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nyttig.cli", *map(str, arguments)]
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", [("ingest",), ("api",)])
def test_a_daemon_refuses_a_stale_schema_and_says_what_to_run(
    embedded_database: Database, words: tuple[str, ...]
) -> None:
    with db.connect(embedded_database.conninfo) as connection:
        connection.execute("DELETE FROM schema_steps")
    if words == ("api",):
        words = ("api", "--port", str(free_port()))
    done = piped(*words, environment=embedded_database.environment)
    assert done.returncode == 1
    assert done.stderr.endswith("run `nyttig migrate`\n")


def test_long_work_says_nothing_of_its_progress_in_a_pipe(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    recording = tmp_path / "messages.jsonl"
    line = {"topic": "wt/v1/alna/h/d/event", "payload": "{}"}
    recording.write_text(f"{json.dumps(line)}\n" * 3)
    environment = {"NYTTIG_MQTT_URL": embedded_broker.url}
    done = piped("replay", recording, environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "3 messages published, 0 lines without a topic to send to skipped\n"


@pytest.mark.parametrize("words", [("replay", "nowhere.jsonl"), ("simulate", "nowhere")])
def test_without_a_broker_or_a_file_the_simulators_say_which(tmp_path: Path, words: tuple[str, str]) -> None:
    environment = {"NYTTIG_MQTT_URL": f"mqtt://127.0.0.1:{free_port()}"}
    done = piped(words[0], tmp_path / words[1], environment=environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nyttig: ")
    assert "Traceback" not in done.stderr
