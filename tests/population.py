"""A made-up population of homes whose every use is known, and what its devices' hours would tell of it.

A home lives in days since its installation: it begins after some days or never, forms a habit, may lapse, may stop
for good, may end because somebody died or moved. All of that is drawn first. Then the trial looks: from its first day
to its last, across both changes of the clocks, through silent devices, outages of ours, pauses, swaps, devices moved
from one home to the next and data that has not come yet. Everything is drawn whole arrays at a time, straight as the
rollups that such devices would leave: tests/test_truth_population.py and bench/truth.py hold the report against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pandas as pd
from lives import DUE_HOURS, NEVER, Bools, Integers, Lives, Usage, drawn
from population_silences import (
    BEGIN,
    DAYS,
    END,
    FIRST_DAY,
    MIDNIGHTS,
    OSLO,
    Mechanism,
    Stays,
    on_their_way,
    outages,
    platform_outages,
    rates,
    silences,
    silent_at,
    silent_at_uses,
    silent_until,
    silent_when_unused,
)
from population_watch import Messages, Watch, alarms, armed_minutes, covered, said, sent, watched

from nyttig.evidence import Evidence
from nyttig.model import Device, EndReason, Home, Parameters, Pause, Placement, Schedule, Trial, TrialPackage
from nyttig.package.technologies import builtin_technologies

AS_OF = datetime.fromtimestamp(END * 60, UTC)
DUE_TIMES = tuple(time(hour) for hour in DUE_HOURS)
DUE_MINUTES: Integers = np.array(
    [
        [
            int(datetime.combine(FIRST_DAY + timedelta(days=day), due, OSLO).timestamp()) // 60
            for due in DUE_TIMES
        ]
        for day in range(DAYS)
    ]
)
TECHNOLOGY = {"scheduled": "medicine_dispenser", "on_demand": "wash_dry_toilet", "standby": "safety_alarm"}
HEARTBEAT_MINUTES = 60
CONSENTS = 0.7


@dataclass(frozen=True)
class Population:
    """A trial as its figures find it, and the truth of it.

    Of each stay and local day: `counted` (in the trial, neither excused nor a short first or last day), the true
    number of `uses`, and the minutes `exposed`, `online` and `covered`: online, and worn where it is to be worn.
    `home_used`: home × day. `due`: home, day, minute and outcome (0 done, 1 late, 2 missed) of each dose that was due in
    the trial and outside pauses. `watch`: when it was worn, and its alarms (None unless it stands by). `late` is the
    evidence once everything that was on its way has come.
    """

    usage: Usage
    found: Evidence
    late: Evidence
    lives: Lives
    codes: tuple[str, ...]
    enrolled: Integers
    stays: Stays
    counted: Bools
    uses: Integers
    exposed: Integers
    online: Integers
    covered: Integers
    watch: Watch | None
    home_used: Bools
    paused: Bools
    due: pd.DataFrame

    @property
    def parameters(self) -> Parameters:
        """The thresholds of the trial."""
        return self.found.package.trial.parameters


def population(usage: Usage, mechanism: Mechanism, seed: int, homes: int = 200) -> Population:
    """The trial of `homes` homes; the lives in it depend on class and seed alone, the silences on the mechanism."""
    live = np.random.default_rng([seed, list(TECHNOLOGY).index(usage)])
    lives = drawn(usage, live, homes)
    chosen = np.flatnonzero(_enrolled(lives))
    codes = tuple(f"h{n:04d}" for n in chosen)
    ends, reasons = _ends(lives, live)
    pauses = _pauses(lives, live)
    stays, placements = _stays(lives, chosen, ends, live)
    # Uses, by stay and minute: where somebody was at home with it.
    home, day, minute = lives.uses
    moment = _moment(lives.installed[home] + day, minute)
    place, use_stay = _inside(stays, home, moment)
    use_minute = moment[place]
    away = _in_pause(pauses, stays.home[use_stay], use_minute)
    use_stay, use_minute = use_stay[~away], use_minute[~away]
    watch = (
        watched(stays, use_stay, use_minute, np.random.default_rng([seed, 11]))
        if usage == "standby"
        else None
    )

    silence = np.random.default_rng([seed, 7, len(mechanism)])
    rate = rates(mechanism, lives.keenness[stays.home])
    spans = [outages(stays, rate, silence)]
    if mechanism == "unused_days":
        spans.append(silent_when_unused(stays, use_stay, use_minute, silence))
    if mechanism == "at_uses":
        spans.append(silent_at_uses(use_stay, use_minute, silence))
    broken = silences(*(np.concatenate(part) for part in zip(*spans, strict=True)))
    ours = platform_outages(mechanism, silence)
    every = np.repeat(np.arange(len(stays.home)), len(ours))
    repeated = np.tile(ours, (len(stays.home), 1))
    lost = silences(
        *(np.concatenate(part) for part in zip(*spans, (every, repeated[:, 0], repeated[:, 1]), strict=True))
    )
    since = on_their_way(mechanism, stays, silence)

    start = np.maximum(stays.start[:, None], MIDNIGHTS[:-1])
    end = np.maximum(np.minimum(stays.end[:, None], MIDNIGHTS[1:]), start)
    exposed = end - start
    counts = np.zeros(exposed.shape, dtype=np.int64)
    use_day = np.searchsorted(MIDNIGHTS, use_minute, side="right") - 1
    np.add.at(counts, (use_stay, use_day), 1)
    row = np.arange(len(stays.home))[:, None]
    online = exposed - (silent_until(broken, row, end) - silent_until(broken, row, start))
    excused = _whole_day_paused(pauses, stays.home, start, end) & (counts == 0)
    inside = exposed > 0
    edge = inside & ((start == stays.start[:, None]) | (end == stays.end[:, None]))
    home_used = np.zeros((homes, DAYS), dtype=bool)
    home_used[stays.home[use_stay], use_day] = True

    package = _package(usage, lives, chosen, ends, reasons, pauses, placements, live)
    messages = sent(stays, use_stay, use_minute, None if watch is None else said(watch), HEARTBEAT_MINUTES)
    heard = ~silent_at(lost, messages.stay, messages.minute)
    arrived = heard & (messages.minute < since[messages.stay])
    found, late = (
        _evidence(package, codes, chosen, stays, messages, told, ours) for told in (arrived, heard)
    )
    return Population(
        usage=usage,
        found=found,
        late=late,
        lives=lives,
        codes=codes,
        enrolled=chosen,
        stays=stays,
        counted=inside & ~(edge & (exposed < 720)) & ~excused,
        uses=counts,
        exposed=exposed,
        online=online,
        covered=online if watch is None else covered(watch, broken, exposed.shape),
        watch=watch,
        home_used=home_used,
        paused=_whole_day_paused(
            pauses, np.arange(homes), *np.broadcast_arrays(MIDNIGHTS[None, :-1], MIDNIGHTS[None, 1:])
        ),
        due=_due(lives, stays, pauses),
    )


# When homes are in the trial


def _enrolled(lives: Lives) -> Bools:
    """A home that had stopped or ended before the trial began is none of it: that is left truncation."""
    over = np.minimum(np.minimum(lives.stops, lives.ends), lives.leaves)
    return lives.installed + over > 2


def _ends(lives: Lives, rng: np.random.Generator) -> tuple[Integers, list[EndReason | None]]:
    """The trial's last day of each home (NEVER: none), and why; four of ten that stop are recorded as that."""
    recorded = np.where(
        rng.random(len(lives.stops)) < 0.4, lives.stops + rng.integers(5, 40, len(lives.stops)), NEVER
    )
    candidates = np.stack([lives.ends, lives.leaves, recorded])
    which, day = candidates.argmin(axis=0), lives.installed + candidates.min(axis=0)
    deceased = rng.random(len(day)) < 0.6
    reasons: list[EndReason | None] = []
    for kind, dead, on in zip(which.tolist(), deceased.tolist(), day.tolist(), strict=True):
        causes: tuple[EndReason, ...] = ("deceased" if dead else "nursing_home", "moved", "stopped_using")
        reasons.append(causes[kind] if on < DAYS - 1 else None)
    return np.where(day < DAYS - 1, day, NEVER), reasons


