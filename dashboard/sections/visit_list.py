"""The visit log of a care system: what would become of each row first, then the press that counts them."""

from __future__ import annotations

import csv
import io

import streamlit as st

from dashboard import live, refusals, registry
from dashboard.client import ApiRefusedError, Json
from dashboard.facts import plain
from dashboard.language import _, day, ngettext, number, parse_day
from dashboard.palette import BAD, CAREFUL, FAINT, GOOD
from dashboard.sections import row_results, visit_columns, visit_imports
from dashboard.sections.device_list import MEGABYTES_MAX, Upload, problem
from dashboard.sections.row_results import RowResult
from dashboard.visit_words import column, meaning, result

LOOKS = {
    "counted": ("+", GOOD),
    "refused": ("✕", BAD),
    "outside": ("↔", CAREFUL),
    "double": ("=", FAINT),
}
HOMES_NAMED = 12


def show(trial_id: str) -> None:
    """A list of visits can be handed over, is tried out first, and counts with a press; those before are beneath."""
    st.markdown(
        _(
            "The visit log as the care system exports it, in Excel or CSV, a row per visit. Homes go by the trial’s codes, "
            "never by names. Nothing counts before you have seen what would become of each row, and rows that do not "
            "count are not kept."
        )
    )
    file = st.file_uploader(
        _("List of visits"), type=["xlsx", "csv"], max_upload_size=MEGABYTES_MAX, key=f"visits:{trial_id}"
    )
    if file is not None:
        _list(trial_id, Upload(file.name, file.getvalue(), trial_id))
    visit_imports.show(trial_id)


def _list(trial_id: str, upload: Upload) -> None:
    key = f"visits:{upload.key}"
    done = registry.answer_of(key)
    standing = {each["id"] for each in live.visit_imports(trial_id) if each["withdrawn_at"] is None}
    if done is not None and done["import_id"] in standing:
        st.success(
            ngettext("{n} visit counts now.", "{n} visits count now.", done["counted"]),
            icon=":material/check_circle:",
        )
        _left_out(upload, key, done)
        _rows(trial_id, done)
        return
    tried = _tried(trial_id, upload, key)
    if tried is None:
        return
    visit_columns.form(key, tried)
    if tried["missing"]:
        names = ", ".join(column(code) for code in tried["missing"])
        st.info(_("Choose the columns first: {names}").format(names=names))
        return
    counts = row_results.counts(tried, LOOKS, result, last="refused")
    st.markdown(_("Tried out, nothing entered yet: {counts}").format(counts=counts or _("no rows")))
    _spans(tried)
    _unknown_homes(tried)
    registry.say_refusal(key)
    _offer(trial_id, upload, key, tried)
    _rows(trial_id, tried)


def _tried(trial_id: str, upload: Upload, key: str) -> Json | None:
    """What would become of each row; asked once for each way of reading the file, until something is entered."""
    kept: dict[str, Json] = st.session_state.setdefault("tried-visits", {})
    asked = visit_columns.asked(key)
    imports = [(each["id"], each["withdrawn_at"]) for each in live.visit_imports(trial_id)]
    name = f"{key}:{registry.turn(key)}:{imports}:{sorted(asked.items())}"
    if name not in kept:
        try:
            answer = live.client().bring_in_visits(
                trial_id, upload.content, upload.content_type, dry_run=True, asked=asked
            )
        except ApiRefusedError as refused:
            st.error(
                _("This file cannot be used: {reason}").format(reason=plain(refusals.reason(refused))),
                icon=":material/block:",
            )
            return None
        kept.clear()
        kept[name] = answer
    return kept[name]


def _spans(told: Json) -> None:
    """Which days of each period the list covers; days that are missing would count as days without a visit."""
    of = told["registration_days"]
    for span in told["periods"]:
        first, last = parse_day(span["first_day"]), parse_day(span["last_day"])
        assert first is not None
        assert last is not None
        st.markdown(
            _("**{period}**: {visits} at {homes}, {first} to {last}").format(
                period=meaning(span["period"]).capitalize(),
                visits=ngettext("{n} visit", "{n} visits", span["rows"]),
                homes=ngettext("{n} home", "{n} homes", span["homes"]),
                first=day(first),
                last=day(last),
            )
        )
        days = (last - first).days + 1
        if days < of:
            st.caption(
                _(
                    "That is {days} of the {of} days of a registration. Days that are missing from the list count as days "
                    "without a visit: hand over the whole period."
                ).format(days=number(days), of=number(of))
            )
    if told["new_work"]:
        st.markdown(
            ngettext(
                "{n} of the visits is work that the technology brought.",
                "{n} of the visits are work that the technology brought.",
                told["new_work"],
            )
        )


