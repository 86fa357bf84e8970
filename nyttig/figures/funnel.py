"""From asked to started: how many homes came how far, and why homes ended. Definitions: docs/figures.md, section 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from nyttig.figures.intervals import Share, wilson


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many homes reached a step, and their share of the step before (None for the first)."""

    step: Literal["asked", "consented", "installed", "started"]
    homes: int
    share: Share | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """asked → consented → installed → started (first valid use); and why homes ended, by reason."""

    steps: tuple[FunnelStep, ...]
    ended: dict[str, int]


def funnel(homes: pd.DataFrame, started: Set[str]) -> Funnel:
    """Return how many homes came how far.

    A home that reached a step has reached those before it, dated or not. homes: home, asked_on, consented_on,
    installed_on, ended_on, end_reason; `started` are the homes with a first valid use. A home that ended
    without a reason counts as `other`.
    """
    reached = {"started": homes["home"].isin(started)}
    reached["installed"] = reached["started"] | homes["installed_on"].notna()
    reached["consented"] = reached["installed"] | homes["consented_on"].notna()
    reached["asked"] = reached["consented"] | homes["asked_on"].notna()
    counts = {step: int(here.sum()) for step, here in reached.items()}
    asked, consented, installed = counts["asked"], counts["consented"], counts["installed"]
    reasons = homes["end_reason"].where(homes["end_reason"].notna(), None).astype(object)
    ended = Counter(reasons[homes["ended_on"].notna()].fillna("other").astype(str))
    return Funnel(
        steps=(
            FunnelStep("asked", asked, None),
            FunnelStep("consented", consented, wilson(consented, asked)),
            FunnelStep("installed", installed, wilson(installed, consented)),
            FunnelStep("started", counts["started"], wilson(counts["started"], installed)),
        ),
        ended=dict(sorted(ended.items())),
    )
