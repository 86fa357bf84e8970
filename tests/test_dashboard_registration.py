"""A coordinator keeps the registry: lists, places, swaps, labels, and who changed what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import httpx
import pytest
from conftest import Database, DatabaseServer
from registering import DOOR, answering, found, new_devices, open_page, pick, press, registered, words
from sample_api import full
from sample_api import serving as serving_sample
from serving import serving
from streamlit.testing.v1 import AppTest

from dashboard import language, when
from dashboard.registry_words import retire_reason
from dashboard.sections import history
from nyttig.model import RetireReason

PAGE = "registry"
LIST = """\
enhet;teknologi;dialekt;adresse;hjem;plassert;merknad
md-3;Medisindispenser;zigbee2mqtt;0x3;h1;2026-11-20 09:30;stue
md-4;Medisindispenser;zigbee2mqtt;;;;
d1;;;;h9;2026-11-20T09:30+01:00;
d2;;;;;;
"""


@pytest.fixture
def database(embedded_server: DatabaseServer) -> Iterator[Database]:
    with new_devices(embedded_server) as filled:
        yield filled


@pytest.fixture(scope="module")
def served(embedded_server: DatabaseServer) -> Iterator[str]:
    """The address of an API whose registry no test changes."""
    with new_devices(embedded_server) as filled, serving(filled.conninfo) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def unchanged(served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """That API, as the pages find it."""
    with found(served, monkeypatch) as url:
        yield url


@pytest.fixture
def api(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with answering(database, monkeypatch) as client:
        yield client


def do(app: AppTest, what: str) -> AppTest:
    """The page with the form for one change of a device."""
    return pick(app, "What to do", what)


def hand_over(content: str, name: str = "list.csv") -> AppTest:
    """The page after a list was handed over."""
    app = open_page(PAGE, do="list")
    app.file_uploader[0].set_value((name, content.encode(), "text/csv")).run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("lang", "tasks", "said"),
    [
        ("en", "Task", "2 devices are registered"),
        ("nb", "Oppgave", "2 enheter er registrert"),
        ("da", "Opgave", "2 enheder er registreret"),
    ],
)
def test_every_task_opens_in_every_language(unchanged: str, lang: str, tasks: str, said: str) -> None:
    app = open_page(PAGE, lang=lang)
    assert said in words(app)
    for task in ("list", "labels", "history"):
        pick(app, tasks, task)
        assert app.query_params["do"] in (task, [task])


def test_an_api_that_cannot_answer_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = full()
    sample.problem = (503, "the database at 127.0.0.1:5432 does not answer")
    with serving_sample(sample), found(sample.url, monkeypatch):
        app = open_page(PAGE)
        assert "cannot answer now: the database" in words(app)
        assert "cannot answer now: the database" in words(pick(app, "Task", "list"))


def test_an_empty_registry_says_what_to_do(
    embedded_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_server.fresh_database() as empty, answering(empty, monkeypatch):
        assert "Accept a new device, or hand over a list of devices." in words(open_page(PAGE))
        assert "There is no device to label here." in words(open_page(PAGE, do="labels"))
        assert "Nothing has been registered yet" in words(open_page(PAGE, do="history"))


def test_a_list_is_tried_out_first_and_each_row_told_with_value_place_and_remedy(unchanged: str) -> None:
    page = words(hand_over(LIST))
    assert "Tried out, nothing entered yet: + New **1** · = Unchanged **1** · ✕ Refused **2**" in page
    assert "address is empty, and the device is new" in page
    assert "home “h9” is no home; homes come with a trial's package (homes.csv)" in page
    assert "row 3" in page
    assert "Columns that are left alone: merknad" in page
    assert "md-3" not in httpx.get(f"{unchanged}/v1/registry/devices").text


def test_the_rows_that_are_right_are_entered_with_one_press_and_once(api: httpx.Client) -> None:
    app = press(hand_over(LIST), "Enter 1 device, leave the refused ones out")
    assert "Entered. + New **1**" in words(app)
    assert registered(api)["md-3"]["home"] == "h1"
    assert not [button for button in app.button if button.label.startswith("Enter")]
    assert len(api.get("/v1/devices/md-3/history").json()["entries"]) == 1
    again = words(hand_over("device\nmd-3\nd2\n"))
    assert "Everything in this list is registered already." in again


def test_a_file_that_is_no_list_is_refused_with_the_reason(unchanged: str) -> None:
    page = words(hand_over("room;person\nhall;nobody\n"))
    assert "This file cannot be used: list.csv, row 1: no column says which device it is" in page


def test_an_empty_list_to_start_from_is_at_hand(unchanged: str) -> None:
    labels = [button.label for button in open_page(PAGE, do="list").get("download_button")]
    assert labels == ["Empty list (Excel)", "Empty list (CSV)"]


def test_a_device_is_moved_removed_and_placed_again(api: httpx.Client) -> None:
    app = open_page(PAGE, device="d1")
    assert "Stands at **h1** (Bydel Alna) since 31 Aug 2026, 22:00." in words(app)
    press(do(app, "move"), "Move it there")
    assert "Not entered: choose a home first." in words(app)
    press(pick(app, "Home", "h2"), "Move it there")
    assert "d1 stands at h2, and no longer at h1." in words(app)
    press(do(app, "remove"), "Remove it from h2")
    assert registered(api)["d1"]["home"] is None
    do(app, "place")
    pick(app, "When", when.EARLIER)
    pick(app, "Home", "h1")
    pick(app, "Day and time (Europe/Oslo)", datetime(2026, 9, 1, 8, 30))  # noqa: DTZ001  as a clock on the wall shows it
    press(app, "Place it there")
    assert "“d1” stands at h1 from 2026-08-31 22:00 UTC to" in words(app), (
        "it cannot stand in two places at once"
    )
    assert registered(api)["d1"]["home"] is None
    press(pick(app, "When", when.NOW), "Place it there")
    assert "d1 stands at h1." in words(app)
    assert [each["action"] for each in api.get("/v1/devices/d1/history").json()["entries"]][:3] == [
        "placed", "removed", "moved",
    ]  # fmt: skip


def test_a_device_swapped_for_a_new_one_leaves_the_home_its_figures(api: httpx.Client) -> None:
    app = do(open_page(PAGE, device="d1"), "swap")
    assert "What stays the same: the home h1, the trials and roles, and the home’s figures" in words(app)
    pick(app, "What takes its place", f"zigbee2mqtt {DOOR}")
    assert [field.value for field in app.text_input] == ["d1-2"]
    press(app, "Swap now")
    assert "choose what becomes of the old one first." in words(app)
    press(pick(app, "What becomes of the old one", "broken"), "Swap now")
    assert "d1-2 stands at h1 in place of d1." in words(app)
    now = registered(api)
    assert (now["d1-2"]["home"], now["d1-2"]["address"], now["d1-2"]["roles"]) == (
        "h1",
        DOOR,
        {"trial": "primary"},
    )
    assert (now["d1"]["home"], now["d1"]["retired_because"]) == (None, "broken")


def test_a_device_is_retired_for_a_reason_and_taken_into_service_again(api: httpx.Client) -> None:
    app = press(do(open_page(PAGE, device="d2"), "retire"), "Retire it")
    assert "Not entered: choose why first." in words(app)
    press(pick(app, "Why", "lost"), "Retire it")
    assert "d2 is out of service." in words(app)
    assert ": lost." in words(app)
    press(app, "Take it into service again")
    assert registered(api)["d2"]["retired_at"] is None


def test_a_device_that_is_not_there_is_said_and_all_that_are_counted(unchanged: str) -> None:
    page = words(open_page(PAGE, device="gone"))
    assert "There is no device called gone." in page
    assert "2 devices are registered: 2 in homes, 0 nowhere, 0 retired." in page


def test_labels_of_the_devices_chosen_come_as_one_pdf(unchanged: str) -> None:
    app = open_page(PAGE, do="labels")
    assert "which a phone cannot open" in words(app), "the codes lead to this machine alone"
    pick(app, "Only these devices", ["d2"])
    press(app, "Make 1 label")
    assert "Download 1 label (PDF)" in [button.label for button in app.get("download_button")]
    pick(app, "Only these devices", ["d1", "d2"])
    assert "Make 2 labels" in [button.label for button in app.button], "an older sheet is not offered"


def test_the_history_tells_who_changed_what_in_words(api: httpx.Client) -> None:
    api.post("/v1/devices/d1/move", json={"home": "h2", "at": "2026-11-01T08:00:00Z"}).raise_for_status()
    page = words(open_page(PAGE, do="history", **{"of-what": "devices/d1"}))
    assert "somebody on this machine" in page
    assert "moved from h1 to h2 on 1 Nov 2026, 08:00" in page
    trial = words(open_page(PAGE, do="history", **{"of-what": "trials/trial"}))
    assert "devices 2" in trial
    assert trial.index("moved from") < trial.index("rows added"), "the newest stands first"


def entry(action: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """A change as the API tells it."""
    return {"action": action, "before": before, "after": after}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            entry("swapped_out", {"home": "h1"}, {"removed_at": "2026-11-01T08:00:00+00:00", "replaced_by": "d3"}),
            "replaced by d3 at h1 on 1 Nov 2026, 08:00",
        ),
        (
            entry("swapped_in", {"roles": {}}, {"home": "h1", "placed_at": "2026-11-01T08:00:00+00:00", "replaces": "d1"}),
            "took the place of d1 at h1 on 1 Nov 2026, 08:00",
        ),
        (
            entry("retired", {}, {"retired_at": "2026-11-01T08:00:00+00:00", "retired_because": "lost"}),
            "retired on 1 Nov 2026, 08:00: lost",
        ),
        (entry("moonwalked", None, None), "moonwalked"),
    ],
)  # fmt: skip
def test_each_change_is_told_in_a_sentence(told: dict[str, Any], sentence: str) -> None:
    assert history.what(told) == sentence


def test_what_a_correction_changed_is_told_before_and_after() -> None:
    told = entry(
        "corrected",
        {"home": "h1", "placed_at": None},
        {"home": "h2", "placed_at": "2026-11-01T08:00:00+00:00"},
    )
    assert history.details(told) == ["home: h1 → h2", "stands there from: 1 Nov 2026, 08:00"]


@pytest.mark.parametrize("code", ["nb", "da"])
def test_every_reason_for_retiring_has_words_in_every_language(code: str) -> None:
    english = {reason: retire_reason(reason) for reason in get_args(RetireReason)}
    assert all(language.language(code).translations.gettext(words) != words for words in english.values())


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-11-22T09:30", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)),
        ("2026-07-01T09:30", datetime(2026, 7, 1, 7, 30, tzinfo=UTC)),
        ("2026-03-29T02:30", None),
        ("2026-10-25T02:30", None),
        ("2026-10-25T03:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
)
def test_a_time_that_clocks_skip_or_show_twice_is_no_time(told: str, at: datetime | None) -> None:
    found = when.moment_at(datetime.fromisoformat(told), ZoneInfo("Europe/Oslo"))
    assert isinstance(found, when.NoMomentError) if at is None else found == at
