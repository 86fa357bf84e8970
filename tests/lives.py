"""What made-up homes would do with a technology if nobody ended anything: begin, form a habit, lapse, stop for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Usage = Literal["scheduled", "on_demand", "standby"]

HOME_DAYS = 240
NEVER = 10_000
DUE_HOURS = (8, 20)
STARTS_PER_DAY, NEVER_STARTS = 0.25, 0.08
STOP_MEAN_DAYS, END_MEAN_DAYS, LEAVE_MEAN_DAYS = 400.0, 500.0, 1500.0


@dataclass(frozen=True)
class Lives:
    """What the homes would do if they were left alone. Days count from the installation (0); NEVER: not.

    chance: home × day, of a use on that day (of a dose: of each). used: home × day. `first` and `last_before_stop`
    are days of use; `stops` is the day from which nothing is used any more, `ends` that of a death or a move to a
    nursing home, `leaves` of another end, whichever comes first being what happens.
    """

    installed: Integers
    keenness: Floats
    used: Bools
    uses: tuple[Integers, Integers, Integers]
    due: npt.NDArray[np.int8]
    stops: Integers
    ends: Integers
    leaves: Integers

    @property
    def first(self) -> Integers:
        """The day of the first use."""
        return np.where(self.used.any(axis=1), self.used.argmax(axis=1), NEVER)

    @property
    def followed(self) -> Integers:
        """Days from the first use to the last before the home stopped, both counted; NEVER where it did not."""
        last = HOME_DAYS - 1 - self.used[:, ::-1].argmax(axis=1)
        stopped = (self.stops < HOME_DAYS) & self.used.any(axis=1)
        return np.where(stopped, last - self.first + 1, NEVER)

    @property
    def ended(self) -> Integers:
        """Days from the first use to a death or a nursing home, both counted."""
        return np.where(self.ends < HOME_DAYS, self.ends - self.first + 1, NEVER)


def drawn(usage: Usage, rng: np.random.Generator, homes: int) -> Lives:
    """The lives of so many homes."""
    shape = (homes, HOME_DAYS)
    day = np.arange(HOME_DAYS)
    late = rng.random(homes) < 0.2  # had the technology before the trial began to look
    installed = np.where(late, -rng.integers(5, 60, homes), rng.integers(0, 60, homes))
    keenness = 0.35 + 0.63 * rng.beta(2.0, 1.3, homes)
    starts = np.where(rng.random(homes) < NEVER_STARTS, NEVER, rng.geometric(STARTS_PER_DAY, homes) - 1)
    stops = starts + 1 + rng.exponential(STOP_MEAN_DAYS, homes).astype(np.int64)
    lapse = np.where(rng.random(homes) < 0.15, starts + rng.integers(20, 120, homes), NEVER)
    back = lapse + rng.integers(16, 30, homes)
    learned = 1 - 0.4 * np.exp(-(day - starts[:, None]).clip(0) / 10)
    chance = keenness[:, None] * learned
    chance[(day < starts[:, None]) | (day >= stops[:, None])] = 0
    chance[(day >= lapse[:, None]) & (day < back[:, None])] = 0
    begun = day == starts[:, None]
    due = np.full((*shape, len(DUE_HOURS)), 2, dtype=np.int8)
    if usage == "scheduled":
        told = rng.random(due.shape)
        due[told < chance[:, :, None]] = 1
        due[told < 0.9 * chance[:, :, None]] = 0
        due[begun, 0] = 0
        home, on, which = np.nonzero(due < 2)
        minute = 60 * np.array(DUE_HOURS)[which]
        minute += np.where(
            due[home, on, which] == 0, rng.integers(-25, 115, len(home)), rng.integers(125, 230, len(home))
        )
    else:
        some = (rng.random(shape) < chance) | begun
        count = some * (1 + rng.poisson(1.5, shape) if usage == "on_demand" else 1)
        home, on = (np.repeat(place, count[np.nonzero(some)]) for place in np.nonzero(some))
        until = 22 * 60 if usage == "on_demand" else 10 * 60
        minute = rng.integers(7 * 60, until, len(home))
    used = np.zeros(shape, dtype=bool)
    used[home, on] = True
    return Lives(
        installed=installed,
        keenness=keenness,
        used=used,
        uses=(home, on, minute),
        due=due,
        stops=np.where(starts == NEVER, NEVER, stops),
        ends=1 + rng.exponential(END_MEAN_DAYS, homes).astype(np.int64),
        leaves=1 + rng.exponential(LEAVE_MEAN_DAYS, homes).astype(np.int64),
    )
