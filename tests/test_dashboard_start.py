"""The dashboard starts from anywhere, and its folder on the module path hides nobody's package."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path

from conftest import free_port

import dashboard

FOLDER = Path(dashboard.__file__).parent


def test_no_file_of_the_dashboard_carries_a_packages_name() -> None:
    ours = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    taken = set(sys.stdlib_module_names) | set(packages_distributions())
    assert not (ours - {"__init__"}) & taken


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`nyttig dashboard`, as the demo starts it, from another folder than its own."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "nyttig.cli", "--while-stdin-open", "dashboard", "--port", str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=folder, env=dict(os.environ),
    )  # fmt: skip
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def answers(port: int, *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def test_it_starts_from_any_folder_and_ends_with_whoever_started_it(tmp_path: Path) -> None:
    with started(tmp_path) as (process, port):
        assert answers(port, within_seconds=40)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
    assert not answers(port, within_seconds=0.5)


def test_it_ends_in_order_when_it_is_told_to(tmp_path: Path) -> None:
    with started(tmp_path) as (process, port):
        assert answers(port, within_seconds=40)
        process.terminate()
        process.wait(20)
        assert process.returncode in (0, -15)