def _pauses(lives: Lives, rng: np.random.Generator) -> Integers:
    """Home, from and to (minutes) of each pause: one home in four, from noon to noon."""
    home = np.flatnonzero(rng.random(len(lives.installed)) < 0.25)
    day = rng.integers(20, 150, len(home))
    length = rng.integers(3, 14, len(home))
    return np.stack([home, MIDNIGHTS[day] + 720, MIDNIGHTS[day + length] + 720], axis=1)


# What the trial sees of them


def _stays(
    lives: Lives, chosen: Integers, ends: Integers, rng: np.random.Generator
) -> tuple[Stays, list[Placement]]:
    """Devices in homes: one home in ten swaps its device, and one that comes free serves the next new home."""
    homes = len(lives.installed)
    swap = np.where(rng.random(homes) < 0.1, rng.integers(30, 160, homes), NEVER)
    swap_minute, hole = rng.integers(9 * 60, 18 * 60, homes), rng.integers(0, 3, homes)
    free: list[tuple[int, int]] = []  # from which day, device
    rows, placements, devices = [], [], 0
    for home in sorted(chosen.tolist(), key=lambda each: int(lives.installed[each])):
        begins = int(lives.installed[home])
        device = next((one for one in free if one[0] + 2 < begins), None)
        if device is not None:
            free.remove(device)
        number, devices = (device[1], devices) if device is not None else (devices, devices + 1)
        placed = (BEGIN + begins * 1440 if begins < 0 else int(MIDNIGHTS[begins])) + 6 * 60
        last = int(MIDNIGHTS[min(ends[home] + 1, DAYS)])
        if begins + 5 < swap[home] < min(ends[home], DAYS) - 5:
            taken = int(MIDNIGHTS[swap[home]]) + int(swap_minute[home])
            given = taken + int(hole[home]) * 1440
            rows += [(home, number, max(placed, BEGIN), taken), (home, devices, given, last)]
            placements += [(number, home, placed, taken), (devices, home, given, None)]
            number, devices = devices, devices + 1
        else:
            rows.append((home, number, max(placed, BEGIN), last))
            placements.append((number, home, placed, None))
        if ends[home] < DAYS:
            free.append((int(ends[home]), number))
            if placements[-1][3] is None:
                placements[-1] = (*placements[-1][:3], last)
    home_, device_, start, end = (np.array(part, dtype=np.int64) for part in zip(*rows, strict=True))
    kept = end > start
    told = [
        Placement(f"d{number:04d}", f"h{home:04d}", _at(at), None if to is None else _at(to))
        for number, home, at, to in placements
    ]
    return Stays(home_[kept], device_[kept], start[kept], end[kept]), told


