"""Starts the dashboard: Streamlit serves the pages, in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from nyttig.settings import Settings

MAIN_SCRIPT = Path(__file__).with_name("app.py")


def command(settings: Settings, host: str, port: int) -> list[str]:
    """The command line that serves the dashboard on `host`:`port`; start it with `environment(settings)`.

    Looks and behaviour stand in .streamlit/config.toml beside the script, which Streamlit reads from any
    working directory; what must hold even against a user's own configuration stands here.
    """
    options = {
        "server.headless": "true",
        "server.address": host,
        "server.port": str(port),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "runner.magicEnabled": "false",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(MAIN_SCRIPT), *flags]


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the API's address in it, which is all that the pages need."""
    return {**os.environ, "NYTTIG_API_URL": settings.api_url}


def run(settings: Settings, host: str, port: int) -> NoReturn:
    """This process has become Streamlit, which serves the dashboard until it is told to stop.

    It takes this process's place, so that a signal to `nyttig dashboard` reaches it and nothing is left behind.
    """
    sys.stdout.flush()
    os.execve(sys.executable, command(settings, host, port), environment(settings))  # noqa: S606 - no shell