def _unknown_homes(told: Json) -> None:
    unknown = told["unknown_homes"]
    if not unknown:
        return
    named = []
    for each in unknown[:HOMES_NAMED]:
        notes = [ngettext("{n} row", "{n} rows", each["rows"])]
        if each["closest"] is not None:
            notes.append(_("perhaps {home}").format(home=plain(each["closest"])))
        named.append(f"**{plain(each['value'])}** ({', '.join(notes)})")
    if len(unknown) > HOMES_NAMED:
        named.append(_("and {n} more").format(n=number(len(unknown) - HOMES_NAMED)))
    st.warning(
        _("These are no homes of the trial: {homes}").format(homes=", ".join(named)),
        icon=":material/home_pin:",
    )


def _offer(trial_id: str, upload: Upload, key: str, tried: Json) -> None:
    """The rows that would not count, to take along, and the button that does what was tried out."""
    _left_out(upload, key, tried)
    good = tried["counted"]
    if not good:
        if not tried["refused"]:
            st.info(_("Every visit of this list counts already, or lies outside the registration."))
        return
    if tried["refused"]:
        st.markdown(
            _(
                "Correct the refused rows in your file and hand it over again. Or enter the others without them:"
            )
        )
    pressed = st.button(
        ngettext("Count {n} visit", "Count {n} visits", good)
        if not tried["refused"]
        else ngettext(
            "Count {n} visit, leave the refused rows out",
            "Count {n} visits, leave the refused rows out",
            good,
        ),
        type="secondary" if tried["refused"] else "primary",
        icon=":material/check:",
        key=f"{key}:{registry.turn(key)}:enter",
    )
    if pressed:
        registry.press(key, lambda: _entered(trial_id, upload, key, skip_bad=bool(tried["refused"])))


def _left_out(upload: Upload, key: str, told: Json) -> None:
    """The rows that do not count can be taken along with the reason: they are kept nowhere else."""
    left_out = [row for row in told["rows"] if row["cells"]]
    if left_out:
        said = _("not counted")
        st.download_button(
            _("Rows that do not count, with the reason (CSV)"),
            lambda: _as_csv(told["header"], left_out),
            file_name=f"{upload.name.rpartition('.')[0] or upload.name} – {said}.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"{key}:left-out",
            on_click="ignore",
        )


def _entered(trial_id: str, upload: Upload, key: str, *, skip_bad: bool) -> Json:
    asked = visit_columns.asked(key) | {"file": upload.name[-200:], "skip_bad": str(skip_bad).lower()}
    if system := visit_columns.system(key):
        asked["system"] = system
    answer = live.client().bring_in_visits(
        trial_id, upload.content, upload.content_type, dry_run=False, asked=asked
    )
    live.forget_trials()
    return answer


def _as_csv(header: list[str], rows: list[Json]) -> bytes:
    """The rows as they were handed over, with what became of them and why; for the spreadsheet they came from."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([*header, _("Row"), _("Result"), _("Why")])
    for row in rows:
        cells = [*row["cells"], *[""] * (len(header) - len(row["cells"]))]
        writer.writerow([*cells, row["row"], result(row["result"]), " ".join(map(problem, row["reasons"]))])
    return text.getvalue().encode("utf-8-sig")


def _rows(trial_id: str, told: Json) -> None:
    zone = live.trial(trial_id)["timezone"]
    row_results.show(
        "visits",
        [RowResult(row["row"], row["home"], row["result"], _said(row, zone)) for row in told["rows"]],
        LOOKS,
        result,
        about=_("Home"),
        first="refused",
        key=f"visits:{told['import_id']}",
    )


def _said(row: Json, zone: str) -> list[str]:
    if row["reasons"]:
        return [problem(each) for each in row["reasons"]]
    began, ended = row["started_at"], row["ended_at"]
    minutes = (visit_imports.at(ended) - visit_imports.at(began)).total_seconds() / 60
    told = [
        visit_imports.when(began, zone),
        ngettext("{n} minute", "{n} minutes", round(minutes)),
        meaning(row["kind"]),
        meaning(row["purpose"]),
        meaning(row["period"]),
    ]
    return [" · ".join(told)]
