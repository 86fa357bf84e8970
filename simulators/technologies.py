"""What each technology says in a day: who does what with it, and what it does by itself.

An episode is what belongs together: a dose due and taken, the spoons of one meal. Their times come from the
resident's day; how often and when a resident uses one device is its habit, the same every day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple

from nyttig.model import Origin, Technology, UseRule
from simulators.days import HOUR, MINUTE
from simulators.resident import ResidentDay
from simulators.uses import is_moment, says

QUIET_AT_MIDNIGHT = 5 * MINUTE
"""No use this close to midnight, so that a clock that is minutes off never moves one to another day."""


class Happening(NamedTuple):
    """One thing that a device notices, at milliseconds since 1970. Origin `auto`: the device acts by itself."""

    at: int
    type: str
    value: float | None = None
    unit: str | None = None
    origin: Origin = "citizen"


Episode = list[Happening]
Behaviour = Callable[[ResidentDay, bool, Random, Random], Iterator[Episode]]
"""(the resident's day, whether they turn to this technology today, the device's habit, today's chance)."""


def episodes_of(
    technology: Technology, day: ResidentDay, engaged: bool, habit: Random, rng: Random
) -> Iterator[Episode]:
    """What a device of `technology` notices on `day`, not yet settled; any order."""
    behaviour = BEHAVIOURS.get(technology.id)
    if behaviour is not None:
        return behaviour(day, engaged, habit, rng)
    return _by_its_use_rules(technology, day, engaged, habit, rng)


def settle(
    episodes: Iterable[Episode],
    technology: Technology,
    begins: int,
    ends: int,
    away: Iterable[tuple[int, int]] = (),
) -> list[Episode]:
    """The episodes that hold, in order of time: inside [begins, ends), outside `away`, and such that two uses
    of the technology are always further apart than its joining gap, whoever made them.
    """
    absences = list(away)
    apart = technology.joining_gap_minutes * MINUTE + MINUTE
    settled = []
    last_use = begins - 24 * HOUR
    ordered = [sorted(episode, key=_time) for episode in episodes if episode]
    for episode in sorted(ordered, key=lambda each: each[0].at):
        first, last = episode[0].at, episode[-1].at
        if first < begins or last >= ends or any(first < to and last >= start for start, to in absences):
            continue
        rules = [(each.at, _rule_of_use(technology, each)) for each in episode]
        uses = [(at, rule) for at, rule in rules if rule is not None]
        if uses:
            if uses[0][0] - last_use < apart:
                continue
            last_use = last if uses[-1][1].lasts else uses[-1][0]
        settled.append(episode)
    return settled


def _time(happening: Happening) -> int:
    return happening.at


def is_use(technology: Technology, happening: Happening) -> bool:
    """Whether `happening` is the kind of thing that counts as a use, by whomever."""
    return _rule_of_use(technology, happening) is not None


def _rule_of_use(technology: Technology, happening: Happening) -> UseRule | None:
    """The rule by which it is one."""
    for rule in technology.use_rules:
        if is_moment(rule, happening.type, happening.value) or says(rule, happening.type, happening.value):
            return rule
    return None


def _kept(day: ResidentDay, engaged: bool) -> float:
    """How likely something planned is kept: nearly always, and often enough by who is not in the mood."""
    return 0.97 if engaged else 0.55 * day.inclination


def _medicine_dispenser(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    doses = habit.choice([(480,), (480, 1200), (480, 1200), (480, 840, 1200)])
    refill_weekday = habit.randrange(5)
    likely = _kept(day, engaged)
    for minute in doses if day.due_minutes is None else day.due_minutes:
        due = day.local.at(minute)
        episode = [Happening(due, "dose_due", 1, "dose", "auto")]
        chance = rng.random()
        if chance < likely:
            late = rng.random() < 0.06
            delay = rng.uniform(125, 165) if late else min(rng.expovariate(1 / 18), 115)
            taken = max(due + 5_000, day.wake + 5 * MINUTE) + round(delay * MINUTE)
            taken = min(taken, due + 170 * MINUTE)
            episode.append(Happening(taken, "dose_taken", 1, "dose"))
        elif chance > 0.99 and not day.ill:
            given = due + round(rng.uniform(10, 90) * MINUTE)
            episode.append(Happening(given, "dose_taken", 1, "dose", "staff"))
        else:
            episode.append(Happening(due + 180 * MINUTE, "dose_missed", 1, "dose", "auto"))
        yield episode
    if day.local.day.weekday() == refill_weekday:
        yield [Happening(day.local.at(rng.uniform(600, 780)), "refill", None, None, "staff")]


def _video_visit(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    calls = habit.choice([(555,), (600, 1080), (630,), (1110,)])
    also_on_free_days = habit.random() < 0.5
    likely = _kept(day, engaged)
    if day.due_minutes is None and day.local.free and not also_on_free_days:
        return
    for minute in calls if day.due_minutes is None else day.due_minutes:
        planned = day.local.at(minute)
        episode = [Happening(planned, "call_planned", None, None, "auto")]
        if rng.random() < likely:
            connected = planned + round(rng.uniform(0.2, 7) * MINUTE)
            minutes = round(rng.uniform(4, 18), 1)
            episode.append(Happening(connected, "call_connected"))
            ended = connected + round(minutes * MINUTE)
            episode.append(Happening(ended, "call_ended", minutes, "min", "auto"))
        else:
            episode.append(Happening(planned + 15 * MINUTE, "call_missed", None, None, "auto"))
        yield episode


def _stove_guard(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    cooks = (habit.uniform(0.1, 0.5), habit.uniform(0.1, 0.5), habit.uniform(0.7, 0.95))
    for meal, chance in zip((day.breakfast, day.lunch, day.dinner), cooks, strict=True):
        if not engaged or rng.random() > chance:
            continue
        on = meal - round(rng.uniform(15, 35) * MINUTE)
        minutes = round(rng.uniform(8, 45), 1)
        episode = [Happening(on, "stove_on")]
        if rng.random() < 0.06:
            warned = on + round(rng.uniform(5, 7.5) * MINUTE)
            episode.append(Happening(warned, "warning", None, None, "auto"))
            if rng.random() < 0.1:
                minutes = round((warned - on) / MINUTE + 2, 1)
                cut = on + round(minutes * MINUTE)
                episode.append(Happening(cut, "cut_off", None, None, "auto"))
        episode.append(Happening(on + round(minutes * MINUTE), "stove_off", minutes, "min", "auto"))
        yield episode
    # It says every morning whether it watches; now and then somebody has switched it off, until the next day.
    watches = 0 if rng.random() < 1 / 40 else 1
    yield [Happening(day.local.at(7 * 60 + habit.uniform(0, 30)), "armed", watches, None, "auto")]


def _safety_alarm(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    test_day = habit.randint(1, 28)
    if engaged:
        on, off, spells = _worn(day, rng)
        yield from spells
        if rng.random() < 1 / 60:
            pressed = rng.randrange(on, off)
            minutes = round(rng.uniform(2, 25), 1)
            handled = pressed + round(minutes * MINUTE)
            yield [Happening(pressed, "alarm"), Happening(handled, "alarm_handled", minutes, "min", "staff")]
    if day.local.day.day == test_day:
        tested = day.local.at(rng.uniform(660, 720))
        yield [Happening(tested, "alarm", None, None, "test")]


def _worn(day: ResidentDay, rng: Random) -> tuple[int, int, list[Episode]]:
    """What is put on after getting up and taken off before going to bed: when, and what is said of it."""
    on = day.wake + round(rng.uniform(5, 40) * MINUTE)
    off = day.bed - round(rng.uniform(1, 20) * MINUTE)
    if rng.random() >= 0.3:
        return on, off, [[Happening(on, "worn"), Happening(off, "taken_off")]]
    middle = day.lunch + round(rng.uniform(30, 120) * MINUTE)  # for a nap or a bath in between
    again = middle + round(rng.uniform(30, 90) * MINUTE)
    before, after = (
        [Happening(a, "worn"), Happening(b, "taken_off")] for a, b in ((on, middle), (again, off))
    )
    return on, off, [before, after]


def _fall_detector(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    if not engaged:
        return
    on, off, spells = _worn(day, rng)
    yield from spells
    if rng.random() < 1 / 45:
        fell = rng.randrange(on, off)
        answered = fell + round(rng.uniform(2, 25) * MINUTE)
        yield [
            Happening(fell, "fall", None, None, "auto"),
            Happening(answered, "alarm_handled", None, None, "staff"),
        ]


def _door_sensor(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    outings = habit.randint(1, 4)
    if not engaged:
        outings = 0 if day.inclination == 0 else rng.randint(0, 1)
    for _ in range(outings):
        left = rng.randrange(day.breakfast, day.bed - HOUR)
        yield _opened(left, rng)
        yield _opened(min(left + round(rng.uniform(10, 120) * MINUTE), day.bed), rng)


def _opened(at: int, rng: Random) -> Episode:
    return [Happening(at, "opened"), Happening(at + rng.randint(4_000, 40_000), "closed")]


def _motion_sensor(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    per_hour = habit.uniform(1.2, 2.6)
    if day.inclination == 0:
        return
    if not engaged:
        per_hour *= 0.3
    at = day.wake + rng.randint(0, 5 * MINUTE)
    while at < day.bed:
        yield [Happening(at, "motion"), Happening(at + 90_000, "motion_over", None, None, "auto")]
        at += 3 * MINUTE + round(rng.expovariate(per_hour) * HOUR)


def _bed_sensor(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    rises = habit.randint(0, 2)
    if day.inclination == 0:
        return
    yield [Happening(day.wake, "out_of_bed")]
    for _ in range(rises):
        up = rng.randrange(day.local.at(60), day.local.at(5 * 60))
        back = up + round(rng.uniform(3, 15) * MINUTE)
        yield [Happening(up, "out_of_bed"), Happening(back, "in_bed")]
    if not engaged or rng.random() < 0.3:
        rest = day.lunch + round(rng.uniform(40, 90) * MINUTE)
        yield [Happening(rest, "in_bed"), Happening(rest + round(rng.uniform(30, 80) * MINUTE), "out_of_bed")]
    yield [Happening(day.bed, "in_bed")]


def _wash_dry_toilet(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    cycles = habit.randint(2, 6)
    if not engaged:
        return
    for _ in range(max(1, cycles + rng.randint(-1, 1))):
        at = rng.randrange(day.wake, day.bed)
        yield [Happening(at, "wash_cycle"), Happening(at + 55_000, "dry_cycle", 120, "s", "auto")]


def _feeding_robot(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    meals = habit.choice([(1, 2), (0, 1, 2), (2,), (0, 2)])
    for meal, sits_down in enumerate((day.breakfast, day.lunch, day.dinner)):
        if not engaged or meal not in meals or rng.random() > 0.9:
            continue
        yield [Happening(sits_down - round(rng.uniform(2, 6) * MINUTE), "setup", None, None, "staff")]
        at, episode = sits_down, []
        for _ in range(rng.randint(15, 40)):
            episode.append(Happening(at, "spoon_cycle", 1, "spoon"))
            at += rng.randint(18_000, 45_000)
        yield episode


def _robot_vacuum(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    weekdays = habit.sample(range(7), habit.randint(3, 6))
    minute = habit.uniform(10, 14) * 60
    if not engaged or day.local.day.weekday() not in weekdays:
        return
    started = day.local.at(minute + rng.gauss(0, 20))
    minutes = round(rng.uniform(25, 60), 1)
    episode = [Happening(started, "run_started")]
    if rng.random() < 0.05:
        stuck = started + round(minutes / 2 * MINUTE)
        episode.append(Happening(stuck, "stuck", None, None, "auto"))
    episode.append(Happening(started + round(minutes * MINUTE), "run_finished", minutes, "min", "auto"))
    yield episode


def _light_path(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    nights = habit.randint(1, 3)
    if not engaged:
        return
    for _ in range(nights):
        on = rng.randrange(day.local.at(30), day.wake)
        off = on + round(rng.uniform(4, 9) * MINUTE)
        yield [Happening(on, "light_on"), Happening(off, "light_off", None, None, "auto")]


def _by_its_use_rules(
    technology: Technology, day: ResidentDay, engaged: bool, habit: Random, rng: Random
) -> Iterator[Episode]:
    """A technology that nothing more is known about: uses of its first rule at waking hours."""
    if not technology.use_rules:
        return
    times = habit.randint(1, 4)
    if not engaged:
        return
    for _ in range(max(1, times + rng.randint(-1, 1))):
        yield one_use(technology, rng.randrange(day.wake, day.bed), "citizen")


def one_use(technology: Technology, at: int, origin: Origin) -> Episode:
    """One use of `technology` at `at`, as its first use rule wants it seen; empty where it has no rule."""
    plain = [rule for rule in technology.use_rules if rule.counts_each_reading]
    if plain:
        return [Happening(at, plain[0].type, None, None, origin)]
    if not technology.use_rules:
        return []
    rule = technology.use_rules[0]
    over = at + max(MINUTE, round((rule.minimum_minutes or 0) * MINUTE))
    if rule.until is not None:
        return [Happening(at, rule.type, None, None, origin), Happening(over, rule.until, None, None, origin)]
    limit = rule.below if rule.above is None else rule.above
    assert limit is not None
    step = max(1.0, abs(limit)) * (1 if rule.above is not None else -1)
    use, rest = limit + step, limit - step
    if rule.release is not None:
        rest = min(rest, rule.release) if rule.above is not None else max(rest, rule.release)
    return [
        Happening(at - 1_000, rule.type, rest, None, origin),
        Happening(at, rule.type, use, None, origin),
        Happening(over, rule.type, rest, None, origin),
    ]


def _nothing(day: ResidentDay, engaged: bool, habit: Random, rng: Random) -> Iterator[Episode]:
    return iter(())


BEHAVIOURS: dict[str, Behaviour] = {
    "medicine_dispenser": _medicine_dispenser,
    "video_visit": _video_visit,
    "stove_guard": _stove_guard,
    "safety_alarm": _safety_alarm,
    "fall_detector": _fall_detector,
    "door_sensor": _door_sensor,
    "motion_sensor": _motion_sensor,
    "bed_sensor": _bed_sensor,
    "wash_dry_toilet": _wash_dry_toilet,
    "feeding_robot": _feeding_robot,
    "robot_vacuum": _robot_vacuum,
    "light_path": _light_path,
    "climate_sensor": _nothing,
    "gateway": _nothing,
}
