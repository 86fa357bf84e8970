"""Listening to one device while somebody stands before it: waiting, answered, or what to try next."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import streamlit as st

from dashboard import batteries, findings, live
from dashboard.client import Json
from dashboard.facts import fact, plain
from dashboard.language import _, ago, lasting, ngettext
from dashboard.registry_words import dialect

EVERY_SECONDS = 1
TRY_SOMETHING_SECONDS = 30.0
GIVE_UP_SECONDS = 600.0
HEARD_LATELY_SECONDS = 2 * 3600.0
_STATE = "commissioning"


@dataclass
class Listening:
    """To whom this reader listens, since when by the data service's clock, and the newest answer."""

    site: str
    device: Json
    since: str
    began_seconds: float
    answer: Json | None = None

    @property
    def answered(self) -> bool:
        """Whether it has been heard since."""
        return self.answer is not None and bool(self.answer["answered"])


def current() -> Listening | None:
    """What this reader listens to now."""
    found: Listening | None = st.session_state.get(_STATE)
    return found


def is_listening() -> bool:
    """Whether this reader listens to a device now."""
    return current() is not None


def start(site: str, device: Json) -> None:
    """The device is listened to from now on, by the clock of the data service."""
    since = live.client().health().get("now") or live.now().isoformat()
    st.session_state[_STATE] = Listening(site, device, since, monotonic())


def stop() -> None:
    """Nobody is listened to."""
    st.session_state.pop(_STATE, None)


def stop_unless(site: str, device: str) -> None:
    """Only this device in this home may still be listened to."""
    listening = current()
    if listening is not None and (listening.site, listening.device["device"]) != (site, device):
        stop()


def how_to_trigger(technology: str) -> str:
    """What makes such a device speak."""
    return {
        "door_sensor": _("open the door and close it again."),
        "motion_sensor": _("walk past it."),
        "bed_sensor": _("sit down on the bed and get up again."),
        "chair_sensor": _("sit down on the chair and get up again."),
        "vibration_sensor": _("shake it."),
        "power_plug": _("switch what is plugged in on, and off again."),
        "safety_alarm": _("press its button; tell the alarm centre first."),
        "fall_detector": _("press its button; tell the alarm centre first."),
        "e_lock": _("unlock the door and lock it again."),
        "light_path": _("walk past it in the dark."),
        "gateway": _("switch it off and on again."),
    }.get(technology, _("press its button or use it once; else switch it off and on again."))


@live.refreshed(EVERY_SECONDS)
def listen() -> None:
    """Whether the device has answered stands on the page, asked anew each second."""
    listening = current()
    if listening is None:
        return
    seconds = monotonic() - listening.began_seconds
    was_answered = listening.answered
    if seconds > GIVE_UP_SECONDS and not was_answered:
        st.warning(_("Listening has ended. Start it again when you stand before the device."))
        _again()
        return
    listening.answer = live.client().answers(listening.device["device"], listening.since)
    if not listening.answered:
        _waiting(listening, seconds)
        return
    _answered(listening.answer)
    if not was_answered:
        st.rerun()  # the next step can be taken now


def _again() -> None:
    if st.button(_("Listen again"), icon=":material/sensors:"):
        stop()
        st.rerun()


def _answered(answer: Json) -> None:
    st.success(
        _("**It answers.** {messages} so far.").format(
            messages=ngettext("{n} message", "{n} messages", answer["messages"])
        ),
        icon=":material/check_circle:",
    )
    left, right = st.columns(2)
    with left:
        fact(_("Signal"), findings.signal(answer["signal"]), signal_advice(answer["signal"]))
    with right:
        fact(
            _("Battery"),
            batteries.level(answer["battery_pct"], answer["battery_v"]),
            _("It says itself that it is low: replace it now.")
            if answer["battery_low"]
            else _("as it said just now")
            if answer["battery_pct"] is not None or answer["battery_v"] is not None
            else _("it may say so later"),
        )


def signal_advice(code: str) -> str:
    """What a radio link like that means for the place."""
    return {
        "good": _("this place is fine"),
        "fair": _("this place will do"),
        "poor": _("move it or the gateway nearer, or bring a repeater"),
        "unknown": _("look at its page tomorrow whether messages are missing"),
    }.get(code, "")


def _waiting(listening: Listening, seconds: float) -> None:
    how = how_to_trigger(listening.device["technology"])
    code = plain(listening.device["device"])
    if seconds < TRY_SOMETHING_SECONDS:
        st.info(
            _("Listening to **{device}** for {time}. Now {how}").format(
                device=code, time=lasting(seconds), how=how
            ),
            icon=":material/sensors:",
        )
        return
    st.warning(
        _("**{device}** has not answered for {time}. Still listening. Try this, one after the other:").format(
            device=code, time=lasting(seconds)
        ),
        icon=":material/hearing_disabled:",
    )
    st.markdown("\n".join(f"{place}. {step}" for place, step in enumerate(_steps(listening), 1)))


def _steps(listening: Listening) -> list[str]:
    device = listening.device
    steps = [_("Once more: {how}").format(how=how_to_trigger(device["technology"]))]
    steps.append(
        _("Is its battery in, the right way round, without the strip? Take it out for ten seconds.")
        if device["power"] == "battery"
        else _("Does its plug have power? Unplug it for ten seconds.")
    )
    steps.append(_neighbours(listening.site, device["device"]))
    steps.append(_("Bring it close to the gateway. If it answers there, the place is too far away."))
    steps.append(
        _("Pair it again: put the gateway into pairing mode, then press its button until it blinks.")
    )
    steps.append(
        _(
            "Nyttig expects it as {dialect} under {address}. If it speaks under another address it is among the new "
            "devices, and can be swapped in there."
        ).format(dialect=dialect(device["dialect"]), address=plain(device["address"]))
    )
    return steps


def _neighbours(site: str, device: str) -> str:
    """What the home's other devices tell of its gateway."""
    now = live.now()
    others = [
        findings.since(each["last_seen_at"], now)
        for each in live.devices()["devices"]
        if each["site"] == site and each["device"] != device
    ]
    heard = [seconds for seconds in others if seconds is not None]
    if not others:
        return _("It is the first device in this home: is the gateway on, and connected?")
    if heard and min(heard) < HEARD_LATELY_SECONDS:
        return _("Another device in this home was heard {ago}, so the home’s connection works.").format(
            ago=ago(min(heard))
        )
    return _(
        "No other device in this home was heard lately: look at the gateway, its power and its network first."
    )
