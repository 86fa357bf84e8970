"""trial.toml: what it says, what it leaves to its defaults, and what can be wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages import technologies_of

from nyttig.errors import PackageError, Problem
from nyttig.model import Technology, TrialPackage, UseRule
from nyttig.package.read import read
from nyttig.package.technologies import builtin_technologies

TRIAL = """
id = "alna"
title = "Medisindispenser"
units = ["Bydel Alna"]
technology = "medicine_dispenser"
timezone = "Europe/Oslo"
currency = "NOK"
starts = 2026-08-24
"""
GAIN = """
[[gain]]
id = "minutes"
title = "Spart tid"
type = "time"
perspective = "organisation"
indicator = "visit_minutes_per_week"
better = "lower"
"""
OWN = """
[technologies.door_bell]
titles = { nb = "Dørklokke" }
usage_class = "on_demand"
use = ["rung", { type = "button", above = 0.5 }]
"""


def load(folder: Path, text: str) -> TrialPackage:
    (folder / "trial.toml").write_text(text, encoding="utf-8")
    (folder / "homes.csv").write_text("home,site_type,unit\n", encoding="utf-8")
    return read(folder, builtin_technologies())


def only(folder: Path, text: str) -> Problem:
    with pytest.raises(PackageError) as caught:
        load(folder, text)
    assert len(caught.value.problems) == 1, caught.value.problems
    return caught.value.problems[0]


def test_a_trial_has_its_gains_and_the_thresholds_that_it_sets(tmp_path: Path) -> None:
    trial = load(
        tmp_path, TRIAL + "[parameters]\nobserved_share_required = 0.9\nhourly_rate = 490\n" + GAIN
    ).trial
    assert trial.parameters.observed_share_required == 0.9
    assert trial.parameters.hourly_rate == 490.0
    assert trial.parameters.ramp_in_days == 14
    assert trial.gains[0].planned
    assert trial.programme is None


def test_registration_days_may_be_said_in_the_words_of_those_who_register(tmp_path: Path) -> None:
    assert load(tmp_path, TRIAL + "[registration]\ndays = 21\n").trial.parameters.registration_days == 21


def test_two_different_lengths_of_a_registration_are_a_problem(tmp_path: Path) -> None:
    text = TRIAL + "[registration]\ndays = 21\n[parameters]\nregistration_days = 14\n"
    assert only(tmp_path, text).column == "registration.days"


def test_a_trial_may_define_a_technology_of_its_own(tmp_path: Path) -> None:
    package = load(tmp_path, TRIAL.replace("medicine_dispenser", "door_bell") + OWN)
    titles = {"en": "Dørklokke", "nb": "Dørklokke", "da": "Dørklokke"}
    rules = (UseRule("rung"), UseRule("button", above=0.5))
    assert package.technologies == (Technology("door_bell", titles, "on_demand", rules),)


def test_a_known_technology_cannot_be_given_another_meaning(tmp_path: Path) -> None:
    problem = only(tmp_path, TRIAL + OWN.replace("door_bell", "e_lock"))
    assert "a key of its own" in problem.remedy


def test_a_trial_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + TRIAL).trial.id == "alna"


WRONG = {
    "a missing key": (TRIAL.replace('currency = "NOK"\n', ""), "currency", "is missing"),
    "an unknown key": (TRIAL + 'programm = "Oslo+"\n', "programm", "Did you mean 'programme'?"),
    "an id in capitals": (TRIAL.replace('"alna"', '"Alna"'), "id", "a-z, 0-9 and hyphen"),
    "a currency in words": (TRIAL.replace("NOK", "kroner"), "currency", "three capital letters"),
    "a day in quotes": (TRIAL.replace("2026-08-24", '"2026-08-24"'), "starts", "without quotes"),
    "a day with a time": (TRIAL.replace("2026-08-24", "2026-08-24T10:00:00"), "starts", "is no day"),
    "an end before the start": (TRIAL + "ends = 2026-08-23\n", "ends", "before the trial starts"),
    "units that are no list": (TRIAL.replace('["Bydel Alna"]', '"Bydel Alna"'), "units", "is no list"),
    "a unit twice": (TRIAL.replace('["Bydel Alna"]', '["Alna", "Alna"]'), "units", "twice"),
    "an unknown technology": (TRIAL.replace("dispenser", "dispencer"), "technology", "Did you mean"),
    "an unknown zone": (TRIAL.replace("Oslo", "Olso"), "timezone", "Did you mean 'Europe/Oslo'?"),
    "a zone of half hours": (TRIAL.replace("Europe/Oslo", "Asia/Kolkata"), "timezone", "not whole hours"),
    "a zone of half hours in winter only": (
        TRIAL.replace("Europe/Oslo", "Australia/Lord_Howe"), "timezone", "not whole hours"),
    "a text that is a number": (TRIAL.replace('"Medisindispenser"', "7"), "title", "put it in quotes"),
    "an invisible character": (TRIAL.replace("Medisindispenser", "Medisin\\u0000"), "title", "invisible"),
    "a gain's odd direction": (GAIN.replace("lower", "less"), "gain[1].better", "lower, higher"),
    "a gain's odd key": (GAIN + "targt = -30\n", "gain[1].targt", "Did you mean 'target'?"),
    "a gain's target in words": (GAIN + 'target = "-30"\n', "gain[1].target", "is no number"),
    "a gain twice": (GAIN + GAIN, "gain[2].id", "an id of its own"),
    "a gain written as one table": (GAIN.replace("[[gain]]", "[gain]"), "gain", "[[gain]]"),
    "a ratio of eighty": ("[parameters]\nobserved_share_required = 80\n", "parameters.observed_share_required", "at most 1"),
    "half a day": ("[parameters]\nramp_in_days = 1.5\n", "parameters.ramp_in_days", "whole number"),
    "a threshold that there is not": ("[parameters]\nramp_in = 7\n", "parameters.ramp_in", "Did you mean 'ramp_in_days'?"),
    "truth for a number": ("[parameters]\nhourly_rate = true\n", "parameters.hourly_rate", "is no number"),
    "no end of money": ("[parameters]\nhourly_rate = inf\n", "parameters.hourly_rate", "is no number"),
    "a class that there is not": (OWN.replace("on_demand", "ondemand"), "technologies.door_bell.usage_class", "on_demand"),
    "two thresholds in one rule": (
        OWN.replace("above = 0.5", "above = 0.5, below = 0.1"), "technologies.door_bell.use[2].below", "one of the two"),
    "a technology without a title": (OWN.replace('nb = "Dørklokke"', ""), "technologies.door_bell.titles", "no title"),
    "a technology that is no table": ("[technologies]\ndoor_bell = 7\n", "technologies.door_bell", "is no table"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "remedy"), WRONG.values(), ids=WRONG)
def test_a_wrong_key_is_told_with_its_path_and_remedy(
    tmp_path: Path, text: str, key: str, remedy: str
) -> None:
    problem = only(tmp_path, text if text.startswith(TRIAL[:6]) else TRIAL + text)
    assert (problem.file, problem.row, problem.column) == ("trial.toml", None, key)
    assert remedy in problem.remedy


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert only(tmp_path, 'id = "alna"\ntitle = Medisin\n').row == 2


def test_a_folder_without_a_trial_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "homes.csv").write_text("home,site_type,unit\n")
    with pytest.raises(PackageError, match=r"trial\.toml: the file is missing"):
        read(tmp_path, builtin_technologies())


def test_nyttigs_own_technologies_are_known_in_three_languages() -> None:
    known = builtin_technologies()
    assert known["medicine_dispenser"].use_rules == (UseRule("dose_taken"),)
    assert known["door_sensor"].use_rules == (UseRule("opened"), UseRule("contact", below=0.5))
    assert known["climate_sensor"].use_rules == ()
    assert all(set(each.titles) == {"en", "nb", "da"} for each in known.values())
    assert {each.usage_class for each in known.values()} == {"scheduled", "on_demand", "standby"}


def test_technologies_with_a_fault_are_refused_with_every_problem() -> None:
    text = '[Bell]\ntitles = { en = "Bell" }\nusage_class = "sometimes"\nuse = "rung"\n'
    assert [each.column for each in technologies_of(text)[1]] == ["Bell", "Bell.usage_class", "Bell.use"]
