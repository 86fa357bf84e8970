"""A list of devices from a file: what would become of each row first, then the press that does it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import streamlit as st

from dashboard import live, refusals, registry
from dashboard.address import choose
from dashboard.client import ApiRefusedError, Json
from dashboard.facts import plain
from dashboard.language import _, moment, ngettext, number, parse_moment
from dashboard.palette import BAD, CAREFUL, FAINT, GOOD
from dashboard.registry_words import field, result, value
from dashboard.sections import row_results
from dashboard.sections.row_results import RowResult
from dashboard.wording import quoted

CSV_TYPE = "text/csv"
EXCEL_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEGABYTES_MAX = 20
NONE = "none"
LOOKS = {"refused": ("✕", BAD), "added": ("+", GOOD), "changed": ("→", CAREFUL), "unchanged": ("=", FAINT)}


class Upload(NamedTuple):
    """A file as it was handed over, and the trial of the rows that name none."""

    name: str
    content: bytes
    trial: str | None

    @property
    def content_type(self) -> str:
        """What the API is told that it is."""
        return CSV_TYPE if self.name.lower().endswith(".csv") else EXCEL_TYPE

    @property
    def key(self) -> str:
        """Under which its presses are remembered: the same list for the same trial is the same list."""
        return f"list:{hashlib.sha256(self.content).hexdigest()}:{self.trial}"


def show() -> None:
    """A list can be handed over, is tried out first, and is entered with a press."""
    st.markdown(
        _(
            "A row per device, in Excel or CSV, columns in any order. Only the device’s code must be there; an empty cell "
            "leaves what is. Nothing is entered before you have seen what would become of each row."
        )
    )
    with st.container(horizontal=True):
        for kind, label in (("xlsx", _("Empty list (Excel)")), ("csv", _("Empty list (CSV)"))):
            st.download_button(
                label,
                registry.template(kind),
                file_name=f"devices.{kind}",
                mime=EXCEL_TYPE if kind == "xlsx" else CSV_TYPE,
                icon=":material/download:",
                key=f"template:{kind}",
                on_click="ignore",
            )
    titles = {NONE: _("No trial")} | {trial["id"]: trial["title"] for trial in live.trials()}
    trial = choose(
        "list-trial",
        _("Trial of the rows that name none"),
        list(titles),
        titles.__getitem__,
        st.selectbox,
        default=NONE,
    )
    file = st.file_uploader(
        _("List of devices"), type=["xlsx", "csv"], max_upload_size=MEGABYTES_MAX, key="list"
    )
    if file is None:
        return
    upload = Upload(file.name, file.getvalue(), None if trial == NONE else trial)
    done = registry.answer_of(upload.key)
    if done is not None and done["written"]:
        _say_counts(done)
        _rows(done)
        return
    tried = _tried(upload)
    if tried is None:
        return
    _say_counts(tried)
    registry.say_refusal(upload.key)
    _offer(upload, tried)
    _rows(tried)


def _tried(upload: Upload) -> Json | None:
    """What would become of each row; asked once a file and trial, until something is entered."""
    kept: dict[str, Json] = st.session_state.setdefault("tried", {})
    key = f"{upload.key}:{registry.turn(upload.key)}"
    if key not in kept:
        try:
            answer = live.client().register(
                upload.content, upload.content_type, trial=upload.trial, dry_run=True
            )
        except ApiRefusedError as refused:
            st.error(
                _("This file cannot be used: {reason}").format(reason=plain(refusals.reason(refused))),
                icon=":material/block:",
            )
            return None
        kept.clear()
        kept[key] = answer
    return kept[key]


def _offer(upload: Upload, tried: Json) -> None:
    """The button that does what was tried out."""
    good = tried["added"] + tried["changed"]
    key = f"{upload.key}:{registry.turn(upload.key)}:enter"
    if tried["refused"]:
        st.markdown(
            _(
                "Correct the refused rows in your file and hand it over again. Or enter the others without them:"
            )
            if good
            else _("Correct the rows in your file and hand it over again.")
        )
    elif not good:
        st.info(_("Everything in this list is registered already. There is nothing to enter."))
    if not good:
        return
    pressed = st.button(
        ngettext("Enter {n} device", "Enter {n} devices", good)
        if not tried["refused"]
        else ngettext(
            "Enter {n} device, leave the refused ones out",
            "Enter {n} devices, leave the refused ones out",
            good,
        ),
        type="secondary" if tried["refused"] else "primary",
        icon=":material/check:",
        key=key,
    )
    if pressed:
        registry.press(upload.key, lambda: _entered(upload, skip_bad=bool(tried["refused"])))


def _entered(upload: Upload, *, skip_bad: bool) -> Json:
    return live.client().register(
        upload.content, upload.content_type, trial=upload.trial, dry_run=False, skip_bad=skip_bad
    )


def _say_counts(told: Json) -> None:
    counts = row_results.counts(told, LOOKS, result, last="refused")
    if told["written"]:
        st.success(_("Entered. {counts}").format(counts=counts), icon=":material/check_circle:")
    else:
        st.markdown(_("Tried out, nothing entered yet: {counts}").format(counts=counts or _("no rows")))
    if told["ignored_columns"]:
        st.caption(
            _("Columns that are left alone: {columns}").format(
                columns=plain(", ".join(told["ignored_columns"]))
            )
        )


def _rows(told: Json) -> None:
    row_results.show(
        "device-list",
        [
            RowResult(
                row["row"],
                row["device"],
                row["result"],
                [*map(problem, row["problems"]), *map(change, row["changes"])],
            )
            for row in told["rows"]
        ],
        LOOKS,
        result,
        about=_("Device"),
        first="refused",
        key=str(told["written"]),
    )


def problem(told: Json) -> str:
    """Why a row is refused: the column, what stands there, and what to do about it."""
    place = "" if told["column"] is None else told["column"]
    what = f" {quoted(told['value'])}" if told["value"] else ""
    return f"{place}{what} {refusals.remedy(told)}".strip()


def change(told: Json) -> str:
    """One thing that a row changes, from what to what."""
    before, after = _worded(told["field"], told["before"]), _worded(told["field"], told["after"])
    return (
        f"{field(told['field'])}: {after}"
        if told["before"] is None
        else f"{field(told['field'])}: {before} → {after}"
    )


def _worded(name: str, told: str | float | None) -> str:
    if told is None:
        return "–"
    if isinstance(told, (int, float)):
        return number(told, 2)
    if name.endswith("_at"):
        return moment(parse_moment(told), st.context.timezone)
    if name == "technology":
        return registry.technology_titles().get(told, told)
    return value(told)
