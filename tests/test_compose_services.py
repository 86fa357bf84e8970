"""The production shape holds what it promises, as far as that shows without a Docker engine."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from nyttig import cli
from nyttig.settings import Settings

PROJECT = Path(__file__).parents[1]
COMPOSE_TEXT = (PROJECT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if service["image"].startswith("nyttig:")}
ONE_SHOT = {"migrate", "load"}  # they end when their work is done, and others wait for that
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")


def comment_on(service: str, key: str) -> str:
    """The comment beside `key` in the service's text."""
    text = re.split(rf"^  {service}:\n", COMPOSE_TEXT, flags=re.MULTILINE)[-1]
    text = re.split(r"^  ?\w", text, flags=re.MULTILINE)[0]
    found = re.search(rf"^ +{key}.*?# (.+)$", text, flags=re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_comes_back_by_itself_or_says_why_not(name: str) -> None:
    if name in ONE_SHOT:
        assert SERVICES[name]["restart"] == "no"
        assert comment_on(name, "restart")
    else:
        assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_every_lasting_service_has_a_health_check_or_says_why_not(name: str) -> None:
    if SERVICES[name]["healthcheck"].get("disable"):
        assert name in ONE_SHOT or comment_on(name, "disable")
    else:
        assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", OWN)
def test_every_service_of_ours_is_one_image_that_cannot_write_to_itself(name: str) -> None:
    service = OWN[name]
    assert service["build"] == "."
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_the_daemons_wait_for_the_migration() -> None:
    for name in ("ingest", "api", "load"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_only_the_dashboard_and_the_broker_are_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"dashboard", "mosquitto"}
    for (port,) in published.values():
        assert re.match(r"\$\{NYTTIG_\w+_ADDRESS:-127\.0\.0\.1\}:", port)
    assert COMPOSE["networks"]["inside"]["internal"] is True
    reach_out = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert reach_out == set(published) | {"notify"}  # who mails must get out, and lets nobody in


def test_every_image_is_pinned() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    images = [service["image"] for service in SERVICES.values()] + re.findall(
        r"^FROM (\S+)", dockerfile, re.M
    )
    for image in images:
        assert re.search(r":\d+\.\d+", image), image


def made_environment(folder: Path) -> dict[str, str]:
    """What deploy/make-env writes for an installation in `folder`."""
    (folder / "deploy").mkdir()
    shutil.copy(PROJECT / "deploy" / "make-env", folder / "deploy")
    subprocess.run([folder / "deploy" / "make-env"], check=True, capture_output=True)
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


SAFE_DEFAULTS = {
    "NYTTIG_MQTT_SOURCES": f":-{Settings().mqtt_sources}",
    "NYTTIG_DASHBOARD_URL": ":-http://127.0.0.1:8501",
}


def test_every_variable_is_written_by_make_env_or_has_a_safe_default(tmp_path: Path) -> None:
    written = made_environment(tmp_path)
    used = dict(VARIABLE.findall(COMPOSE_TEXT.replace("$$", "")))
    assert set(written) <= set(used)
    for name, rest in used.items():
        if name in written:
            assert rest == ":?run deploy/make-env first", f"{name} may be missing or has a default"
        else:
            assert rest == SAFE_DEFAULTS.get(name, ":-127.0.0.1"), name


def test_no_password_stands_in_the_compose_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert VARIABLE.fullmatch(value), f"{name}: {variable}"
            if "://" in value and "@" in value:
                assert VARIABLE.fullmatch(value.split("://")[1].rpartition("@")[0].partition(":")[2]), name


def test_make_env_writes_different_random_passwords_that_only_the_owner_reads(tmp_path: Path) -> None:
    passwords = made_environment(tmp_path)
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", password) for password in passwords.values())
    assert len(set(passwords.values())) == len(passwords) == 3
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_make_env_never_overwrites(tmp_path: Path) -> None:
    made_environment(tmp_path)
    before = (tmp_path / ".env").read_text()
    again = subprocess.run([tmp_path / "deploy" / "make-env"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "stays as it is" in again.stderr
    assert (tmp_path / ".env").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "deploy"]


@pytest.mark.parametrize("name", OWN)
def test_every_command_is_one_that_nyttig_has(name: str) -> None:
    cli.parser().parse_args([str(word) for word in OWN[name]["command"]])
    check = OWN[name]["healthcheck"].get("test", [])
    if check[1:2] == ["nyttig"]:
        cli.parser().parse_args(check[2:])


def test_the_demo_profile_uses_a_package_that_is_there() -> None:
    for name in ("load", "simulate"):
        assert SERVICES[name]["profiles"] == ["demo"]
        package = SERVICES[name]["command"][1]
        assert (PROJECT / "examples" / Path(package).name / "trial.toml").is_file()


def test_the_image_gets_everything_that_the_packages_read_at_run_time() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
    installed: set[Path] = set()
    for package, patterns in settings["package-data"].items():
        for pattern in patterns:
            installed.update((PROJECT / package).glob(pattern))
    needed = {
        path
        for package in ("api", "dashboard", "ingest", "nyttig", "simulators")
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".pyi", ".md", ".cfg"}
    }
    assert needed <= installed, sorted(map(str, needed - installed))
    ignored = (PROJECT / ".dockerignore").read_text().split()
    for package in {path.relative_to(PROJECT).parts[0] for path in needed}:
        assert f"!{package}" in ignored
