"""The same gain in several units: each unit's change, all of them together, and what that means for a further one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import pooled_words, table
from dashboard.charts import forest
from dashboard.charts.forest import Line
from dashboard.charts.frame import place
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.gain_sentences import decimals
from dashboard.language import _, between, ngettext, sentence, signed, titled, within
from dashboard.table import Column
from dashboard.wording import evidence, gain_type, homes, indicator, known_indicator


def show(programme: Json) -> None:
    """Each gain stands with its units, over several trials first; trials of these can be unfolded one by one."""
    st.header(_("The same in several units"), anchor=False)
    found = programme["together"]
    if not found:
        st.info(
            _(
                "No gain is measured in more than one unit yet. It takes a trial in several units, or trials of the same "
                "technology with the same indicator."
            ),
            icon=":material/account_tree:",
        )
        return
    titles = {trial["trial"]["id"]: trial["trial"]["title"] for trial in programme["trials"]}
    over_trials = {_what(gain): gain for gain in found if len(gain["trials"]) > 1}
    alone: dict[tuple[str, ...], list[Json]] = {}
    for gain in found:
        if len(gain["trials"]) == 1:
            alone.setdefault(_what(gain), []).append(gain)
    for what in dict.fromkeys(_what(gain) for gain in found):
        with st.container(border=True):
            if what not in over_trials:
                _gain(alone[what][0], titles)
                continue
            _gain(over_trials[what], titles)
            for gain in alone.get(what, ()):
                words = _("Only “{title}”").format(title=titles[gain["trials"][0]])
                with st.expander(plain(words), icon=":material/account_tree:"):
                    _gain(gain, titles, alone=True)
    st.caption(
        _(
            "Units differ in who lives there and how they work; this is no ranking. Nothing here is reckoned up to the "
            "whole country."
        )
    )


def _what(gain: Json) -> tuple[str, ...]:
    return gain["technology"], gain["indicator"], gain["better"], gain["currency"]


def _gain(gain: Json, titles: Mapping[str, str], *, alone: bool = False) -> None:
    pooled = {**gain["pooled"], "not_pooled": _left_out(gain, titles)}
    fine = _decimals(gain)
    if not alone:
        title = (
            gain["titles"][0] if len(gain["titles"]) == 1 else indicator(gain["indicator"]).replace("_", " ")
        )
        st.subheader(plain(title), anchor=False)
    st.caption(plain(" · ".join(_about(gain))))
    lines = _lines(gain, titles, fine)
    words = "; ".join(f"{line.name}: {line.shown}" for line in lines)
    name = f"forest-{'-'.join(gain['trials'])}-{gain['indicator']}"
    place(name, forest.plot(lines, fine), forest.height(lines), words)
    verdict = pooled_words.verdict(pooled, gain["better"])
    strong = f"**{plain(verdict)}** " if verdict else ""
    said = [
        pooled_words.together(pooled, fine),
        pooled_words.each_alone(pooled, gain["units"]),
        pooled_words.further(pooled, fine),
    ]
    st.markdown(strong + plain(" ".join(each for each in said if each)))
    notes = pooled_words.warnings(pooled, fine)
    if any(unit["uncertain"] and unit["homes"] for unit in gain["units"]):
        named = [_name(unit, gain, titles) for unit in gain["units"] if unit["uncertain"] and unit["homes"]]
        notes.append(
            _("Uncertain, because too little was registered: {units}.").format(units=", ".join(named))
        )
    if gain["units_twice"]:
        notes.append(
            _(
                "{units} took part in more than one of these trials: its homes may be the same, so the interval may be too "
                "narrow."
            ).format(units=", ".join(gain["units_twice"]))
        )
    picture = [_("Squares: units, with 95% intervals; open: too few homes for one.")]
    if gain["pooled"]["random"] is not None:
        picture.append(_("Diamond: all together, as wide as its interval."))
    if gain["pooled"]["prediction_low"] is not None:
        picture.append(_("Dashed: where a further unit would lie."))
    notes.append(" ".join(picture))
    notes += _evidence(gain, titles)
    st.caption("  \n".join(plain(note) for note in notes))
    _table(name, gain, titles, fine)


def _evidence(gain: Json, titles: Mapping[str, str]) -> list[str]:
    """The level of the units that were measured; where they differ, of which each is."""
    measured = [unit for unit in gain["units"] if unit["homes"]]
    levels = sorted({unit["level"] for unit in measured}, reverse=True)
    if len(levels) < 2:
        return [f"{evidence(level)}." for level in levels]
    return [
        f"{', '.join(_name(unit, gain, titles) for unit in measured if unit['level'] == level)}: {within(evidence(level))}."
        for level in levels
    ]


def _about(gain: Json) -> list[str]:
    about = [
        titled(gain["technology_titles"], gain["technology"]),
        gain_type(gain["type"]),
        *known_indicator(gain["indicator"]),
        _("lower is better") if gain["better"] == "lower" else _("higher is better"),
        ngettext("{n} unit", "{n} units", len(gain["units"])),
    ]
    if len(gain["trials"]) > 1:
        about.append(ngettext("{n} trial", "{n} trials", len(gain["trials"])))
    return about


def _lines(gain: Json, titles: Mapping[str, str], fine: int) -> list[Line]:
    lines = [
        Line(
            f"{_short(_name(unit, gain, titles))} · {homes(unit['homes'])}",
            _shown(unit["estimate"], unit["low"], unit["high"], fine),
            unit["estimate"],
            unit["low"],
            unit["high"],
        )
        for unit in gain["units"]
    ]
    pooled = gain["pooled"]
    if pooled["random"] is not None:
        mean = pooled["random"]
        beyond = None
        if pooled["prediction_low"] is not None:
            beyond = (pooled["prediction_low"], pooled["prediction_high"])
        lines.append(
            Line(
                ngettext("{n} unit together", "{n} units together", pooled["k"]),
                _shown(mean["estimate"], mean["low"], mean["high"], fine),
                mean["estimate"],
                mean["low"],
                mean["high"],
                pooled=True,
                beyond=beyond,
            )
        )
    return lines


def _shown(estimate: float | None, low: float | None, high: float | None, fine: int) -> str:
    if estimate is None:
        return _("not measured yet")
    if low is None:
        return _("{change}, too few homes").format(change=signed(estimate, fine))
    return f"{signed(estimate, fine)} ({between(low, high, fine)})"


def _name(unit: Json, gain: Json, titles: Mapping[str, str]) -> str:
    """The unit; where it took part in several of the trials, with the trial."""
    name: str = unit["unit"]
    return f"{name} ({titles[unit['trial']]})" if name in gain["units_twice"] else name


def _short(name: str) -> str:
    """As much of it as stands beside its numbers on a phone."""
    return name if len(name) <= 22 else name[:21] + "…"


def _left_out(gain: Json, titles: Mapping[str, str]) -> list[str]:
    if gain["pooled"]["random"] is None:
        return []
    return [_name(unit, gain, titles) for unit in gain["units"] if unit["homes"] and not unit["pooled"]]


def _decimals(gain: Json) -> int:
    sizes = [abs(unit["estimate"]) for unit in gain["units"] if unit["estimate"] is not None]
    fine = decimals({"change": {"estimate": max(sizes, default=None), "low": None, "high": None}})
    return 0 if max(sizes, default=0) >= 100 else fine


def _table(name: str, gain: Json, titles: Mapping[str, str], fine: int) -> None:
    rows: Sequence[Json] = [{**unit, "trial_title": titles[unit["trial"]]} for unit in gain["units"]]
    random = gain["pooled"]["random"]
    if random is not None:
        counted = sum(unit["homes"] for unit in gain["units"] if unit["pooled"])
        both = {"unit": sentence(_("together")), "trial_title": "–", "homes": counted}
        rows = [*rows, {**both, **{key: random[key] for key in ("estimate", "low", "high")}}]
    table.beside(
        name,
        rows,
        [
            Column("unit", _("Unit")),
            Column("trial_title", _("Trial")),
            Column("homes", _("Homes"), "number"),
            Column("estimate", _("Mean change"), "number", fine),
            Column("low", _("At least"), "number", fine),
            Column("high", _("At most"), "number", fine),
            Column("level", _("Level"), "number"),
        ],
        every_row=lambda: gain["units"],
    )
