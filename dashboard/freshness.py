"""The line on top of every page: how old the newest data is, and whether anything comes in at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dashboard import live
from dashboard.client import ApiUnreachableError, Json
from dashboard.facts import plain
from dashboard.language import _, ago, moment, ngettext, parse_moment
from dashboard.palette import FAINT, GOOD

QUIET_AFTER_SECONDS = 2 * 3600.0
"""Devices are heard at least hourly, so two hours without one event deserve a question."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether data comes in, in the reader's words: one sentence on what is, one on what to do."""

    level: Literal["recording", "careful", "stopped"]
    what: str
    advice: str = ""


def judge(health: Json) -> Verdict:
    """The verdict on what `/v1/health/ready` says. The causes it knows are put in words; others are passed on."""
    age_seconds = health.get("last_commit_age_seconds")
    last = _last_event(health)
    ingestors = health.get("ingest") or []
    running = [one for one in ingestors if one.get("running")]
    ready = health.get("status") == "ready"
    database_answers = ready or health.get("rollup_marks_waiting") is not None
    consequence = _("Hours that are not recorded become unknown in the figures, never unused.")
    if ingestors and not running:
        heard = max((one["alive_at"] for one in ingestors if one.get("alive_at")), default=None)
        what = (
            _("Recording has stopped.")
            if heard is None
            else _("Recording has stopped. It last ran {when}.").format(
                when=moment(parse_moment(heard), st.context.timezone)
            )
        )
        advice = _("Ask the person who runs Nyttig to start “nyttig ingest” again.")
        return Verdict("stopped", f"{what} {last}", f"{consequence} {advice}")
    if not ingestors and database_answers:
        what = _("Nothing is recording: no receiver has ever been started.")
        advice = _("Ask the person who runs Nyttig to start “nyttig ingest”.")
        return Verdict("stopped", f"{what} {last}", advice)
    if running and not any(one.get("connected") for one in running):
        what = _("The receiver has lost its connection to the message broker.")
        advice = _("It keeps trying. If this lasts, ask the person who runs Nyttig to look at the broker.")
        return Verdict("stopped", f"{what} {last}", f"{consequence} {advice}")
    canary_age_seconds = health.get("last_canary_age_seconds")
    if not ready and canary_age_seconds is not None:
        what = _("Messages are not getting through, or are far behind.")
        sent = _(
            "Nyttig sends itself a test message every 10 seconds; the newest one that arrived was sent {ago}."
        ).format(ago=ago(canary_age_seconds))
        advice = _("Ask the person who runs Nyttig to look at the broker and at “nyttig ingest”.")
        return Verdict("stopped", f"{what} {sent} {last}", f"{consequence} {advice}")
    if not ready:
        reason = health.get("reason") or _("no reason given")
        what = _("Nyttig is not ready: {reason}.").format(reason=plain(str(reason).rstrip(".")))
        advice = _(
            "Show this line to the person who runs Nyttig. The page mends itself when the cause is gone."
        )
        return Verdict("stopped", what, f"{consequence} {advice}")
    if len(running) < len(ingestors):
        stopped = len(ingestors) - len(running)
        what = ngettext("{n} receiver has stopped.", "{n} receivers have stopped.", stopped)
        return Verdict("careful", f"{what} {last}", _("The others carry on."))
    if age_seconds is not None and age_seconds > QUIET_AFTER_SECONDS:
        what = _("Nyttig is listening, but nothing comes in.")
        advice = _(
            "If devices should be sending, look at the devices page and ask whether the broker or network is down."
        )
        return Verdict("careful", f"{what} {last}", advice)
    return Verdict("recording", last)


def _last_event(health: Json) -> str:
    age_seconds = health.get("last_commit_age_seconds")
    if age_seconds is not None:
        return _("Last event stored {ago}.").format(ago=ago(age_seconds))
    newest, now = parse_moment(health.get("last_event_at")), parse_moment(health.get("now"))
    if newest is not None and now is not None:
        return _("Newest event {ago}.").format(ago=ago((now - newest).total_seconds()))
    return _("No event has been stored yet.")


@st.fragment(run_every=live.HEALTH_EVERY_SECONDS)
def show() -> None:
    """The age of the newest event stands on the page, and any reason why nothing comes in, within 10 seconds."""
    try:
        verdict = judge(live.health())
    except ApiUnreachableError as error:
        st.error(
            _(
                "**The dashboard has lost contact with Nyttig’s data service** at {url}. "
                "Whether data is being recorded cannot be seen from here. "
                "Wait a minute; if this stays, ask the person who runs Nyttig to start “nyttig api”."
            ).format(url=error.url),
            icon=":material/cloud_off:",
        )
        return
    if verdict.level == "recording":
        recording = _("Recording")
        st.markdown(
            f'<div style="font-size:.85rem;color:{FAINT};margin-bottom:.6rem"><span style="color:{GOOD}">●</span> '
            f"{recording} · {verdict.what}</div>",
            unsafe_allow_html=True,
        )
        return
    text = f"**{verdict.what}** {verdict.advice}"
    if verdict.level == "stopped":
        st.error(text, icon=":material/error:")
    else:
        st.warning(text, icon=":material/warning:")
