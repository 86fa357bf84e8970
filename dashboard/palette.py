"""Colours that stay apart for every kind of colour vision, and in grey: hues of Okabe and Ito, steps in lightness."""

from __future__ import annotations

USED = "#00568A"
USED_LITTLE_OBSERVED = "#5C9BCB"
UNUSED = "#E69F00"
PAUSED = "#C9E3F2"
UNKNOWN = "#F3F3F3"
HATCH = "#8A8A8A"
"""Unknown is never a plain colour: it is nearly white with these diagonal lines."""

IN_CONTACT = "#8DB9D8"
ALARM = "#00568A"
ALARM_LITTLE_CONTACT = "#3B78AA"

INK = "#1B2A33"
FAINT = "#5B6A73"
GRID = "#E3E8EB"
HOME_LINE = "#9DB2BF"

GOOD = "#00734C"
BAD = "#B3420A"
CAREFUL = "#8A5A00"

HEAT = ("#F2F6F8", "#CFE3F0", "#8DB9D8", "#3F86B8", "#00568A", "#00304F")
"""From none to many."""