def _evidence(
    package: TrialPackage,
    codes: tuple[str, ...],
    chosen: Integers,
    stays: Stays,
    messages: Messages,
    heard: Bools,
    ours: Integers,
) -> Evidence:
    device_codes = np.array([f"d{number:04d}" for number in range(int(stays.device.max()) + 1)])
    key = stays.device[messages.stay[heard]] << 32 | messages.minute[heard] // 60
    order = np.argsort(key, kind="stable")
    hours, first, counts = np.unique(key[order], return_index=True, return_counts=True)
    bit = np.left_shift(1, messages.minute[heard][order] % 60)
    used = messages.is_use[heard][order]
    # Around messages that never came: the last before and the first after, of one device in one home.
    place = np.flatnonzero(heard)
    skipped = (np.diff(place) > 1) & (np.diff(messages.stay[place]) == 0)
    before, after = place[:-1][skipped], place[1:][skipped]
    nothing = pd.to_datetime(pd.Series([], dtype="object"), utc=True)
    home_code = dict(zip(chosen.tolist(), codes, strict=True))
    return Evidence(
        package,
        AS_OF,
        pd.DataFrame(
            {
                "home": [home_code[home] for home in stays.home.tolist()],
                "unit": "Bydel Alna",
                "device": device_codes[stays.device],
                "role": "primary",
                "from_at": _times(stays.start),
                "to_at": _times(stays.end),
                "heartbeat_minutes": float(HEARTBEAT_MINUTES),
                "tells_armed": package.trial.technology == TECHNOLOGY["standby"],
            }
        ).sort_values(["home", "device", "from_at"], ignore_index=True),
        pd.DataFrame(
            {
                "device": pd.Series(device_codes[hours >> 32], dtype="str"),
                "hour": _times((hours & 0xFFFFFFFF) * 60),
                "events_total": counts,
                "alive_minutes": np.bitwise_or.reduceat(bit, first),
                "uses": np.add.reduceat(used.astype(np.int64), first),
                "use_minutes": np.bitwise_or.reduceat(np.where(used, bit, 0), first),
                "other_uses": 0,
                "armed_minutes": armed_minutes(stays, messages, heard, hours),
            }
        ),
        pd.DataFrame(
            [(pause.home, pause.paused_from, pause.paused_to) for pause in package.pauses],
            columns=["home", "paused_from", "paused_to"],
        ),
        pd.DataFrame({"began_at": _times(ours[:, 0]), "ended_at": _times(ours[:, 1])}),
        pd.DataFrame(
            {
                "device": device_codes[stays.device[messages.stay[before]]],
                "from_at": _times(messages.minute[before]),
                "to_at": _times(messages.minute[after]),
            }
        ),
        pd.DataFrame({"device": [], "from_at": nothing, "to_at": nothing, "uses": []}),
        alarms(stays, device_codes, messages, heard),
    )


