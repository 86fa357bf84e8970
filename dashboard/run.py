"""Starts the dashboard: Streamlit serves the pages, in this very process."""

from __future__ import annotations

import os
from pathlib import Path

from streamlit.web import cli as streamlit

from nyttig.settings import Settings

MAIN_SCRIPT = Path(__file__).with_name("app.py")


def options(host: str, port: int) -> list[str]:
    """What Streamlit is told for serving on `host`:`port`.

    Looks and behaviour stand in .streamlit/config.toml beside the script, which Streamlit reads from any
    working directory; what must hold even against a user's own configuration stands here.
    """
    values = {
        "server.headless": "true",
        "server.address": host,
        "server.port": str(port),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "logger.level": "warning",
        "runner.magicEnabled": "false",
    }
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def run(settings: Settings, host: str, port: int) -> None:
    """The dashboard is served until this process is told to stop; its pages find the API through the environment."""
    os.environ["NYTTIG_API_URL"] = settings.api_url
    streamlit.main(["run", str(MAIN_SCRIPT), *options(host, port)], prog_name="nyttig", standalone_mode=False)
