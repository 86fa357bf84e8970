"""A gain's other estimates, each with its level; unit by unit; and against use, which explores and proves nothing."""

from __future__ import annotations

import streamlit as st

from dashboard import table
from dashboard.charts import change as change_charts
from dashboard.charts.frame import place
from dashboard.client import Json
from dashboard.facts import plain
from dashboard.gain_sentences import decimals
from dashboard.language import _, between, ngettext, number, percent, signed
from dashboard.table import Column
from dashboard.wording import homes

HEIGHT_PX = 230
SMALL_P = 0.001


def show(found: Json) -> None:
    """Whoever wants to know more can unfold it."""
    gain = found["figures"]
    rows = _rows(gain)
    if rows:
        with st.expander(_("Other ways to reckon it"), icon=":material/functions:"):
            st.caption(
                _(
                    "One of these is quoted above, as the trial’s design asks; the others are no further proof."
                )
            )
            table.show(
                f"estimates-{gain['id']}",
                rows,
                [
                    Column("way", _("How")),
                    Column("n", _("Rests on")),
                    Column("change", _("Change")),
                    Column("interval", _("95% interval")),
                    Column("p", "p"),
                    Column("level", _("Level")),
                ],
            )
    if found["pooled"] is not None:
        _units(found)
    if found["dose"] is not None and len(found["dosed"]) > 1:
        _use(found)


def _rows(gain: Json) -> list[Json]:
    rows, fine = [], decimals(gain)
    paired = gain["difference"]
    if paired["n"] and gain["answers"] is None:
        rows.append(_row(_("before and after, Student’s t"), paired, paired["mean"], "t_low", "t_high", fine))
        if paired["bootstrap_low"] is not None:
            rows.append(
                _row(
                    _("the same, drawn anew (beta bootstrap-t)"),
                    {**paired, "p": None},
                    paired["mean"],
                    "bootstrap_low",
                    "bootstrap_high",
                    fine,
                )
            )
        rows.append(
            _row(_("before and after, median"), {**paired, "p": None}, paired["median"], "", "", fine)
        )
    compared = gain["comparison"]
    if compared is not None and compared["estimate"] is not None:
        count = compared["treated_homes"] + compared["comparison_homes"]
        rows.append(
            _row(
                _("with homes to compare with"),
                {**compared, "n": count},
                compared["estimate"],
                "low",
                "high",
                fine,
            )
        )
    stepped = gain["staggered"]
    if stepped is not None and stepped["effect"] is not None:
        rows.append(
            _row(
                _("starts one by one"),
                {**stepped, "n": stepped["homes"]},
                stepped["effect"],
                "low",
                "high",
                fine,
            )
        )
    series = gain["interrupted"]
    if series is not None and series["at_end"] is not None:
        points = series["points_before"] + series["points_after"]
        for words, contrast in (
            (_("series, on average"), series["on_average"]),
            (_("series, at the end"), series["at_end"]),
        ):
            rows.append(
                _row(
                    words,
                    {**contrast, "level": series["level"], "p": None},
                    contrast["estimate"],
                    "low",
                    "high",
                    fine,
                )
                | {"n": ngettext("{n} point", "{n} points", points)}
            )
    return rows


def _row(way: str, of: Json, change: float | None, low: str, high: str, fine: int) -> Json:
    known = low and of[low] is not None
    p = of.get("p")
    return {
        "way": way,
        "n": homes(of["n"]) if "n" in of else "",
        "change": signed(change, fine),
        "interval": between(of[low], of[high], fine) if known else "–",
        "p": "–" if p is None else number(p, 3) if p >= SMALL_P else "<" + number(SMALL_P, 3),
        "level": number(of["level"]),
    }


def _units(found: Json) -> None:
    gain, pooled = found["figures"], found["pooled"]
    fine = decimals(gain)
    with st.expander(_("Unit by unit, and all of them together"), icon=":material/account_tree:"):
        table.show(
            f"units-{gain['id']}",
            [
                {
                    "unit": unit["unit"],
                    "homes": unit["homes"],
                    "change": signed(unit["estimate"], fine),
                    "error": "–"
                    if unit["standard_error"] is None
                    else number(unit["standard_error"], fine + 1),
                }
                for unit in pooled["units"]
            ],
            [
                Column("unit", _("Unit")),
                Column("homes", _("Homes"), "number"),
                Column("change", _("Mean change")),
                Column("error", _("Standard error")),
            ],
        )
        if pooled["not_pooled"]:
            st.caption(
                plain(
                    _(
                        "Beside the pool and not in it, with fewer than five homes or all alike: {units}."
                    ).format(units=", ".join(pooled["not_pooled"]))
                )
            )
        random = pooled["random"]
        if random is None:
            st.markdown(_("Two units with five homes each are needed before they can be taken together."))
            return
        st.markdown(
            _(
                "Together: {change} (95% interval {interval}) over {n} units, each allowed an effect of its own. "
                "Of the spread between them {share} is more than chance."
            ).format(
                change=signed(random["estimate"], fine),
                interval=between(random["low"], random["high"], fine),
                n=number(pooled["k"]),
                share=percent(pooled["i2_ratio"]),
            )
        )
        if pooled["heterogeneity"] == "poorly_known":
            st.caption(
                _(
                    "With under ten units that spread is poorly known: none seen is no proof that they are alike."
                )
            )
        if pooled["prediction_low"] is not None:
            st.markdown(
                _("In a further unit like these it would lie between {low} and {high}.").format(
                    low=signed(pooled["prediction_low"], fine), high=signed(pooled["prediction_high"], fine)
                )
            )


def _use(found: Json) -> None:
    gain, dose = found["figures"], found["dose"]
    fine = decimals(gain)
    with st.expander(_("Does more use go with more gain? (exploratory)"), icon=":material/scatter_plot:"):
        st.markdown(
            _(
                "A question for the next trial, no answer of this one: homes that use it more differ from the others in health, "
                "help and household, and would have differed without it."
            )
        )
        words = _("Each of {homes} by its share of days in use and its change.").format(
            homes=homes(dose["homes"])
        )
        place(f"dose-{gain['id']}", change_charts.use(found["dosed"], dose["slope"]), HEIGHT_PX, words)
        st.caption(
            words
            if dose["slope"] is None
            else _(
                "Exploratory: {slope} for every ten percentage points of days in use (95% interval {interval}; {homes}; rank "
                "correlation {rank}). It proves nothing: evidence level 0 of 5."
            ).format(
                slope=signed(dose["slope"], fine + 1),
                interval=between(dose["low"], dose["high"], fine + 1),
                homes=homes(dose["homes"]),
                rank="–" if dose["rank_correlation"] is None else signed(dose["rank_correlation"], 2),
            )
        )
        table.beside(
            f"dose-{gain['id']}",
            found["dosed"],
            [
                Column("home", _("Home")),
                Column("use_day_ratio", _("Share of days in use"), "ratio"),
                Column("change", _("Change"), "number", fine),
            ],
        )
