"""What a trial gives as one answer: late changes, harms with their bounds, words that may be read, and the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Database
from packages import one_home
from sample_benefit import (
    GAINS,
    SAID,
    TIME,
    TRIAL,
    WELLBEING,
    entry,
    happened,
    make_benefit,
    make_package,
)
from sample_report import FIRST_DAY, make_report
from serving import serving

from nyttig.benefit import Benefit, benefit_of
from nyttig.entries.benefit import Realisation
from nyttig.errors import PackageError
from nyttig.figures.assumptions import ASSUMPTIONS
from nyttig.model import Entry, Gain
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies
from nyttig.package.write import write
from nyttig.report import Report
from nyttig.store import db, registry


@pytest.fixture(scope="module")
def report() -> Report:
    return make_report(TRIAL, "M", "medicine_dispenser", "scheduled")


@pytest.fixture(scope="module")
def benefit(report: Report) -> Benefit:
    return make_benefit(report)


def of_versions(report: Report, *versions: Entry) -> Benefit:
    """The benefit where a gain has these versions."""
    package = make_package(report)
    told = replace(
        report,
        gains=tuple(each.figures for each in make_benefit(report).gains if each.figures.id == TIME.id),
    )
    return benefit_of(package, told, [versions[-1]], {versions[-1].entry: list(versions)})


def test_each_gain_is_told_with_what_it_takes_for_granted_in_three_languages(benefit: Benefit) -> None:
    assert [each.figures.id for each in benefit.gains] == [gain.id for gain in GAINS]
    for each in benefit.gains:
        for key in each.figures.change.assumptions:
            assert benefit.assumptions[key] == ASSUMPTIONS[key]
            assert benefit.assumptions[key].keys() == {"en", "nb", "da"}


def test_a_change_after_the_start_stays_visible_with_its_fields(benefit: Benefit) -> None:
    changes = {each.figures.id: each.late_changes for each in benefit.gains if each.late_changes}
    assert [change.fields for change in changes.pop(WELLBEING.id)] == [("target",)]
    assert not changes


def test_a_change_before_the_start_is_none_to_mention(report: Report) -> None:
    first = entry(TIME)
    early = replace(first, version=2, data=replace(TIME, target=-10.0))
    late = replace(early, version=3, data=replace(TIME, target=-5.0, owner="Head"))
    late = replace(late, entered_at=datetime.fromisoformat(f"{FIRST_DAY}T00:00+02:00"))
    (gain,) = of_versions(report, first, early, late).gains
    assert gain.fixed_at == first.entered_at
    assert [change.fields for change in gain.late_changes] == [("target", "owner")]


def test_the_trial_waits_for_baselines_of_planned_gains_that_were_not_dropped(report: Report) -> None:
    assert make_benefit(report).start_waits_for == ("calm",)
    package = make_package(report)
    for changed in ({"status": "dropped"}, {"planned": False}, {"baseline_value": 3.0}):
        gains = [replace(gain, **changed) if gain.id == "calm" else gain for gain in GAINS]
        told = replace(package, trial=replace(package.trial, gains=tuple(gains)))
        assert make_benefit(report, told).start_waits_for == ()


def test_no_adverse_event_in_twelve_homes_leaves_a_fifth_possible(benefit: Benefit) -> None:
    """The vector of figures.md: n = 12 → 0.221."""
    assert benefit.adverse.events == 0
    assert benefit.adverse.homes.at_most == pytest.approx(0.221, abs=5e-4)


def test_events_are_counted_by_home_and_what_is_open_or_missed_is_told(report: Report) -> None:
    events = [
        happened("A01"),
        happened("A01", alarm_missed=True),
        happened("A03", handled_on=date(2026, 10, 2)),
    ]
    adverse = make_benefit(report, make_package(report, [*SAID, *events])).adverse
    assert (adverse.events, adverse.homes.homes_with_event, adverse.alarms_missed, adverse.open) == (
        3,
        2,
        1,
        2,
    )
    assert adverse.by_severity == {"moderate": 3}
    assert adverse.rate.events == 3


def test_words_that_not_everyone_may_read_are_counted_and_not_told(benefit: Benefit) -> None:
    assert [said.words for said in benefit.feedback] == ["I no longer wait for the door."]
    assert benefit.feedback_kept_back == 1


def test_use_is_not_held_against_the_gain_of_a_technology_that_stands_by() -> None:
    standby = make_benefit(make_report(TRIAL, "T", "safety_alarm", "standby"))
    assert all(each.dose is None and not each.dosed for each in standby.gains)
    assert standby.money.even is not None
    assert standby.money.even.use_day_ratio is None
    months = standby.money.active_homes_by_month
    assert min(months) >= 10, "in contact, which few days without a press hide"
    scheduled = make_benefit(make_report(TRIAL, "M", "medicine_dispenser", "scheduled"))
    assert any(each.dose is not None for each in scheduled.gains)


def test_only_whole_months_count_among_those_that_cost(report: Report, benefit: Benefit) -> None:
    assert (report.first_day, report.last_day) == (date(2026, 8, 24), date(2026, 11, 22))
    assert len(benefit.money.active_homes_by_month) == 2, "September and October"
    young = make_report(TRIAL, "M", "medicine_dispenser", "scheduled", days=20)
    assert len(make_benefit(young).money.active_homes_by_month) == 2, "no month is whole yet"


def test_units_with_homes_enough_are_pooled_and_others_stand_beside(benefit: Benefit) -> None:
    pooled = {each.figures.id: each.pooled for each in benefit.gains}
    time, wellbeing = pooled[TIME.id], pooled[WELLBEING.id]
    assert time is not None
    assert time.random is not None
    assert wellbeing is not None
    assert wellbeing.random is None
    assert wellbeing.not_pooled == ("Bydel Alna", "Bydel Gamle Oslo")


# --- Over HTTP -----------------------------------------------------------------------------------


def test_what_is_entered_counts_at_once_and_what_contradicts_itself_is_refused(
    embedded_database: Database,
) -> None:
    package = one_home("medicine_dispenser", homes=2)
    gain = Gain("time", "Time", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)
    with db.connect(embedded_database.conninfo) as session:
        registry.save(
            session, replace(package, trial=replace(package.trial, gains=(gain,))), builtin_technologies()
        )
        session.commit()
    with serving(embedded_database.conninfo) as client:
        where = f"/v1/trials/{package.trial.id}"
        told = client.get(f"{where}/benefit").json()
        assert told["start_waits_for"] == ["time"]
        assert told["gains"][0]["figures"]["baseline"]["kind"] == "missing"
        assert told["money"]["left_out"] == [{"gain": "time", "why": "not_measured"}]
        (known,) = client.get(f"{where}/entries", params={"kind": "gain"}).json()["entries"]
        waived = known["data"] | {"waiver_reason": "It was urgent", "waived_by": "Head"}
        changed = client.put(
            f"/v1/entries/{known['entry']}", params={"version": known["version"]}, json=waived
        )
        assert changed.status_code == 200
        assert client.get(f"{where}/benefit").json()["start_waits_for"] == []
        for kind, values, words in (
            ("realisation", {"gain": "time", "reallocated_ratio": 0.7, "cashed_ratio": 0.5}, "more than the whole"),
            ("assumption", {"name": "discount_rate", "likely": 4}, "write 0.04 for 4 %"),
            ("assumption", {"name": "horizon_years", "likely": 2.5}, "whole years"),
            ("assumption", {"name": "hourly_rate", "likely": 400, "low": 300}, "enter both ends"),
            ("assumption", {"name": "hourly_rate", "likely": 400, "low": 450, "high": 500}, "does not lie between"),
        ):  # fmt: skip
            refused = client.post(f"{where}/entries/{kind}", json=values)
            assert refused.status_code == 422
            assert words in refused.json()["detail"]
        assert client.get(f"{where}/benefit").status_code == 200
        yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011  any day of the past will do
        assert client.get(f"{where}/benefit", params={"as_of": yesterday.isoformat()}).status_code == 200


def test_a_package_whose_entries_contradict_themselves_is_refused_with_row_and_remedy(tmp_path: Path) -> None:
    package = one_home("medicine_dispenser")
    gain = Gain("time", "Time", "time", "organisation", "visit_minutes_per_week", "lower", -30.0)
    shares = Realisation(gain="time", reallocated_ratio=0.75, cashed_ratio=0.5)
    package = replace(package, trial=replace(package.trial, gains=(gain,)), entries=(entry(shares),))
    write(package, tmp_path)
    with pytest.raises(PackageError) as caught:
        read(tmp_path, builtin_technologies())
    (problem,) = caught.value.problems
    assert (problem.file, problem.row, problem.column) == ("realisations.csv", 2, "cashed_ratio")
    assert "more than the whole; lower one of them" in problem.remedy
