"""A list of devices from a file: what would become of each row first, then the press that does it."""

from __future__ import annotations

import hashlib
from collections import Counter
from html import escape
from typing import NamedTuple

import streamlit as st

from dashboard import live, registry, table
from dashboard.address import choose
from dashboard.client import ApiRefusedError, Json
from dashboard.facts import plain
from dashboard.language import _, moment, ngettext, number, parse_moment
from dashboard.palette import BAD, CAREFUL, FAINT, GOOD, GRID, INK
from dashboard.registry_words import field, result, value
from dashboard.table import Column

CSV_TYPE = "text/csv"
EXCEL_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEGABYTES_MAX = 20
ROWS_SHOWN = 40
ALL, NONE = "all", "none"
GAP = '<div style="height:.7rem"></div>'
# A sign and a colour for each result; the sign alone is enough.
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
                _("This file cannot be used: {reason}").format(reason=plain(refused.detail)),
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
    counts = " · ".join(
        f"{sign} {result(code)} **{number(told[code])}**"
        for code, (sign, _colour) in sorted(LOOKS.items(), key=lambda look: look[0] == "refused")
        if told[code]
    )
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
    rows: list[Json] = told["rows"]
    if not rows:
        return
    counts = Counter(row["result"] for row in rows)
    names = {ALL: _("All {n}").format(n=number(len(rows)))}
    names |= {
        code: f"{sign} {result(code)} {number(counts[code])}"
        for code, (sign, _colour) in LOOKS.items()
        if counts[code]
    }
    wanted = st.pills(
        _("Result"),
        list(names),
        format_func=names.__getitem__,
        default="refused" if counts["refused"] else ALL,
        required=True,
        key=f"rows:{told['written']}:{bool(counts['refused'])}",
    )
    listed = [row for row in rows if wanted in (ALL, None, row["result"])]
    st.markdown("".join(_row(row) for row in listed[:ROWS_SHOWN]) + GAP, unsafe_allow_html=True)
    if len(listed) > ROWS_SHOWN:
        st.caption(
            _("The first {shown} of {all}. The table below holds all.").format(
                shown=number(ROWS_SHOWN), all=number(len(listed))
            )
        )
    table.beside(
        "device-list",
        [
            {
                "row": str(row["row"]),
                "device": row["device"],
                "result": result(row["result"]),
                "said": "; ".join([*map(problem, row["problems"]), *map(change, row["changes"])]),
            }
            for row in listed
        ],
        [
            Column("row", _("Row")),
            Column("device", _("Device")),
            Column("result", _("Result")),
            Column("said", _("What and why")),
        ],
    )


def _row(row: Json) -> str:
    sign, colour = LOOKS.get(row["result"], LOOKS["unchanged"])
    lines = [*map(problem, row["problems"]), *map(change, row["changes"])]
    said = "".join(f"<div>{escape(line)}</div>" for line in lines)
    place = _("row {n}").format(n=row["row"])
    return (
        f'<div style="display:flex;gap:.7rem;padding:.45rem 0;border-bottom:1px solid {GRID}">'
        f'<div style="color:{colour};font-size:1.1rem;line-height:1.3;width:1.2rem;flex:none;text-align:center">'
        f'{sign}</div><div style="min-width:0;overflow-wrap:anywhere"><div style="color:{INK}">'
        f'<b>{escape(row["device"] or "–")}</b> <span style="color:{FAINT};font-size:.85rem">{escape(place)}</span> '
        f'<span style="color:{colour};font-size:.9rem">{escape(result(row["result"]))}</span></div>'
        f'<div style="color:{FAINT};font-size:.9rem">{said}</div></div></div>'
    )


def problem(told: Json) -> str:
    """Why a row is refused: the column, what stands there, and the API's own remedy."""
    place = "" if told["column"] is None else told["column"]
    what = f" “{told['value']}”" if told["value"] else ""
    return f"{place}{what} {told['remedy']}".strip()


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
