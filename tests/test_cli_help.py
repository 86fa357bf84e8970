"""The command line explains itself: every command, with an example that works, and wrong usage named as such."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys

import pytest

from nyttig.arguments import parser
from nyttig.cli import COMMANDS, main

NAMES = (
    "demo", "migrate", "ingest", "api", "dashboard", "simulate", "replay", "load", "report", "export", "devices",
    "quarantine", "verify", "settings",
)  # fmt: skip


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    found: dict[str, argparse.ArgumentParser] = action.choices
    return found


def test_every_command_of_the_contract_is_there_and_does_something() -> None:
    assert set(NAMES) <= COMMANDS.keys() == subparsers().keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_says_what_it_does_and_gives_an_example_that_is_right(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    said = capsys.readouterr().out
    assert said.startswith(f"usage: nyttig {name} ")
    (example,) = re.findall(rf"^  nyttig ({name}.*)$", said, re.MULTILINE)
    assert parser().parse_args(shlex.split(example)).command == name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_says_what_it_is_for(name: str) -> None:
    bare = {"folder", "trial", "--trial", "--status", "--port"}  # their names say it
    for action in subparsers()[name]._actions:
        assert action.help or action.choices or {action.dest, *action.option_strings} & bare, action


def test_the_help_of_the_whole_lists_every_command_and_no_inner_matters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(re.search(rf"^    {name}\b", said, re.MULTILINE) for name in COMMANDS)
    assert "stdin" not in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "COMMAND"),
        (["raport"], "'raport'"),
        (["report"], "trial"),
        (["report", "a", "--as-off", "x"], "--as-off"),
        (["devices", "--status", "broken"], "'broken'"),
        (["demo", "--homes", "many"], "--homes: 'many' is not a whole number from 1 up"),
        (["demo", "--homes", "0"], "'0' is not a whole number from 1 up"),
        (["demo", "--days", "-3"], "'-3' is not a whole number"),
        (["api", "--port", "70000"], "'70000' is not a port, 1 to 65535"),
        (["api", "--port", "http"], "'http' is not a port, 1 to 65535"),
        (["replay", "a", "--speed", "0"], "'0' is not a number above 0"),
        (["replay", "a", "--speed", "nan"], "'nan' is not a number above 0"),
        (["simulate", "a", "--speed", "inf"], "'inf' is not a number above 0"),
        (["export", "a"], "--to"),
    ],
)
def test_wrong_usage_is_named_on_stderr_and_ends_with_2(
    wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    streams = capsys.readouterr()
    assert streams.out == ""
    assert said in streams.err


def test_whoever_stops_reading_has_seen_enough() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "nyttig.cli", "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")


def test_help_needs_none_of_the_heavy_libraries() -> None:
    heavy = "{'pandas', 'psycopg', 'fastapi', 'streamlit', 'paho', 'pyarrow', 'scipy'}"
    code = f"import sys, nyttig.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