def _package(
    usage: Usage,
    lives: Lives,
    chosen: Integers,
    ends: Integers,
    reasons: list[EndReason | None],
    pauses: Integers,
    placements: list[Placement],
    rng: np.random.Generator,
) -> TrialPackage:
    installed = {home: FIRST_DAY + timedelta(days=int(lives.installed[home])) for home in chosen.tolist()}
    homes = [
        Home(
            f"h{home:04d}",
            "home",
            "Bydel Alna",
            day - timedelta(days=20),
            day - timedelta(days=10),
            day,
            FIRST_DAY + timedelta(days=int(ends[home])) if ends[home] < DAYS else None,
            reasons[home],
        )
        for home, day in installed.items()
    ]
    # Those that said no, or said yes and wait, are homes of the trial, too.
    asked = 2 * len(lives.installed)
    consented = max(int(rng.binomial(asked, CONSENTS)), len(homes))
    for number in range(len(homes), asked):
        homes.append(
            Home(f"x{number:04d}", "home", "Bydel Alna", FIRST_DAY, FIRST_DAY if number < consented else None)
        )
    technology = TECHNOLOGY[usage]
    return TrialPackage(
        trial=Trial(
            "population", "A population", None, ("Bydel Alna",), technology, OSLO.key, "NOK", FIRST_DAY
        ),
        technologies=tuple(builtin_technologies().values()),
        homes=tuple(homes),
        devices=tuple(
            Device(code, technology, "nyttig", code, HEARTBEAT_MINUTES, "mains", "primary")
            for code in sorted({each.device for each in placements})
        ),
        placements=tuple(placements),
        pauses=tuple(
            Pause(f"h{home:04d}", _at(start), _at(end))
            for home, start, end in pauses.tolist()
            if home in installed
        ),
        schedules=tuple(
            Schedule(f"h{home:04d}", due) for home in installed for due in DUE_TIMES if usage == "scheduled"
        ),
    )


def _due(lives: Lives, stays: Stays, pauses: Integers) -> pd.DataFrame:
    home, day, which = np.nonzero(lives.due >= 0)
    taken = np.zeros(lives.due.shape, dtype=np.int64)
    if (lives.due < 2).any():  # scheduled: its uses are its doses, in this order
        taken[lives.due < 2] = lives.uses[2]
    on = lives.installed[home] + day
    due_minute = np.where((on >= 0) & (on < DAYS), DUE_MINUTES[np.clip(on, 0, DAYS - 1), which], 0)
    place, stay = _inside(stays, home, due_minute)
    place, stay = (part[~_in_pause(pauses, home[place], due_minute[place])] for part in (place, stay))
    home, day, which, on = home[place], day[place], which[place], on[place]
    outcome = lives.due[home, day, which].astype(np.int64)
    # What would have been taken after the device was gone was not.
    outcome[_moment(on, taken[home, day, which]) >= stays.end[stay]] = 2
    return pd.DataFrame({"home": home, "day": on, "minute": due_minute[place], "outcome": outcome})


# Minutes


def _moment(day: Integers, minute: Integers) -> Integers:
    """The minute since 1970 of a local minute of a day of the trial; 0 outside it."""
    inside = (day >= 0) & (day < DAYS)
    day = np.clip(day, 0, DAYS - 1)
    changed = MIDNIGHTS[day + 1] - MIDNIGHTS[day] - 1440  # the clocks change before anybody is up
    return np.where(inside, MIDNIGHTS[day] + minute + changed, 0)


def _inside(stays: Stays, home: Integers, minute: Integers) -> tuple[Integers, Integers]:
    """Which of these moments lie in a stay of their home, and in which."""
    found = np.full(len(home), -1, dtype=np.int64)
    order = np.argsort(stays.home, kind="stable")
    first = np.searchsorted(stays.home[order], home, side="left")
    behind = np.searchsorted(stays.home[order], home, side="right")
    for nth in (0, 1):  # a home has had two devices at most
        stay = order[np.minimum(first + nth, len(order) - 1)]
        here = (first + nth < behind) & (stays.start[stay] <= minute) & (minute < stays.end[stay])
        found[here] = stay[here]
    some = np.flatnonzero(found >= 0)
    return some, found[some]


def _in_pause(pauses: Integers, home: Integers, minute: Integers) -> Bools:
    start, end = _pause_of(pauses, home)
    return (minute >= start) & (minute < end)


def _whole_day_paused(pauses: Integers, home: Integers, start: Integers, end: Integers) -> Bools:
    from_minute, to_minute = _pause_of(pauses, home)
    return (from_minute[:, None] <= start) & (end <= to_minute[:, None]) & (end > start)


def _pause_of(pauses: Integers, home: Integers) -> tuple[Integers, Integers]:
    size = int(max(home.max(initial=0), pauses[:, 0].max(initial=0))) + 1
    start, end = np.full(size, NEVER), np.full(size, -NEVER)
    start[pauses[:, 0]], end[pauses[:, 0]] = pauses[:, 1], pauses[:, 2]
    return start[home], end[home]


def _times(minutes: Integers) -> pd.Series:
    return pd.Series(pd.to_datetime(minutes * 60, unit="s", utc=True))


def _at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
