"""`nyttig register` and `nyttig labels`: a coordinator's list in, labels out, and an exit code that says whether it went."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from conftest import Database
from packages import one_home

from nyttig.cli import main
from nyttig.package.technologies import builtin_technologies
from nyttig.store import db, registry


def nyttig(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    return (code, *capsys.readouterr())


@pytest.fixture
def registered_trial(embedded_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NYTTIG_DASHBOARD_URL", raising=False)
    for name, value in embedded_database.environment.items():
        monkeypatch.setenv(name, value)
    with db.connect(embedded_database.conninfo) as session:
        registry.save(session, one_home("medicine_dispenser", homes=2), builtin_technologies())


@pytest.mark.usefixtures("registered_trial")
def test_the_command_tries_registers_and_labels_the_devices_of_a_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "devices.xlsx"
    code, out, _ = nyttig(capsys, "register", "--template", listed)
    assert (code, "nyttig register" in out) == (0, True)
    book = openpyxl.load_workbook(listed)
    book["devices"].append(["d9", "Medisindispenser"])
    book["devices"].append(["d1", None, None, None, 30])
    book.save(listed)

    code, out, _ = nyttig(capsys, "register", listed, "--trial", "trial", "--dry-run")
    assert (code, out.splitlines()[-1]) == (
        0,
        "devices.xlsx, a dry run: 1 added, 1 changed, 0 unchanged, 0 refused; nothing was written",
    )
    assert "heartbeat_minutes 60.0 → 30.0" in out
    code, out, _ = nyttig(capsys, "register", listed, "--trial", "trial", "--json")
    assert (code, json.loads(out)["written"]) == (0, True)

    code, out, said = nyttig(capsys, "labels", "--trial", "trial", "--to", tmp_path / "labels.pdf")
    assert (code, out) == (0, f"3 labels in {tmp_path / 'labels.pdf'}\n")
    assert "set NYTTIG_DASHBOARD_URL" in said
    assert (tmp_path / "labels.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("registered_trial")
def test_a_list_with_a_bad_row_ends_with_1_unless_it_is_to_be_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "devices.csv"
    listed.write_text("device,power\nd1,battery\nd2,solar\n")
    code, out, _ = nyttig(capsys, "register", listed)
    assert code == 1
    assert "refused: power 'solar' is not one of: battery, mains" in out
    assert "nothing was written" in out
    code, out, _ = nyttig(capsys, "register", listed, "--skip-bad")
    assert (code, out.splitlines()[-1]) == (0, "devices.csv: 0 added, 1 changed, 0 unchanged, 1 refused")
    code, _, said = nyttig(capsys, "register", tmp_path / "none.csv")
    assert (code, "cannot be read: No such file" in said) == (1, True)
