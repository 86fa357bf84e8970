"""Was it armed, or worn? Turns: the minutes in which a device began, or ceased, to watch over somebody.

A turn is one number, `2 * (owner * SPAN + minute) + 1` where the device is armed from that minute on, without the 1
where it is not. Turns in order are in the order of owners and time. Before its first turn nobody knows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from nyttig.figures.minutes import NEVER, SPAN, Integers, bits_set, shared_minutes

TURNS_AT_ONCE = 200_000
"""Of so many turns the minutes are worked out at a time: some 30 MB."""


class Armed(NamedTuple):
    """Of pieces of time: minutes under proof of life in which the device was armed, was not, or nobody knows."""

    armed: Integers
    unarmed: Integers
    unknown: Integers


def turns_of(owner: Integers, hour: Integers, armed: Integers) -> Integers:
    """Return the turns in these hours, which may be in any order.

    hour: its first minute; armed: bit m where the device was armed in its minute m, -1 where nothing is known.
    An hour says nothing of those after it but its last minute: until another hour, that is how it stays.
    """
    known = np.flatnonzero(armed >= 0)
    if not len(known):
        return np.zeros(0, dtype=np.int64)
    owner, hour, masks = owner[known], hour[known], armed[known].astype(np.uint64)
    first = (masks & np.uint64(1)).astype(np.int64)
    changes = (masks ^ (masks << np.uint64(1))) & np.uint64(2**60 - 2)
    row, bit = bits_set(changes)
    after = (masks[row] >> bit.astype(np.uint64) & np.uint64(1)).astype(np.int64)
    at = owner * SPAN + hour
    return turning(np.concatenate([2 * at + first, 2 * (at[row] + bit) + after]))


def turning(turns: Integers) -> Integers:
    """Return the turns in order, without those that change nothing."""
    turns = np.sort(turns)
    changes = np.append(True, (turns[1:] ^ turns[:-1]) & _OWNER_AND_STATE != 0)[: len(turns)]
    found: Integers = turns[changes]
    return found


def armed_minutes(
    turns: Integers,
    proof: tuple[Integers, Integers, Integers],
    owner: Integers,
    start: Integers,
    end: Integers,
    observed: Integers,
) -> Armed:
    """Return what is known of the `observed` minutes of each piece [start, end) of its owner.

    proof: (owner, start, end) of what messages cover.
    """
    armed, unknown = (np.zeros(len(start), dtype=np.int64) for _ in range(2))
    edges = [0, *(turns[TURNS_AT_ONCE::TURNS_AT_ONCE] >> _OWNER_BIT).tolist(), int(owner.max(initial=0)) + 1]
    for low, high in pairwise(edges):
        mine = np.flatnonzero((owner >= low) & (owner < high))
        if len(mine):
            covers = (proof[0] >= low) & (proof[0] < high)
            part = turns[slice(*np.searchsorted(turns, [low << _OWNER_BIT, high << _OWNER_BIT]))]
            told = (proof[0][covers], proof[1][covers], proof[2][covers])
            piece = (owner[mine] - low, start[mine], end[mine])
            armed[mine], unknown[mine] = _of_owners(part, told, piece, observed[mine], low)
    return Armed(armed, observed - armed - unknown, unknown)


def _of_owners(
    turns: Integers,
    proof: tuple[Integers, Integers, Integers],
    piece: tuple[Integers, Integers, Integers],
    observed: Integers,
    first_owner: int,
) -> tuple[Integers, Integers]:
    """Return the minutes armed and those unknown of these pieces, whose owners count from `first_owner`.

    Minutes in two sets are those in the one and in the other less those in either.
    """
    owner, start, end = piece
    whose, minute = (turns >> _OWNER_BIT) - first_owner, (turns >> 1) & (SPAN - 1)
    ends = np.append(np.where(whose[1:] == whose[:-1], minute[1:], NEVER), NEVER)[: len(turns)]
    on = np.flatnonzero(turns & 1)
    covers = (proof[0] - first_owner, proof[1], proof[2])
    watched = (whose[on], minute[on], ends[on])
    either = [np.concatenate(both) for both in zip(covers, watched, strict=True)]
    armed = (
        observed
        + shared_minutes(*watched, owner, start, end)
        - shared_minutes(either[0], either[1], either[2], owner, start, end)
    )
    known_from = np.full(int(max(owner.max(), whose.max(initial=0))) + 1, NEVER)
    firsts = np.flatnonzero(np.append(True, whose[1:] != whose[:-1])[: len(whose)])
    known_from[whose[firsts]] = minute[firsts]
    unknown = np.zeros(len(start), dtype=np.int64)
    before = np.flatnonzero(start < known_from[owner])
    until = np.minimum(end[before], known_from[owner[before]])
    unknown[before] = shared_minutes(*covers, owner[before], start[before], until)
    return armed, unknown


_OWNER_BIT = int(SPAN).bit_length()
"""Turns of one owner are equal from this bit up: the minute and the state are below."""

_OWNER_AND_STATE = np.int64(-1) << _OWNER_BIT | 1
